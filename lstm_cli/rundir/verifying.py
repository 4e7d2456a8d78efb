"""Whether what a run names is whole: each artifact with its state, and the command that makes a broken one anew."""

from collections.abc import Callable
from dataclasses import dataclass

from lstm_cli.errors import ArtifactError, OutputError
from lstm_cli.rundir.artifacts import ARTIFACTS, command
from lstm_cli.rundir.reading import ArtifactReader, Run

OK, STALE, MISSING, DAMAGED, UNREADABLE = "ok", "stale", "missing", "damaged", "unreadable"
BROKEN = (
    MISSING,
    DAMAGED,
    UNREADABLE,
)  # the worst first: what an artifact is called of whose files several are


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
            states.append(MISSING if run.lacks(reader.name, file) else unreadable)
            findings.append(error.message)
        progress(fact["size"])
    for cause in run.stale(reader.name):
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
