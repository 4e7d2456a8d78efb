"""The state of a run: up to date, stale or corrupt, and what a step would read and write."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstm_cli import __version__
from lstm_cli.errors import ArtifactError, OutputError, StaleArtifact
from lstm_cli.rundir import manifest
from lstm_cli.rundir.layout import ARTIFACTS, command
from lstm_cli.rundir.reader import ArtifactReader, Run

OK, STALE, MISSING, DAMAGED, UNREADABLE = "ok", "stale", "missing", "damaged", "unreadable"
BROKEN = (
    MISSING,
    DAMAGED,
    UNREADABLE,
)  # the worst first: what an artifact is called of whose files several are


def would_read(run: Run, *names: str) -> list[tuple[str, int]]:
    """Each artifact's folder and its size in bytes. Raises MissingArtifact."""
    found = []
    for name in names:
        reader = run.artifact(name)
        found.append((str(reader.folder), sum(fact["size"] for fact in reader.files.values())))
    return found


def would_write(path: Path, step: str) -> list[str]:
    """Return the new folders that the step would make."""
    from lstm_cli.rundir.writer import next_folder  # which a forecast never needs

    return [str(next_folder(path / name)) for name, artifact in ARTIFACTS.items() if artifact.made_by == step]


def stale_sources(run: Run, name: str) -> tuple[str, ...]:
    """Return the artifacts that `name` was made from, directly or not, and that have changed since; each once.

    Raises:
        MissingArtifact: `name` has not been made.
    """
    run.require(name)
    return tuple(dict.fromkeys(_causes(run, name, set())))


def require_fresh(run: Run, name: str) -> None:
    """Refuse an artifact that was made from others than those there now.

    Raises:
        MissingArtifact: it has not been made.
        StaleArtifact: it is stale; the hint holds the commands that renew it, in their order.
    """
    causes = stale_sources(run, name)
    if not causes:
        return
    steps = [ARTIFACTS[other].made_by for other in sources_first(run, name) if stale_sources(run, other)]
    commands = ", then ".join(f"'{command(step, run.path)}'" for step in steps)
    titles = " and the ".join(ARTIFACTS[cause].title for cause in causes)
    raise StaleArtifact(
        f"the {ARTIFACTS[name].title} of {run.path} was not made from the {titles} there now",
        hint=f"run {commands} again",
    )


def sources_first(run: Run, name: str) -> list[str]:
    """`name` and all it was made from, each after its own sources."""
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
    """Return whether an artifact is another than the one that a step read, which `fact` records.

    A step that found none would find another one only once there is one that is not stale.
    """
    if was_absent(fact):
        return run.has(name) and not stale_sources(run, name)
    return bool(run.digest(name) != fact["sha256"])


def was_absent(fact: Mapping[str, Any]) -> bool:
    """Return whether a step looked for an artifact and found none."""
    return bool(fact["sha256"] == manifest.ABSENT_DIGEST)


def _read(run: Run, name: str) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (other, fact)
        for other, fact in run.producer_entry(name).get("read", {}).items()
        if other in ARTIFACTS
    ]


def is_up_to_date(
    run: Run,
    step: str,
    *,
    config: Mapping[str, Any],
    ignoring: Iterable[str] = (),
    sources: Mapping[str, str] | None = None,
) -> bool:
    """Whether running `step` again could only make once more what is there.

    config: its settings now; ignoring: those that do not change what it makes. sources: by their names in `run.json`
    the paths of its input that is no artifact of the run. Every file that it read and wrote is checked.
    """
    entry = run.steps.get(step)
    if entry is None or entry["versions"].get("lstm-cli") != __version__:
        return False
    if _settled(entry["config"], ignoring) != _settled(config, ignoring):
        return False
    if not (entry["read"] and entry["wrote"]):
        return False
    read = {name: fact for name, fact in entry["read"].items() if name in ARTIFACTS}
    outside = {name: fact for name, fact in entry["read"].items() if name not in ARTIFACTS}
    given = sources or {}
    if given.keys() != outside.keys() or not all(_same(given[name], outside[name]) for name in given):
        return False
    if any(differs(run, name, fact) for name, fact in read.items()):
        return False
    found = [name for name, fact in read.items() if not was_absent(fact)]
    try:
        for name in (*found, *entry["wrote"]):
            run.artifact(name).verify()
    except ArtifactError:  # the step makes it anew, or meets the damage itself
        return False
    return True


def _same(path: str, fact: Mapping[str, Any]) -> bool:
    """Whether an ordinary file has the size and the sha256 that were noted; it is read where the size is the same."""
    try:
        if not Path(path).is_file() or Path(path).stat().st_size != fact["size"]:
            return False
        with Path(path).open("rb", buffering=0) as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == fact["sha256"]
    except OSError:  # told by who reads it
        return False


def _settled(config: Mapping[str, Any], ignoring: Iterable[str]) -> Any:
    """The settings as JSON has them."""
    left_out = set(ignoring)
    told = {name: value for name, value in config.items() if name not in left_out}
    return manifest.from_json(manifest.to_json(told, path="settings"))


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was found of one artifact."""

    artifact: str
    folder: str  # in the run, e.g. model/0002
    files: int
    size: int  # bytes, as they were written
    state: str  # ok, stale, missing, damaged or unreadable
    findings: tuple[
        str, ...
    ]  # a sentence for each file that is broken, and for each artifact that is another now
    rebuild: str  # the command that makes it anew; empty where it is ok

    @property
    def broken(self) -> bool:
        """Whether it cannot be read as it was written."""
        return self.state in BROKEN


def verify_run(run: Run, progress: Callable[[int], object] = lambda size: None) -> tuple[Verdict, ...]:
    """Checks size and sha256 of every file that the run names; large ones are read in pieces.

    The checksum of `run.json` itself was checked when the run was opened. progress: is told the bytes of each file.
    """
    names = [name for name in ARTIFACTS if run.has(name)]
    return tuple(_verdict(run, run.artifact(name), progress) for name in names)


def _verdict(run: Run, reader: ArtifactReader, progress: Callable[[int], object]) -> Verdict:
    states, findings = [], []
    title = ARTIFACTS[reader.name].title
    for file, fact in reader.files.items():
        try:
            reader.verify_file(file)
        except ArtifactError as error:
            unreadable = UNREADABLE if isinstance(error, OutputError) else DAMAGED
            states.append(MISSING if run.is_file_missing(reader.name, file) else unreadable)
            findings.append(error.message)
        progress(fact["size"])
    for cause in stale_sources(run, reader.name):
        states.append(STALE)
        findings.append(f"the {title} was not made from the {ARTIFACTS[cause].title} there now")
    state = next((state for state in (*BROKEN, STALE) if state in states), OK)
    return Verdict(
        artifact=reader.name,
        folder=f"{reader.name}/{reader.folder.name}",
        files=len(reader.files),
        size=sum(fact["size"] for fact in reader.files.values()),
        state=state,
        findings=tuple(findings),
        rebuild=command(ARTIFACTS[reader.name].made_by, run.path) if states else "",
    )
