"""Work of `evaluate` that labelled sequences and text share: stored scores, conditions, copies and the plot."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from lstm_cli.config import EvaluateConfig
from lstm_cli.errors import GateFailed, UsageError
from lstm_cli.evaluation import fail_conditions
from lstm_cli.rundir import Run, Writer, is_up_to_date, open_run, replace_file, require_fresh, writing
from lstm_cli.steps.evaluate.outputs import check_outputs
from lstm_cli.steps.evaluate.score_files import copy_scores
from lstm_cli.steps.shared.cached_report import IGNORED_SETTINGS, replay_report
from lstm_cli.steps.shared.plot_output import TERMINAL, plot_format
from lstm_cli.tasks.records import Task
from lstm_cli.tasks.settle import require_own_options

Report = TypeVar(
    "Report", bound=Any
)  # a frozen report with metrics, baselines, gates, picture, output and plot


def evaluate_task(
    run: Path,
    config: EvaluateConfig,
    task: Task,
    kind: type[Report],
    score: Callable[[Writer, Callable[[Report], Report]], Report],
    draw: Callable[[Run, Report, str], bytes],
    *,
    force: bool,
    lock_wait: float,
    sources: Mapping[str, str] | None,
) -> Report:
    """Score the run's model, or return the stored scores, and write the copies and the plot.

    Args:
        run: path of the run directory.
        config: settings of the step.
        task: task of the run.
        kind: class of the report.
        score: scores the model, commits the report and returns it. Its second argument adds the conditions to a report.
        draw: returns the plot of a run with scores, in a format.
        force: score even if the scores are up to date.
        lock_wait: seconds to wait for the lock of the run.
        sources: origin of each setting, for the manifest.

    Raises:
        GateFailed: a condition failed. All files are written, and the attribute `report` holds the report.
        StaleArtifact: the model was made from other data.
        UsageError: an option belongs to another task, or a condition is invalid.
    """
    names = {"names": task.metrics, "limits": task.metrics, "baselines": task.baselines}
    conditions = [fail_conditions.parse_condition(text, **names) for text in config.fail_if]
    require_own_options(task, "evaluate", config)
    if config.plot == TERMINAL:
        picture = next(name for name in task.files["scores"] if name.endswith(".png"))
        raise UsageError(
            f"--plot - draws forecasts, but this run is {task.title}",
            hint=f"name a file: --plot {picture}",
            flag="--plot",
        )
    check_outputs(config, run, ("scores.json", *task.files["scores"]))

    def check(report: Report) -> Report:
        gates = [
            fail_conditions.check_condition(condition, report.metrics, report.baselines, {})
            for condition in conditions
        ]
        checked: Report = replace(report, gates=gates, output=config.output, plot=config.plot)
        return checked

    with writing(run, step="evaluate", lock_wait=lock_wait, sources=sources) as writer:
        assert writer.run is not None
        require_fresh(writer.run, "model")
        stored = asdict(config)
        if not force and is_up_to_date(writer.run, "evaluate", config=stored, ignoring=IGNORED_SETTINGS):
            report = check(replay_report(kind, writer.run, "evaluate"))
            _copy(writer.run, report, config, draw)
        else:
            report = score(writer, check)
            with open_run(run) as committed:
                _copy(committed, report, config, draw)
    return raise_if_failed(report)


def _copy(
    run: Run, report: Report, config: EvaluateConfig, draw: Callable[[Run, Report, str], bytes]
) -> None:
    """Copy the score files and draw the plot outside the run."""
    copy_scores(run, config.output)
    if config.plot is not None:
        replace_file(config.plot, [draw(run, report, plot_format(config.plot))])


def raise_if_failed(report: Report) -> Report:
    """Return the report of `evaluate`. Raise GateFailed, with the report in its `report`, if a condition failed."""
    failed = [gate for gate in report.gates if gate["failed"]]
    if failed:
        reasons = ", ".join(f"'{gate['condition']}' ({gate['reason']})" for gate in failed)
        error = GateFailed(
            f"not good enough: {reasons}", hint=f"the scores are in {Path(report.picture).parent}"
        )
        error.report = report
        raise error
    return report
