"""Step `runs`: what a run is and what it scored; the runs in a folder, compared or cleaned."""

from pathlib import Path
from typing import TYPE_CHECKING

from lstm_cli.config.runs import RunsConfig
from lstm_cli.steps.runs.overview import RunsReport, overview

if TYPE_CHECKING:
    from lstm_cli.steps.runs.clean import CleanReport
    from lstm_cli.steps.runs.compare import DiffReport


def runs(run: Path, config: RunsConfig, *, lock_wait: float = 0.0) -> "RunsReport | DiffReport | CleanReport":
    """Return the summaries of a run or of the runs in a folder; with `diff` or `clean`, the report of that.

    Only `run.json` is read. Nothing is written, except with `clean` and `delete`.

    Args:
        run: run directory, or folder with runs.
        config: settings of the step.
        lock_wait: seconds to wait for the lock of each run, with `delete`.

    Raises:
        MissingArtifact: the folder is not found.
        ForeignFolder: the path is a file.
        ArtifactError: `run` itself is a run whose `run.json` is not readable, or one of `diff` is.
        UsageError: the options do not fit.
        LockedError: a run was not cleaned, because it is locked. Its `report` is the CleanReport.
        OutputError: the system refuses to remove or to read a file. In `clean`, its `report` is the CleanReport.
    """
    if config.diff is not None:
        from lstm_cli.steps.runs.compare import compare

        return compare(run, *config.diff)
    if config.clean:
        from lstm_cli.steps.runs.clean import clean

        return clean(run, delete=config.delete, lock_wait=lock_wait)
    return overview(run, config.sort)
