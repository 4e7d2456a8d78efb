"""Comparison of two runs: settings, data and versions that differ, and the scores on the same windows."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lstm_cli.errors import MissingArtifact, UsageError
from lstm_cli.rundir import STEPS, Run, open_run, reading_manifest, stale_sources
from lstm_cli.steps.runs.facts import ScoreFacts, data_facts, has_errors, score_facts
from lstm_cli.steps.runs.find_runs import Unreadable, find_runs
from lstm_cli.steps.runs.windows import why_not_same, window_facts
from lstm_cli.steps.shared.cached_report import OUTPUT_SETTINGS
from lstm_cli.steps.shared.report_json import plain_value
from lstm_cli.steps.show_config import KINDS, step_settings
from lstm_cli.tasks.settle import task_of
from lstm_cli.wording import did_you_mean

NO_INTERVAL = (
    "run.json has no error for each window, so the difference has no interval: chance may explain a small one"
)
METRICS = ("mase", "mae", "rmse", "smape", "mae_scaled", "mse_scaled")
SCALED = ("mase", "mae_scaled", "mse_scaled")  # divided by a statistic of the training rows


@dataclass(frozen=True, kw_only=True)
class DiffReport:
    """Report of `runs --diff`."""

    run: str  # the folder that was given
    a: str  # path of the first run
    b: str
    settings: tuple[dict[str, Any], ...]  # step, setting, a, b: used values that differ
    data: tuple[dict[str, Any], ...]  # fact, a, b
    versions: tuple[dict[str, Any], ...]  # step, name, a, b: releases, seed and device
    same_windows: bool
    reason: str | None  # why the windows are not the same
    windows: int | None  # number of the windows that both scores are of
    scores: tuple[dict[str, Any], ...]  # metric, a, b, difference in percent; empty if the windows differ
    notes: tuple[str, ...]  # sentences

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        values: dict[str, Any] = plain_value(asdict(self))
        return values


def compare(folder: Path, first: str, second: str) -> DiffReport:
    """Compare two runs.

    Args:
        folder: folder in which the runs are looked up first.
        first: run A, a path below `folder`, or a path.
        second: run B.

    Raises:
        MissingArtifact: a run is not found. The hint has the nearest name.
        ArtifactError: the `run.json` of a run is not readable.
        UsageError: both are the same run.
    """
    paths = [_resolve(folder, name) for name in (first, second)]
    if paths[0].samefile(paths[1]):
        raise UsageError(
            f"--diff needs two runs, and '{first}' and '{second}' are the same one",
            hint="name another run",
            flag="--diff",
        )
    with open_run(paths[0]) as run_a, open_run(paths[1]) as run_b:
        reason = _without_errors(run_a, run_b) or why_not_same(window_facts(run_a), window_facts(run_b))
        with reading_manifest(run_a.path):
            facts_a = _settings(run_a), _data(run_a), _versions(run_a), score_facts(run_a)
        with reading_manifest(run_b.path):
            facts_b = _settings(run_b), _data(run_b), _versions(run_b), score_facts(run_b)
        scores: tuple[dict[str, Any], ...] = ()
        windows, notes = None, []
        if reason is None and facts_a[3] is not None and facts_b[3] is not None:
            left_out = _left_out(run_a, run_b, facts_a[3], facts_b[3])
            scores = tuple(_score_rows(facts_a[3], facts_b[3], left_out))
            windows = facts_a[3].windows
            notes = [*_score_notes(run_a, run_b, facts_a[3], facts_b[3], left_out), NO_INTERVAL]
        return DiffReport(
            run=str(folder),
            a=str(run_a.path),
            b=str(run_b.path),
            settings=tuple(
                {"step": step, "setting": name, **values}
                for (step, name), values in _differences(
                    _in_both(facts_a[0], run_b), _in_both(facts_b[0], run_a)
                )
            ),
            data=tuple({"fact": fact, **values} for fact, values in _differences(facts_a[1], facts_b[1])),
            versions=tuple(
                {"step": step, "name": name, **values}
                for (step, name), values in _differences(
                    _in_both(facts_a[2], run_b), _in_both(facts_b[2], run_a)
                )
            ),
            same_windows=reason is None,
            reason=reason,
            windows=windows,
            scores=scores,
            notes=(*_step_notes(run_a, run_b), *notes),
        )


def _without_errors(run_a: Run, run_b: Run) -> str | None:
    """Return why the scores of two runs are not compared, if one has no errors of a forecast."""
    for name, run in (("A", run_a), ("B", run_b)):
        if not has_errors(run):
            return f"{name} holds {task_of(run).title}, which have no windows"
    return None


def _resolve(folder: Path, name: str) -> Path:
    """Return the path of a run, which is looked up in the folder first."""
    for path in (folder / name, Path(name)):
        if name and path.is_dir():
            return path
    found = (
        [found for found in find_runs(folder) if not isinstance(found, Unreadable)] if folder.is_dir() else []
    )
    names = [str(path.relative_to(folder)) for path in found]
    raise MissingArtifact(
        f"run not found: '{name}' is neither in {folder} nor a path",
        hint=did_you_mean(name, names) or f"list the runs with 'lstm runs {folder}'",
    )


def _settings(run: Run) -> dict[Any, Any]:
    """Return the used value of each setting by (step, setting): the one that an automatic setting chose."""
    return {
        (step, name): setting.get("settled", setting["value"])
        for step in KINDS
        if step in run.steps
        for name, setting in step_settings(step, run.entry(step)).items()
        if name not in OUTPUT_SETTINGS
    }


def _data(run: Run) -> dict[Any, Any]:
    """Return facts about the data: the files, and what `prepare` found in them."""
    facts = data_facts(run)
    if facts is None:
        return {}
    read = run.entry("prepare")["read"]
    files = {f"sha256 of {name}": fact["sha256"] for name, fact in read.items()}
    values = {name: value for name, value in asdict(facts).items() if name not in ("windows", "split_rows")}
    for name in ("windows", "split_rows"):
        values |= {
            f"{split} {name.replace('_', ' ')}": count for split, count in getattr(facts, name).items()
        }
    return {"source": values.pop("source"), **files, **values}


def _versions(run: Run) -> dict[Any, Any]:
    """Return the versions, the seed and the device of each step, by (step, name)."""
    return {
        (step, name): value
        for step in STEPS
        if step in run.steps
        for name, value in {
            **run.entry(step)["versions"],
            **{key: run.entry(step).get(key) for key in ("seed", "device")},
        }.items()
    }


def _in_both(values: Mapping[Any, Any], other: Run) -> dict[Any, Any]:
    """Return the values of the steps that the other run has, too."""
    return {key: value for key, value in values.items() if key[0] in other.steps}


def _differences(a: Mapping[Any, Any], b: Mapping[Any, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    for key in {**a, **b}:
        if a.get(key) != b.get(key):
            yield key, {"a": a.get(key), "b": b.get(key)}


def _score_rows(a: ScoreFacts, b: ScoreFacts, left_out: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the metrics of both runs, without those that are left out."""
    for metric in METRICS:
        if metric not in left_out:
            yield _row(metric, a.metrics.get(metric), b.metrics.get(metric))
    yield _row("wql", a.wql, b.wql)
    for level in a.coverage:
        if level in b.coverage:
            yield _row(f"coverage.{level}", a.coverage[level], b.coverage[level]) | {"difference": None}


def _left_out(run_a: Run, run_b: Run, a: ScoreFacts, b: ScoreFacts) -> dict[str, str]:
    """Return the metrics that cannot be compared, because they divide by another number, and the reasons."""
    data = [data_facts(run) for run in (run_a, run_b)]
    rows = [facts.split_rows.get("train") if facts is not None else None for facts in data]
    if rows[0] != rows[1]:
        return dict.fromkeys(SCALED, f"the training rows differ: {rows[0]} in A, {rows[1]} in B")
    if a.mase_season != b.mase_season:
        return {"mase": f"its season differs: {a.mase_season} in A, {b.mase_season} in B"}
    return {}


def _row(metric: str, a: float | None, b: float | None) -> dict[str, Any]:
    """Return one row; the difference is the percentage by which B is higher."""
    difference = None if a is None or b is None or a == 0 else 100 * (b / a - 1)
    return {"metric": metric, "a": a, "b": b, "difference": difference}


def _score_notes(
    run_a: Run, run_b: Run, a: ScoreFacts, b: ScoreFacts, left_out: Mapping[str, str]
) -> Iterator[str]:
    if a.precision != b.precision:
        yield f"A was scored as {a.precision}, B as {b.precision}"
    for reason in dict.fromkeys(left_out.values()):
        names = ", ".join(name for name in left_out if left_out[name] == reason)
        yield f"not compared, because {reason}: {names}"
    for name, run in (("A", run_a), ("B", run_b)):
        if stale_sources(run, "scores"):
            yield f"the scores of {name} are of an earlier model (run 'lstm evaluate {run.path}' again)"


def _step_notes(run_a: Run, run_b: Run) -> Iterator[str]:
    for name, ours, theirs in (("A", run_a, run_b), ("B", run_b, run_a)):
        only = [step for step in STEPS if step in ours.steps and step not in theirs.steps]
        if only:
            yield f"only {name} has a result of {', '.join(only)}"
