"""run.json: what each step read and wrote, as JSON that carries its own checksum.

    {"checksum":"<sha256>","format":"lstm run","schema":2,"steps":{
      "train": {"config": {...}, "sources": {"epochs": "flag"}, "read": {"data": {"sha256": ..., "size": ...}},
                "wrote": {"model": {"folder": "0002", "files": {"model.onnx": {"sha256": ..., "size": ...}}}},
                "versions": {...}, "seed": 0, "device": "cpu", "times": {...}, "report": {...}}}}

The checksum is that of the same JSON without it, so it is checked on the bytes before anything is parsed.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lstm_cli.errors import ArtifactError, CorruptArtifact, ForeignFolder, OutputError
from lstm_cli.rundir.layout import ARTIFACTS, MANIFEST, STEPS, command
from lstm_cli.rundir.migrations import SCHEMA, migrate

FORMAT = "lstm run"
MAX_BYTES = 16 << 20  # of one JSON file
MAX_MARKS = 1_000_000  # commas, colons, brackets in it; the two hold hostile JSON under 200 MB once parsed
MAX_FILES = 32  # in one artifact
_HEAD = b'{"checksum":"'
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9]{4,9}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def is_folder_number(name: str) -> bool:
    """Whether `name` is that of a numbered folder, such as 0001."""
    return _NUMBER.fullmatch(name) is not None


def to_json(value: Any, *, path: Path | str) -> bytes:
    """`value` as one line of UTF-8 JSON, keys in their order; `path` is where it will go.

    Raises:
        ValueError: a number is NaN or infinite.
        TypeError: JSON has no word for a value (NumPy numbers and paths are taken).
        OutputError: it would be too large to be read again.
    """
    compact = (",", ":")
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=compact, default=_plain)
    try:
        data = text.encode() + b"\n"
    except UnicodeEncodeError:  # a path that is not UTF-8 holds lone surrogates
        data = json.dumps(value, allow_nan=False, separators=compact, default=_plain).encode() + b"\n"
    if reason := _too_large(data):
        raise OutputError(f"cannot write {path}: {reason}", hint="use fewer series")
    return data


def from_json(data: bytes) -> Any:
    """Parse JSON that may be hostile.

    Raises:
        ValueError: not UTF-8, not JSON, NaN or Infinity, too large, too deep, a number of too many digits.
    """
    if reason := _too_large(data):
        raise ValueError(reason)
    try:
        return json.loads(data.decode(), parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        from lstm_cli.library_errors import is_too_many_digits

        if is_too_many_digits(error):
            raise ValueError("it holds a number of too many digits") from None
        raise


def artifact_digest(files: Mapping[str, Mapping[str, Any]]) -> str:
    """The sha256 of an artifact: of its files' names, sizes and sha256, not of its folder's number."""
    lines = (f"{name} {fact['size']} {fact['sha256']}\n" for name, fact in sorted(files.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


ABSENT_DIGEST = artifact_digest({})  # of an artifact that was not there when a step looked for it


def encode_manifest(steps: Mapping[str, Any], run: Path) -> bytes:
    """The manifest's bytes. Raises what `to_json` raises, and ValueError for what no reader would take."""
    document = {"format": FORMAT, "schema": SCHEMA, "steps": steps}
    _check(document)
    return with_checksum(document, path=run / MANIFEST)


def with_checksum(document: Mapping[str, Any], *, path: Path | str) -> bytes:
    """An object as JSON that carries its own checksum. Raises what `to_json` raises."""
    body = to_json(document, path=path)
    checksum = hashlib.sha256(body).hexdigest()
    return b'%b%b",%b' % (_HEAD, checksum.encode(), body[1:])


def check_checksum(data: bytes) -> Any:
    """What `sealed` wrote. Raises ValueError where the bytes are others, before any of them is parsed."""
    start = len(_HEAD) + 64 + 2
    body = b"{" + data[start:]
    if data[:start] != b'%b%b",' % (_HEAD, hashlib.sha256(body).hexdigest().encode()):
        raise ValueError("its bytes are not those that were written")
    return from_json(body)


def decode_manifest(data: bytes, run: Path) -> dict[str, Any]:
    """The steps of a manifest, in this release's form; its checksum is checked, and that it names artifacts only.

    Raises:
        CorruptArtifact: its bytes are not those that were written.
        ForeignFolder: another program's run.json.
        ArtifactError: a newer release wrote it.
    """
    path = run / MANIFEST
    start = len(_HEAD) + 64 + 2
    body = b"{" + data[start:]
    whole = b'%b%b",' % (_HEAD, hashlib.sha256(body).hexdigest().encode())
    if len(data) > MAX_BYTES or data[:start] != whole:
        if _is_foreign(data):
            raise ForeignFolder(f"{path} is another program's", hint="name an absent or an empty folder")
        raise corrupt_manifest_error(run, "its bytes are not those that were written")
    try:
        document = from_json(body)
        newer = _newer_schema(document)
        if newer is not None:
            raise ArtifactError(
                f"{path} was written by a newer release (schema {newer}; this one reads up to {SCHEMA})",
                hint="upgrade: pip install --upgrade lstm-cli",
            )
        _require(isinstance(document, dict), "it is no object")
        document = migrate(document)
        _check(document)
    except ValueError as error:
        raise corrupt_manifest_error(run, str(error)) from None
    steps: dict[str, Any] = document["steps"]
    return steps


def corrupt_manifest_error(run: Path, reason: str) -> CorruptArtifact:
    """The error of a manifest that cannot be read."""
    return CorruptArtifact(
        f"{run / MANIFEST} is damaged: {reason}", hint=f"begin anew with '{command('prepare', run)} --force'"
    )


def _too_large(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        return f"it has more than {MAX_BYTES >> 20} MiB"
    if sum(data.count(mark) for mark in (b",", b":", b"[", b"{")) > MAX_MARKS:
        return f"it holds more than some {MAX_MARKS // 2:,} values"
    return ""


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):  # a NumPy number
        return value.item()
    raise TypeError(f"JSON has no word for {value!r}")


def _no_constant(name: str) -> None:
    raise ValueError(f"it holds {name}")


def _is_foreign(data: bytes) -> bool:
    """Whole JSON that bears no sign of ours; a damaged manifest of ours is either not JSON or bears one."""
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


def _require(true: object, reason: str) -> None:
    if not true:
        raise ValueError(reason)


def _check(document: Any) -> None:
    _require(document.get("format") == FORMAT and document.get("schema") == SCHEMA, "it has no schema")
    steps = document.get("steps")
    _require(isinstance(steps, dict), "it has no steps")
    for step, entry in steps.items():
        _require(step in STEPS, f"it names an unknown step {step!r:.100}")
        _require(isinstance(entry, dict), f"step '{step}' is not an object")
        for key in ("config", "read", "wrote", "versions", "times", "report"):
            _require(isinstance(entry.get(key), dict), f"step '{step}' has no '{key}'")
        _check_sources(entry.get("sources", ""), step)
        for name, fact in entry["read"].items():
            _check_fact(fact, f"what step '{step}' read as {name!r:.100}")
        for name, wrote in entry["wrote"].items():
            artifact = ARTIFACTS.get(name)
            _require(artifact and artifact.made_by == step, f"step '{step}' does not make {name!r:.100}")
            _check_wrote(wrote, f"'{name}'")


def _check_sources(sources: Any, step: str) -> None:
    sound = sources is None or (
        isinstance(sources, dict) and all(isinstance(source, str) for source in sources.values())
    )
    _require(sound, f"step '{step}' has no 'sources'")


def _check_wrote(wrote: Any, where: str) -> None:
    _require(isinstance(wrote, dict) and isinstance(wrote.get("files"), dict), f"{where} names no files")
    folder = wrote.get("folder")
    _require(isinstance(folder, str) and is_folder_number(folder), f"{where} is in no numbered folder")
    _require(0 < len(wrote["files"]) <= MAX_FILES, f"{where} has no files or too many")
    for file, fact in wrote["files"].items():
        _require(_FILE.fullmatch(file), f"{where} names {file!r:.100}, which is no name inside the run")
        _check_fact(fact, f"{where}, file '{file}',")


def _check_fact(fact: Any, where: str) -> None:
    sound = (
        isinstance(fact, dict)
        and isinstance(fact.get("sha256"), str)
        and _DIGEST.fullmatch(fact["sha256"])
        and type(fact.get("size")) is int
        and fact["size"] >= 0
    )
    _require(sound, f"{where} has no size and sha256")
