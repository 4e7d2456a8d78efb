"""Step `evaluate`: scores of the model and the baselines over all windows of a split."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lstm_cli.config import EvaluateConfig
from lstm_cli.config.extras import SCORING, TRAINING, require_installed
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.panel_times import PanelSplits, PanelTimes
from lstm_cli.evaluation import fail_conditions
from lstm_cli.events import Listener, Note, WarningRaised
from lstm_cli.findings import MODEL, Finding
from lstm_cli.plots.forecast import Panel, draw_forecast
from lstm_cli.plots.terminal import Terminal
from lstm_cli.rundir import (
    Run,
    Writer,
    is_up_to_date,
    open_run,
    reading_manifest,
    require_fresh,
    serves_quantized,
    writing,
)
from lstm_cli.steps.evaluate.evaluate_task import raise_if_failed
from lstm_cli.steps.evaluate.forecast_table import ForecastSource, write_forecasts
from lstm_cli.steps.evaluate.outputs import check_outputs
from lstm_cli.steps.evaluate.plot import plot_stored_scores, scored_panels
from lstm_cli.steps.evaluate.read_digests import digests_of_scoring
from lstm_cli.steps.evaluate.report import EvaluateReport, comparisons_of_series, report_of
from lstm_cli.steps.evaluate.score_files import PICTURE, copy_scores, write_scores
from lstm_cli.steps.evaluate.score_model import ScoringSubject, score_subject, scoring_subject
from lstm_cli.steps.shared.cached_report import IGNORED_SETTINGS, replay_report
from lstm_cli.steps.shared.plot_output import write_forecast_plot
from lstm_cli.steps.shared.report_json import finding_fields
from lstm_cli.tasks.records import CLASSIFY, FORECAST, GENERATE
from lstm_cli.tasks.settle import stored_task

if TYPE_CHECKING:
    from lstm_cli.steps.evaluate.sequences import EvaluateClassifierReport
    from lstm_cli.steps.evaluate.text import EvaluateTextReport

AnyReport: TypeAlias = "EvaluateReport | EvaluateClassifierReport | EvaluateTextReport"


@dataclass(frozen=True, kw_only=True)
class EvaluateWork:
    """Functions of `evaluate` for a task."""

    report: Callable[[], type[Any]]
    evaluate: Callable[..., Any]  # run, config, listen, force, lock_wait, sources, should_stop, terminal


def evaluate(
    run: Path,
    config: EvaluateConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
    should_stop: Callable[[], int | None] = lambda: None,
    terminal: Terminal | None = None,
) -> AnyReport:
    """Score the run's model, and write tables and a plot.

    If the scores are up to date, they stay as they are, and only the conditions are checked again. The files are
    copied to `config.output` in both cases, before a condition fails. The run does not keep the table of
    `config.forecasts`, so its forecasts are computed again.

    Args:
        run: path of the run directory.
        config: settings of the step.
        listen: receives progress events and warnings.
        force: score even if the scores are up to date.
        lock_wait: seconds to wait for the lock of the run.
        sources: origin of each setting, for the manifest.
        should_stop: returns the number of a signal that asks to stop, or None.
        terminal: receives the drawing of `--plot -`.

    Raises:
        GateFailed: a condition failed. All files are written, and the attribute `report` holds the report.
        StaleArtifact: the model was made from other data.
        DataError: the split has no windows.
        UsageError: a quantized model saw the validation rows in the refit, or the output cannot be written.
        OutputError: the output or the table of forecasts cannot be written. Scores that were made are kept.
    """
    work = WORK[stored_task(run).name]
    return work.evaluate(run, config, listen, force, lock_wait, sources, should_stop, terminal)


def _evaluate_sequences(
    run: Path,
    config: EvaluateConfig,
    listen: Listener,
    force: bool,
    lock_wait: float,
    sources: Mapping[str, str] | None,
    should_stop: Callable[[], int | None],
    terminal: Terminal | None,
) -> "EvaluateClassifierReport":
    from lstm_cli.steps.evaluate.sequences import evaluate_sequences

    return evaluate_sequences(run, config, listen, force=force, lock_wait=lock_wait, sources=sources)


def _evaluate_text(
    run: Path,
    config: EvaluateConfig,
    listen: Listener,
    force: bool,
    lock_wait: float,
    sources: Mapping[str, str] | None,
    should_stop: Callable[[], int | None],
    terminal: Terminal | None,
) -> "EvaluateTextReport":
    from lstm_cli.steps.evaluate.text import evaluate_text

    return evaluate_text(run, config, listen, force=force, lock_wait=lock_wait, sources=sources)


def _evaluate_forecast(
    run: Path,
    config: EvaluateConfig,
    listen: Listener,
    force: bool,
    lock_wait: float,
    sources: Mapping[str, str] | None,
    should_stop: Callable[[], int | None],
    terminal: Terminal | None,
) -> EvaluateReport:
    conditions = [fail_conditions.parse_condition(text) for text in config.fail_if]
    check_outputs(config, run)
    findings: list[Finding] = []
    with writing(run, step="evaluate", lock_wait=lock_wait, sources=sources) as writer:
        assert writer.run is not None
        require_fresh(writer.run, "model")
        if not force and is_up_to_date(
            writer.run, "evaluate", config=asdict(config), ignoring=IGNORED_SETTINGS
        ):
            report = replay_report(EvaluateReport, writer.run, "evaluate")
            copy_scores(writer.run, config.output)
            plot_stored_scores(writer.run, config, listen, terminal)
            with reading_manifest(run):
                gates = _check_conditions(report, conditions)
            report = replace(report, gates=gates, output=config.output, plot=config.plot)
            tabulated = _sources_again(writer.run, config, listen, should_stop)
        else:
            report, findings, tabulated, panels = score_and_commit(
                writer, config, conditions, listen, should_stop
            )
            with open_run(run) as committed:
                copy_scores(committed, config.output)
            if config.plot is not None:
                write_forecast_plot(config.plot, panels, terminal)
    for finding in findings:
        listen(WarningRaised(finding=finding))
    if config.forecasts is not None:  # after the commit, so that a full disk loses no scores
        written = write_forecasts(config, tabulated, listen, should_stop)
        report = replace(report, forecasts=written)
    return raise_if_failed(report)


def _report_of_sequences() -> "type[EvaluateClassifierReport]":
    from lstm_cli.steps.evaluate.sequences import EvaluateClassifierReport

    return EvaluateClassifierReport


def _report_of_text() -> "type[EvaluateTextReport]":
    from lstm_cli.steps.evaluate.text import EvaluateTextReport

    return EvaluateTextReport


WORK: Mapping[str, EvaluateWork] = {
    FORECAST.name: EvaluateWork(report=lambda: EvaluateReport, evaluate=_evaluate_forecast),
    CLASSIFY.name: EvaluateWork(report=_report_of_sequences, evaluate=_evaluate_sequences),
    GENERATE.name: EvaluateWork(report=_report_of_text, evaluate=_evaluate_text),
}


def score_and_commit(
    writer: Writer,
    config: EvaluateConfig,
    conditions: list[fail_conditions.FailCondition],
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> tuple[EvaluateReport, list[Finding], list[ForecastSource], list[Panel]]:
    """Score the model and commit the scores.

    Args:
        writer: writer of the run.
        config: settings of the step.
        conditions: conditions of `--fail-if`.
        listen: receives progress events.
        should_stop: returns the number of a signal that asks to stop, or None.

    Raises:
        DataError: the split has no windows.
        OutputError: the scores cannot be written.

    Returns:
        The report, its findings, what the table of `--forecasts` shows, and the panels of the plot.
    """
    assert writer.run is not None
    _require_packages(config)
    subject = scoring_subject(writer.run, config)
    scored = score_subject(subject, listen)
    report, findings = report_of(str(writer.path), config, scored)
    report = replace(report, gates=_check_conditions(report, conditions))
    findings += [*_split_time_findings(subject), *_precision_findings(writer.run, config, subject)]
    folder = writer.new("scores")
    tabulated = [ForecastSource.from_subject(subject)]
    if config.backtest:
        folds, further, sources = _backtest(writer.run, config, subject, listen, should_stop)
        report = replace(report, backtest=folds)
        findings += further
        tabulated += sources
    report = replace(report, picture=str(folder.folder / PICTURE), **finding_fields(findings))
    panels = scored_panels(scored)
    picture, errors = draw_forecast(panels), scored.by_origin.means()
    write_scores(folder, report.to_json(), picture, errors, comparisons_of_series(scored))
    digests = digests_of_scoring(
        writer.run,
        precision=subject.precision,
        follows_quantized=config.precision == "auto" and not subject.unseen,
    )
    writer.commit(config=asdict(config), reads=digests, report=report.to_json())
    return report, findings, tabulated, panels


def _sources_again(
    run: Run, config: EvaluateConfig, listen: Listener, should_stop: Callable[[], int | None]
) -> list[ForecastSource]:
    """Return what the table of `--forecasts` shows, if the scores are up to date; an empty list without a table.

    The forecasts of a backtest that retrains are not stored, so its models are trained again.

    Args:
        run: run with scores.
        config: settings of the step.
        listen: receives progress events.
        should_stop: returns the number of a signal that asks to stop, or None.
    """
    if config.forecasts is None:
        return []
    _require_packages(config)
    text = "the scores are up to date, so only the forecasts are computed again"
    if config.backtest and not config.reuse:
        text += ", with a training at each cut-off"
    listen(Note(text=text))
    subject = scoring_subject(run, config)
    sources: list[ForecastSource] = []
    if config.backtest and config.reuse:
        from lstm_cli.steps.evaluate.backtest import reused_sources

        sources = reused_sources(subject, folds=config.backtest)
    elif config.backtest:
        sources = _backtest(run, config, subject, listen, should_stop)[2]
    return [ForecastSource.from_subject(subject), *sources]


def _require_packages(config: EvaluateConfig) -> None:
    """Raise UsageError if a package for the scores or the backtest is not installed."""
    if config.backtest and not config.reuse:
        require_installed("--backtest", *SCORING, *TRAINING)
    require_installed("lstm evaluate", *SCORING)


def _split_time_findings(subject: ScoringSubject) -> list[Finding]:
    """Return a finding if the series of a panel were split at different times, as release 0.1.0 did."""
    schema, table = subject.dataset.schema, subject.dataset.series
    if (
        PanelTimes.from_series_table(schema, table) is None
        or PanelSplits.from_splits(schema, table) is not None
    ):
        return []
    text = (
        "the series were split at different times (as lstm 0.1.0 did), so the model saw test times of some series in "
        "other series. Run 'lstm prepare' and 'lstm train' again to split all series at the same time"
    )
    return [Finding(rule="M204", kind=MODEL, text=text)]


def _precision_findings(run: Run, config: EvaluateConfig, subject: ScoringSubject) -> list[Finding]:
    """Return a finding for each part of the report that scores fp32 while `predict` runs the quantized model."""
    findings = []
    if subject.unseen and serves_quantized(run):
        hint = " (use --split test to score it)" if subject.dataset.series.split_rows["test"] else ""
        text = (
            "these are scores of the fp32 model before the refit. The quantized model that predict runs has seen "
            f"the validation rows{hint}"
        )
        findings.append(Finding(rule="M205", kind=MODEL, text=text, flags=("--split",)))
    if config.backtest and not config.reuse and subject.precision != "fp32":
        text = (
            f"the backtest trains fp32 models, but the other scores are of the {subject.precision} model (use --reuse "
            "to score it at the cut-offs too)"
        )
        findings.append(Finding(rule="M206", kind=MODEL, text=text, flags=("--reuse",)))
    return findings


def _check_conditions(
    report: EvaluateReport, conditions: list[fail_conditions.FailCondition]
) -> list[dict[str, Any]]:
    """Return the result of each `--fail-if` condition for the scores of the report."""
    scores = report.metrics | {name: getattr(report, name) for name in fail_conditions.LOSSES}
    return [
        fail_conditions.check_condition(gate, scores, report.baselines, report.coverage)
        for gate in conditions
    ]


def _backtest(
    run: Run,
    config: EvaluateConfig,
    subject: ScoringSubject,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> tuple[dict[str, Any], list[Finding], list[ForecastSource]]:
    """Return the folds with their spread, findings, and the windows of the folds if `--forecasts` shows them.

    The folds are retrained, or reuse the run's model.
    """
    from lstm_cli.steps.evaluate.backtest import (
        backtest,
        backtest_findings,
        backtest_recipe,
        mean_and_deviation,
        reuse_folds,
        reused_sources,
    )

    assert config.backtest is not None
    sources: list[ForecastSource] = []
    if config.reuse:
        sources = reused_sources(subject, folds=config.backtest)
        folds, precision = reuse_folds(subject, sources), subject.precision
    else:
        from lstm_cli.training.setup.device import usable_cores

        precision = "fp32"
        folds = backtest(
            load_dataset(run),
            backtest_recipe(run),
            folds=config.backtest,
            jobs=config.jobs,
            threads=config.threads or usable_cores(),
            listen=listen,
            should_stop=should_stop,
            on_fold=None if config.forecasts is None else sources.append,
        )
    result = {
        "folds": folds,
        "spread": mean_and_deviation(folds),
        "reused": config.reuse,
        "precision": precision,
    }
    return result, backtest_findings(folds, wanted=config.backtest), sources
