"""What a step would read and write in a run, looked up without a lock and without a change."""

from pathlib import Path

from lstm_cli.rundir.artifacts import ARTIFACTS
from lstm_cli.rundir.reading import Run
from lstm_cli.rundir.writer import next_folder


def would_read(run: Run, *names: str) -> list[tuple[str, int]]:
    """Each artifact's folder and its size in bytes. Raises MissingArtifact."""
    found = []
    for name in names:
        reader = run.artifact(name)
        found.append((str(reader.folder), sum(fact["size"] for fact in reader.files.values())))
    return found


def would_write(path: Path, step: str) -> list[str]:
    """The new folder that the step would make."""
    return [str(next_folder(path / name)) for name, artifact in ARTIFACTS.items() if artifact.made_by == step]
