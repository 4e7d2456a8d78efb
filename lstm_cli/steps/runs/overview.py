"""List of runs: the summary of each run in a folder, sorted."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lstm_cli.errors import (
    ArtifactError,
    CorruptArtifact,
    ForeignFolder,
    MissingArtifact,
    OutputError,
    UsageError,
)
from lstm_cli.evaluation.classification.names import HIGHER_IS_BETTER
from lstm_cli.rundir import MANIFEST, command, open_run
from lstm_cli.steps.runs.summary import CORRUPT, NEWER, UNREADABLE, RunSummary, summarize


@dataclass(frozen=True, kw_only=True)
class RunsReport:
    """Report of `runs`: the summaries of one run, or of all runs in a folder."""

    run: str  # the path that was given
    single: bool  # the path is a run
    runs: tuple[RunSummary, ...]
    same_windows: bool | None  # all scores are of the same windows; None with fewer than two scored runs
    skipped: tuple[dict[str, str], ...]  # path and reason of each folder that could not be searched

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        from lstm_cli.steps.shared.report_json import plain_value  # not needed by a table

        values: dict[str, Any] = plain_value(asdict(self))
        return values


def overview(path: Path, sort: str = "name") -> RunsReport:
    """Return the summary of a run, or of each run below a folder.

    Args:
        path: run directory or folder.
        sort: key of SORT_VALUES.

    Raises:
        MissingArtifact: the folder is not found, or the run has no finished step.
        ForeignFolder: the path is a file.
        ArtifactError: the path is a run whose `run.json` is not readable.
        UsageError: `sort` is given for a single run.
    """
    if os.path.lexists(path / MANIFEST):
        with suppress(ForeignFolder), open_run(path) as run:
            if sort == "name":
                return RunsReport(
                    run=str(path), single=True, runs=(summarize(run),), same_windows=None, skipped=()
                )
            raise UsageError(
                f"--sort works only with a folder of runs, and {path} is a run",
                hint="leave out --sort, or name the folder",
                flag="--sort",
            )
    return _list(path, sort)


def _list(path: Path, sort: str) -> RunsReport:
    """Return the summary of each run below a folder, sorted."""
    from lstm_cli.steps.runs.find_runs import (  # not needed by a single run
        Unreadable,
        find_runs,
        require_folder,
    )
    from lstm_cli.steps.runs.windows import why_not_same

    require_folder(path)
    summaries, windows, skipped = [], [], []
    for found in find_runs(path):
        if isinstance(found, Unreadable):
            skipped.append({"path": str(found.path), "reason": found.reason})
            continue
        try:
            summary, scored = _summarize(found, os.path.relpath(found, path))
        except (ForeignFolder, MissingArtifact):  # of another program, or removed meanwhile
            continue
        summaries.append(summary)
        windows += [] if scored is None else [scored]
    return RunsReport(
        run=str(path),
        single=False,
        runs=tuple(sort_runs(summaries, sort)),
        same_windows=None
        if len(windows) < 2
        else all(why_not_same(windows[0], each) is None for each in windows[1:]),
        skipped=tuple(skipped),
    )


def _summarize(path: Path, name: str) -> tuple[RunSummary, Mapping[str, Any] | None]:
    """Return the summary of a run and the facts about its scored windows. A run that is not readable has a problem."""
    from lstm_cli.steps.runs.windows import window_facts

    try:
        with open_run(path) as run:
            return summarize(run, name=name), window_facts(run)
    except (ForeignFolder, MissingArtifact):
        raise
    except ArtifactError as error:
        state = next(
            (
                state
                for kind, state in ((CorruptArtifact, CORRUPT), (OutputError, UNREADABLE))
                if isinstance(error, kind)
            ),
            NEWER,
        )
        problem = RunSummary(
            run=str(path),
            name=name,
            state=state,
            stale={},
            next=command("runs", path),
            why="to see what helps",
            problem=error.message,
        )
        return problem, None


def _metric(name: str) -> Callable[[RunSummary], float | None]:
    return lambda summary: None if summary.scores is None else summary.scores.metrics.get(name)


def _first_score(summary: RunSummary) -> tuple[str, float] | None:
    """Return the first metric of the task and its value, so that a smaller value is better."""
    if summary.score is None:
        return None
    metric, value = summary.score["metric"], summary.score["value"]
    return metric, -value if metric in HIGHER_IS_BETTER else value


def _of_scores(read: Callable[[Any], Any]) -> Callable[[RunSummary], Any]:
    return lambda summary: None if summary.scores is None else read(summary.scores)


def _of_data(read: Callable[[Any], Any]) -> Callable[[RunSummary], Any]:
    return lambda summary: None if summary.data is None else read(summary.data)


# Value of each key of --sort (SORT_KEYS in config/runs.py), and whether the largest one comes first.
SORT_VALUES: Mapping[str, tuple[Callable[[RunSummary], Any], bool]] = {
    "name": (lambda summary: summary.name, False),
    "mase": (_metric("mase"), False),
    "mae": (_metric("mae"), False),
    "score": (_first_score, False),
    "difference": (_of_scores(lambda scores: scores.difference), True),
    "coverage": (_of_scores(lambda scores: scores.coverage.get("80")), False),
    "windows": (_of_scores(lambda scores: scores.windows), True),
    "horizon": (_of_data(lambda data: data.horizon), False),
    "target": (_of_data(lambda data: ", ".join(data.targets) or None), False),
    "model": (lambda summary: None if summary.model is None else summary.model.model, False),
    "state": (lambda summary: summary.state, False),
    "time": (lambda summary: summary.time, True),
}


def sort_runs(summaries: list[RunSummary], key: str) -> list[RunSummary]:
    """Return the runs in the order of a key of SORT_VALUES. Those without the value come last, then by name."""
    read, largest_first = SORT_VALUES[key]
    known = [summary for summary in summaries if read(summary) is not None]
    others = [summary for summary in summaries if read(summary) is None]
    by_name = sorted(known, key=lambda summary: summary.name)
    return [
        *sorted(by_name, key=read, reverse=largest_first),  # stable, also in reverse
        *sorted(others, key=lambda summary: summary.name),
    ]
