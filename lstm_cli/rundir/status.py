"""State of a run: up to date, stale or corrupt, and the files that a step would read and write."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstm_cli import __version__
from lstm_cli.errors import ArtifactError, OutputError, StaleArtifact
from lstm_cli.rundir import manifest
from lstm_cli.rundir.layout import ARTIFACTS, LEDGER, command
from lstm_cli.rundir.manifest.versions import (
    is_after_rollback,
    is_refreshed,
    kept_versions,
    version_number,
)
from lstm_cli.rundir.open import open_run, open_version
from lstm_cli.rundir.reader import ArtifactReader, Run

OK, STALE, MISSING, DAMAGED, UNREADABLE = "ok", "stale", "missing", "damaged", "unreadable"
# An artifact gets the first of these states that one of its files has.
BROKEN = (MISSING, DAMAGED, UNREADABLE)


def would_read(run: Run, *names: str) -> list[tuple[str, int]]:
    """Return the folder and the size in bytes of each artifact. Raise MissingArtifact if one has not been made."""
    sizes = []
    for name in names:
        reader = run.artifact(name)
        sizes.append((str(reader.folder), sum(fact["size"] for fact in reader.files.values())))
    return sizes


def would_write(path: Path, step: str) -> list[str]:
    """Return the new folders that the step would make."""
    from lstm_cli.rundir.writer import next_folder  # imported late, because a forecast never needs it

    return [str(next_folder(path / name)) for name, artifact in ARTIFACTS.items() if artifact.made_by == step]


def stale_sources(run: Run, name: str) -> tuple[str, ...]:
    """Return the direct and indirect sources of an artifact that changed after it was made.

    Rows that `refresh` adds do not change the quantized graph of a model that stays.

    Raises:
        MissingArtifact: the artifact has not been made.
    """
    run.require(name)
    if name == "quantized" and is_refreshed(run.models) and serves_quantized(run):
        return ()
    return tuple(dict.fromkeys(_causes(run, name, set())))


def require_fresh(run: Run, name: str) -> None:
    """Raise StaleArtifact if an artifact is out of date.

    Raises:
        MissingArtifact: the artifact has not been made.
        StaleArtifact: it is out of date. The hint has the commands that make it again, in their order.
    """
    causes = stale_sources(run, name)
    if not causes:
        return
    stale = [other for other in dependency_order(run, name) if stale_sources(run, other)]
    if name == "quantized" and is_refreshed(run.models):
        stale = [name]  # made from the model that serves, which can be older than the data
    steps = [ARTIFACTS[other].made_by for other in stale]
    commands = ", then ".join(
        f"'{retrain_command(run) if step == 'train' else command(step, run.path)}'" for step in steps
    )
    hint = f"run {commands} again"
    if name == "model" and is_refreshed(run.models):
        hint = f"'{command('score', run.path)}' judges its forecasts, and '{retrain_command(run)}' trains on all rows"
    titles = " and the ".join(ARTIFACTS[cause].title for cause in causes)
    artifact = ARTIFACTS[name]
    raise StaleArtifact(
        f"the {artifact.title} of {run.path} {artifact.is_or_are} out of date: the {titles} changed later",
        hint=hint,
    )


def retrain_command(run: Run) -> str:
    """Return the command that trains a model again.

    In a run of `refresh`, that compares the new model with the old one. After a rollback, only --force surely replaces
    the model.
    """
    if is_refreshed(run.models):
        return f"{command('refresh', run.path)} DATA --always"
    return command("train", run.path) + (" --force" if is_after_rollback(run.models) else "")


def dependency_order(run: Run, name: str) -> list[str]:
    """Return an artifact and all its sources in the order in which they are made."""
    order: list[str] = []
    seen: set[str] = set()

    def visit(artifact: str) -> None:
        if artifact in seen or not run.has(artifact):
            return
        seen.add(artifact)
        for other, _ in _read(run, artifact):
            visit(other)
        order.append(artifact)

    visit(name)
    return order


def _causes(run: Run, name: str, seen: set[str]) -> Iterator[str]:
    if name in seen:
        return
    seen.add(name)
    for other, fact in _read(run, name):
        if differs(run, other, fact):
            yield other
        if not was_absent(fact):
            yield from _causes(run, other, seen)


def differs(run: Run, name: str, fact: Mapping[str, Any]) -> bool:
    """Return whether an artifact differs from the one that a step read.

    If the artifact was missing when the step ran, it differs once it exists and is not stale.

    Args:
        run: Run that contains the artifact.
        name: Name of the artifact.
        fact: Recorded size and sha256 of the artifact that the step read.
    """
    if was_absent(fact):
        return run.has(name) and not stale_sources(run, name)
    return bool(run.digest(name) != fact["sha256"])


def was_absent(fact: Mapping[str, Any]) -> bool:
    """Return whether a recorded artifact was missing when the step looked for it."""
    return bool(fact["sha256"] == manifest.ABSENT_DIGEST)


def _read(run: Run, name: str) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (other, fact)
        for other, fact in run.producer_entry(name).get("read", {}).items()
        if other in ARTIFACTS
    ]


def serves_quantized(run: Run) -> bool:
    """Return whether the run has a quantized graph of its current model, which `auto` then selects."""
    if not run.has("quantized"):
        return False
    made_from: str = run.producer_entry("quantized").get("read", {})["model"]["sha256"]
    return made_from == run.digest("model")


def missing_files(run: Run) -> dict[str, tuple[str, ...]]:
    """Return for each artifact the files of the manifest that are missing. No file is read."""
    missing = {
        name: tuple(file for file in run.artifact(name).files if run.is_file_missing(name, file))
        for name in ARTIFACTS
        if run.has(name)
    }
    return {name: files for name, files in missing.items() if files}


def is_up_to_date(
    run: Run,
    step: str,
    *,
    config: Mapping[str, Any],
    ignoring: Iterable[str] = (),
    sources: Mapping[str, str | bytes] | None = None,
    compared: Iterable[str] = (),
) -> bool:
    """Return whether running a step again would give the same result.

    All files that the step read and wrote are verified.

    Args:
        run: Run to check.
        step: Verb of the step.
        config: Current settings of the step.
        ignoring: Settings that do not change the result.
        sources: Inputs outside the run: name in `run.json` -> path of the file, or its content.
        compared: Other inputs, which the caller has compared.
    """
    entry = run.steps.get(step)
    if entry is None or entry["versions"].get("lstm-cli") != __version__:
        return False
    if _normalize(entry["config"], ignoring) != _normalize(config, ignoring):
        return False
    if not (entry["read"] and entry["wrote"]):
        return False
    read = {name: fact for name, fact in entry["read"].items() if name in ARTIFACTS}
    known = {*ARTIFACTS, *compared}
    recorded = {name: fact for name, fact in entry["read"].items() if name not in known}
    given = sources or {}
    if given.keys() != recorded.keys() or not all(
        is_unchanged(given[name], recorded[name]) for name in given
    ):
        return False
    if any(differs(run, name, fact) for name, fact in read.items()):
        return False
    present = [name for name, fact in read.items() if not was_absent(fact)]
    try:
        for name in (*present, *entry["wrote"]):
            run.artifact(name).verify()
    except ArtifactError:  # the step makes the artifact again, or reports the error
        return False
    return True


def rolled_back_version(
    run: Run,
    *,
    config: Mapping[str, Any],
    ignoring: Iterable[str] = (),
    is_same: Callable[[Mapping[str, Any]], bool] = lambda entry: True,
) -> int | None:
    """Return the version that `train` would make again, if a rollback has replaced it; else None.

    Args:
        run: Run to check.
        config: Current settings of `train`.
        ignoring: Settings that do not change the result.
        is_same: Returns whether an entry of `train` has the same other inputs.
    """
    rolled_back = [record for record in kept_versions(run.models) if record.get("rolled_back")]
    for record in rolled_back:
        entry = record["steps"]["train"]
        same_data = all(
            not differs(run, name, fact) for name, fact in entry["read"].items() if name in ARTIFACTS
        )
        same_config = _normalize(entry["config"], ignoring) == _normalize(config, ignoring)
        if same_data and same_config and is_same(entry):
            try:
                run.artifact("model").verify()
            except ArtifactError:  # a corrupt model must be made again
                return None
            return version_number(record)
    return None


def is_unchanged(source: str | bytes, fact: Mapping[str, Any]) -> bool:
    """Return whether a file or bytes have the recorded size and sha256. A file of another size is not read."""
    if isinstance(source, bytes):
        return len(source) == fact["size"] and hashlib.sha256(source).hexdigest() == fact["sha256"]
    path = source
    try:
        if not Path(path).is_file() or Path(path).stat().st_size != fact["size"]:
            return False
        with Path(path).open("rb", buffering=0) as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == fact["sha256"]
    except OSError:  # the step that reads the file reports the error
        return False


def _normalize(config: Mapping[str, Any], ignoring: Iterable[str]) -> Any:
    """Return the settings as a JSON round trip gives them, without the ignored ones."""
    ignored = set(ignoring)
    settings = {name: value for name, value in config.items() if name not in ignored}
    return manifest.from_json(manifest.to_json(settings, path="settings"))


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Result of the verification of an artifact."""

    artifact: str
    folder: str  # path in the run, e.g. model/0002
    files: int
    size: int  # bytes, as recorded in the manifest
    state: str  # ok, stale, missing, damaged or unreadable
    findings: tuple[str, ...]  # a sentence per broken file and per changed source
    rebuild: str  # command that makes the artifact again; empty if it is ok
    version: int | None = None  # of an earlier model, which is kept; None: a current artifact

    @property
    def broken(self) -> bool:
        """Return whether a file is missing, corrupt or unreadable."""
        return self.state in BROKEN


def verify_run(run: Run, progress: Callable[[int], object] = lambda size: None) -> tuple[Verdict, ...]:
    """Verify size and sha256 of all files of a run and of its kept models. Files are read in pieces.

    The checksum of `run.json` was verified when the run was opened. `progress` gets the size of each file in bytes.
    """
    names = [name for name in ARTIFACTS if run.has(name)]
    verdicts = [_verdict(run, run.artifact(name), progress) for name in names]
    for record in kept_versions(run.models):
        with open_version(run.path, record) as version:
            if version.has_missing_files() and not _is_still_kept(run.path, record):
                continue  # a writer has removed it meanwhile
            readers = [version.artifact(name) for name in ARTIFACTS if version.has(name)]
            # A quantized model that is the current one too was verified above.
            readers = [
                each
                for each in readers
                if not (run.has(each.name) and run.artifact(each.name).folder == each.folder)
            ]
            verdicts += [
                _verdict(version, reader, progress, number=version_number(record)) for reader in readers
            ]
    return tuple(verdicts)


def files_to_verify(run: Run) -> list[tuple[str, int]]:
    """Return each folder that `verify_run` reads, with the size of its files in bytes."""
    sizes = dict(would_read(run, *(name for name in ARTIFACTS if run.has(name))))
    for record in kept_versions(run.models):
        for entry in record["steps"].values():
            for name, wrote in entry["wrote"].items():
                size = sum(file["size"] for file in wrote["files"].values())
                sizes.setdefault(str(run.path / name / wrote["folder"]), size)
    return list(sizes.items())


def _is_still_kept(path: Path, record: Mapping[str, Any]) -> bool:
    with open_run(path) as run:
        return any(kept["folder"] == record["folder"] for kept in kept_versions(run.models))


def verify_ledger(path: Path) -> Verdict | None:
    """Verify all files of the ledger of a run; None if it has none.

    Raises:
        ForeignFolder: the ledger is a file or a link.
        OutputError: the system does not allow reading it.
    """
    from lstm_cli.rundir import ledger

    count, size, problems = ledger.verify_files(path)
    if not count:
        return None
    return Verdict(
        artifact=LEDGER,
        folder=LEDGER,
        files=count,
        size=size,
        state=DAMAGED if problems else OK,
        findings=tuple(problems),
        rebuild=command("score", path) if problems else "",
    )


def _verdict(
    run: Run, reader: ArtifactReader, progress: Callable[[int], object], *, number: int | None = None
) -> Verdict:
    """Return the verdict about an artifact. That of an earlier version, with its number, is never stale."""
    states, findings = [], []
    title, verb = ARTIFACTS[reader.name].title, ARTIFACTS[reader.name].is_or_are
    for file, fact in reader.files.items():
        try:
            reader.verify_file(file)
        except ArtifactError as error:
            unreadable = UNREADABLE if isinstance(error, OutputError) else DAMAGED
            states.append(MISSING if run.is_file_missing(reader.name, file) else unreadable)
            findings.append(error.message)
        progress(fact["size"])
    for cause in stale_sources(run, reader.name) if number is None else ():
        states.append(STALE)
        findings.append(f"the {title} {verb} out of date: the {ARTIFACTS[cause].title} changed later")
    state = next((state for state in (*BROKEN, STALE) if state in states), OK)
    return Verdict(
        artifact=reader.name,
        folder=f"{reader.name}/{reader.folder.name}",
        files=len(reader.files),
        size=sum(fact["size"] for fact in reader.files.values()),
        state=state,
        findings=tuple(findings),
        rebuild=_repair(run, reader.name, number) if states else "",
        version=number,
    )


def _repair(run: Run, name: str, number: int | None) -> str:
    """Return the command that makes an artifact again, or removes an earlier version that cannot be made again."""
    if number is None:
        made_by = ARTIFACTS[name].made_by
        return retrain_command(run) if made_by == "train" else command(made_by, run.path)
    return f"{command('history', run.path)} --drop {number}"
