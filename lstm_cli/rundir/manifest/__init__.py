"""Manifest of a run (run.json): what each step read and wrote, as JSON with its own checksum.

    {"checksum":"<sha256>","format":"lstm run","schema":2,"steps":{
      "train": {"config": {...}, "sources": {"epochs": "flag"}, "read": {"data": {"sha256": ..., "size": ...}},
                "wrote": {"model": {"folder": "0002", "files": {"model.onnx": {"sha256": ..., "size": ...}}}},
                "versions": {...}, "seed": 0, "device": "cpu", "times": {...}, "report": {...}}}}

The optional key `models` lists the versions of the model, see `rundir/manifest/versions.py`.

The checksum is computed over the JSON without the checksum. It is verified before the JSON is parsed.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lstm_cli.errors import (
    ArtifactError,
    CorruptArtifact,
    ForeignFolder,
    LstmError,
    OutputError,
    UsageError,
)
from lstm_cli.rundir.layout import ARTIFACTS, MANIFEST, OF_MODEL, STEPS, command
from lstm_cli.rundir.manifest.migrations import SCHEMA, migrate

FORMAT = "lstm run"
CHECKSUM_MISMATCH = "checksum mismatch (the file was changed after it was written)"
# With these two limits, parsed hostile JSON needs less than 200 MB of memory.
MAX_BYTES = 16 << 20  # of a JSON file
MAX_MARKS = 1_000_000  # commas, colons and brackets in a JSON file
MAX_FILES = 32  # of an artifact
_HEAD = b'{"checksum":"'
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9]{4}|[1-9][0-9]{4,8}")  # numbers of a fixed width, which may grow
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def is_folder_number(name: str) -> bool:
    """Return whether `name` is the name of a numbered folder, such as 0001 or 12345, but not 00012."""
    return _NUMBER.fullmatch(name) is not None


def to_json(value: Any, *, path: Path | str) -> bytes:
    """Return `value` as one line of UTF-8 JSON. Keys keep their order. Errors name `path`.

    Raises:
        ValueError: a number is NaN or infinite.
        TypeError: JSON does not support the type of a value (NumPy scalars and paths are converted).
        OutputError: the JSON is too large to be read again.
    """
    compact = (",", ":")
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=compact, default=_convert_scalar)
    try:
        data = text.encode() + b"\n"
    except UnicodeEncodeError:  # a path that is not UTF-8 holds lone surrogates
        data = (
            json.dumps(value, allow_nan=False, separators=compact, default=_convert_scalar).encode() + b"\n"
        )
    if reason := _too_large(data):
        raise OutputError(f"cannot write {path}: {reason}", hint="use fewer series")
    return data


def from_json(data: bytes) -> Any:
    """Parse JSON that may be hostile.

    Raises:
        ValueError: not UTF-8, not JSON, NaN, infinity, too large, nested too deeply, or a number with too many digits.
    """
    if reason := _too_large(data):
        raise ValueError(reason)
    try:
        return json.loads(data.decode(), parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("the JSON is not UTF-8") from None
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        from lstm_cli.library_errors import is_too_many_digits

        if is_too_many_digits(error):
            raise ValueError("a number has too many digits") from None
        raise


def artifact_digest(files: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the sha256 of an artifact, computed from the names, sizes and sha256 of its files."""
    lines = (f"{name} {fact['size']} {fact['sha256']}\n" for name, fact in sorted(files.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


ABSENT_DIGEST = artifact_digest({})  # of an artifact that was missing when a step looked for it


def encode_manifest(
    steps: Mapping[str, Any], run: Path, *, models: Sequence[Mapping[str, Any]] = ()
) -> bytes:
    """Return the bytes of the manifest.

    Args:
        steps: Entry of each step.
        run: Run directory.
        models: Versions of the model, see `rundir/manifest/versions.py`.

    Raises:
        ValueError: the manifest is invalid, or one of the errors of `to_json`.
    """
    document: dict[str, Any] = {"format": FORMAT, "schema": SCHEMA, "steps": steps}
    if models:
        document["models"] = list(models)
    _check(document)
    return with_checksum(document, path=run / MANIFEST)


def with_checksum(document: Mapping[str, Any], *, path: Path | str) -> bytes:
    """Return an object as JSON with its own checksum. Raise the errors of `to_json`."""
    body = to_json(document, path=path)
    checksum = hashlib.sha256(body).hexdigest()
    return b'%b%b",%b' % (_HEAD, checksum.encode(), body[1:])


def check_checksum(data: bytes) -> Any:
    """Verify and parse the output of `with_checksum`. Raise ValueError if the checksum is wrong."""
    start = len(_HEAD) + 64 + 2
    body = b"{" + data[start:]
    if data[:start] != b'%b%b",' % (_HEAD, hashlib.sha256(body).hexdigest().encode()):
        raise ValueError(CHECKSUM_MISMATCH)
    return from_json(body)


def decode_manifest(data: bytes, run: Path) -> dict[str, Any]:
    """Verify a manifest and return its steps in the current schema. Raise the errors of `decode_document`."""
    steps: dict[str, Any] = decode_document(data, run)["steps"]
    return steps


def decode_document(data: bytes, run: Path) -> dict[str, Any]:
    """Verify a manifest and return it in the current schema: `steps`, and `models` if it has versions of the model.

    Raises:
        CorruptArtifact: the checksum is wrong, or the content is invalid.
        ForeignFolder: the run.json is of another program.
        ArtifactError: a newer release wrote the manifest.
    """
    path = run / MANIFEST
    start = len(_HEAD) + 64 + 2
    body = b"{" + data[start:]
    prefix = b'%b%b",' % (_HEAD, hashlib.sha256(body).hexdigest().encode())
    if len(data) > MAX_BYTES or data[:start] != prefix:
        if _is_foreign(data):
            raise ForeignFolder(f"{path} belongs to another program", hint="name a new or an empty folder")
        raise corrupt_manifest_error(run, CHECKSUM_MISMATCH)
    try:
        document = from_json(body)
        newer = _newer_schema(document)
        if newer is not None:
            raise ArtifactError(
                f"{path} was written by a newer release (schema {newer}; this one reads up to {SCHEMA})",
                hint="install the release that wrote it, or use another run directory",
            )
        _require(isinstance(document, dict), "it is not a JSON object")
        document = migrate(document)
        _check(document)
    except ValueError as error:
        raise corrupt_manifest_error(run, str(error)) from None
    return document


def corrupt_manifest_error(run: Path, reason: str) -> CorruptArtifact:
    """Return the error for a corrupt manifest."""
    return CorruptArtifact(
        f"{run / MANIFEST} is corrupt: {reason}", hint=f"start over with '{command('prepare', run)} --force'"
    )


@contextmanager
def reading_manifest(run: Path) -> Iterator[None]:
    """Convert unexpected errors in this block into CorruptArtifact, because the content of `run.json` caused them.

    The checksum is valid if somebody has edited `run.json` and computed the checksum again. Stored settings that are
    invalid count too.
    """
    try:
        yield
    except UsageError as error:
        raise corrupt_manifest_error(run, error.message) from error
    except (LstmError, OSError, MemoryError):
        raise
    except Exception as error:  # its readers can raise any class for edited content
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        raise corrupt_manifest_error(run, f"unexpected content ({text:.200})") from error


def _too_large(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        return f"too large (more than {MAX_BYTES >> 20} MiB)"
    if sum(data.count(mark) for mark in (b",", b":", b"[", b"{")) > MAX_MARKS:
        return f"too large (more than about {MAX_MARKS // 2:,} values)"
    return ""


def _convert_scalar(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):  # a NumPy number
        return value.item()
    raise TypeError(f"JSON does not support {value!r}")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"the JSON contains {name}")


def _is_foreign(data: bytes) -> bool:
    """Return whether the bytes are valid JSON of another program, and not a corrupt manifest of lstm."""
    if data.startswith(_HEAD):
        return False
    try:
        document = from_json(data)
    except ValueError:
        return False
    return not (isinstance(document, dict) and document.get("format") == FORMAT)


def _newer_schema(document: Any) -> int | None:
    schema = document.get("schema") if isinstance(document, dict) else None
    return schema if isinstance(schema, int) and schema > SCHEMA else None


def _require(condition: object, reason: str) -> None:
    if not condition:
        raise ValueError(reason)


def _check(document: Any) -> None:
    _require(document.get("format") == FORMAT and document.get("schema") == SCHEMA, "the schema is missing")
    steps = document.get("steps")
    _require(isinstance(steps, dict), "the steps are missing")
    _check_steps(steps)
    _check_models(document.get("models", []))


def _check_steps(steps: Mapping[str, Any]) -> None:
    for step, entry in steps.items():
        _require(step in STEPS, f"unknown step {step!r:.100}")
        _require(isinstance(entry, dict), f"step '{step}' is not an object")
        for key in ("config", "read", "wrote", "versions", "times", "report"):
            _require(isinstance(entry.get(key), dict), f"step '{step}' has no '{key}'")
        _check_sources(entry.get("sources", ""), step)
        for name, fact in entry["read"].items():
            _check_fact(fact, f"input {name!r:.100} of step '{step}'")
        for name, wrote in entry["wrote"].items():
            artifact = ARTIFACTS.get(name)
            _require(artifact and artifact.made_by == step, f"step '{step}' does not make {name!r:.100}")
            _check_wrote(wrote, f"'{name}'")


def _check_models(models: Any) -> None:
    _require(isinstance(models, list), "'models' is not a list")
    folders = set()
    for record in models:
        _require(isinstance(record, dict), "a version of the model is not an object")
        folder, served = record.get("folder"), record.get("served")
        _require(isinstance(folder, str) and is_folder_number(folder), "a version has no numbered folder")
        where = f"version {int(folder)} of the model"
        _require(folder not in folders, f"{where} is listed twice")
        folders.add(folder)
        digest = record.get("digest")
        _require(isinstance(digest, str) and _DIGEST.fullmatch(digest), f"{where} has no digest")
        _require(isinstance(served, list) and served, f"{where} has no periods")
        for period in served:
            is_valid = isinstance(period, dict) and period.keys() >= {"since", "until", "by"}
            _require(is_valid, f"{where} has an invalid period")
        if "steps" not in record:
            continue
        steps = record["steps"]
        _require(isinstance(steps, dict) and steps.keys() <= set(OF_MODEL), f"{where} has other steps")
        _check_steps(steps)
        wrote = steps.get("train", {}).get("wrote", {}).get("model", {})
        _require(wrote.get("folder") == folder, f"{where} has another folder")
        _require(artifact_digest(wrote["files"]) == digest, f"{where} has other files")


def _check_sources(sources: Any, step: str) -> None:
    is_valid = sources is None or (
        isinstance(sources, dict) and all(isinstance(source, str) for source in sources.values())
    )
    _require(is_valid, f"step '{step}' has no 'sources'")


def _check_wrote(wrote: Any, where: str) -> None:
    _require(isinstance(wrote, dict) and isinstance(wrote.get("files"), dict), f"{where} lists no files")
    folder = wrote.get("folder")
    _require(isinstance(folder, str) and is_folder_number(folder), f"{where} is not in a numbered folder")
    _require(0 < len(wrote["files"]) <= MAX_FILES, f"{where} has no files or too many files")
    for file, fact in wrote["files"].items():
        _require(_FILE.fullmatch(file), f"{where} lists {file!r:.100}, which is not a valid file name")
        _check_fact(fact, f"{where}, file '{file}',")


def _check_fact(fact: Any, where: str) -> None:
    is_valid = (
        isinstance(fact, dict)
        and isinstance(fact.get("sha256"), str)
        and _DIGEST.fullmatch(fact["sha256"])
        and type(fact.get("size")) is int
        and fact["size"] >= 0
    )
    _require(is_valid, f"{where} has no size and sha256")
