"""`evaluate`: every window of a split, scored beside the simple forecasts."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lstm_cli.config import EvaluateConfig
from lstm_cli.config.extras import SCORING, TRAINING, require_installed
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.panel_times import PanelSplits, PanelTimes
from lstm_cli.errors import GateFailed
from lstm_cli.evaluation import fail_conditions
from lstm_cli.evaluation.series_ranking import series_against_baselines
from lstm_cli.events import Listener, WarningRaised
from lstm_cli.findings import MODEL, Finding
from lstm_cli.inference.trained_model import serves_quantized
from lstm_cli.rundir import (
    ARTIFACTS,
    Run,
    check_output_folder,
    is_up_to_date,
    open_run,
    require_fresh,
    writing,
)
from lstm_cli.steps.evaluate.report import EvaluateReport, report_of
from lstm_cli.steps.evaluate.score_files import PICTURE, copy_scores, write_scores
from lstm_cli.steps.evaluate.score_model import ScoringSubject, score_subject, scoring_subject
from lstm_cli.steps.shared.cached_report import JUDGED, replay_report
from lstm_cli.steps.shared.report_json import option_values


def evaluate(
    run: Path,
    config: EvaluateConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
    should_stop: Callable[[], int | None] = lambda: None,
) -> EvaluateReport:
    """Scores the run's model; writes tables and a picture.

    Where the run has the scores of this very model and settings, they are left alone and the conditions held against
    them anew. force: score anyhow. Either way config.output gets copies of the files, before a condition fails.
    Raises GateFailed, with the report as its `report`, after all was written; StaleArtifact for a model made
    from other data; DataError for a split without windows; UsageError for validation rows that a smaller model
    knows from the refit; UsageError or OutputError for an output that cannot be written.
    """
    conditions = [fail_conditions.parse_condition(text) for text in config.fail_if]
    if config.output is not None:
        check_output_folder(config.output, ARTIFACTS["scores"].files, run=run)
    with writing(run, step="evaluate", lock_wait=lock_wait, sources=sources) as writer:
        assert writer.run is not None
        require_fresh(writer.run, "model")
        if not force and is_up_to_date(writer.run, "evaluate", config=asdict(config), ignoring=JUDGED):
            before = replay_report(EvaluateReport, writer.run, "evaluate")
            copy_scores(writer.run, config.output)
            return _judged(replace(before, gates=_checked(before, conditions), output=config.output))
        if config.backtest and not config.reuse:
            require_installed("--backtest", *SCORING, *TRAINING)
        require_installed("lstm evaluate", *SCORING)
        subject = scoring_subject(writer.run, config)
        scored = score_subject(subject, listen)
        report, found = report_of(str(run), config, scored)
        report = replace(report, gates=_checked(report, conditions))
        found += [*_own_splits(subject), *_other_precision(writer.run, config, subject)]
        folder = writer.new("scores")
        if config.backtest:
            folds, further = _backtest(writer.run, config, subject, listen, should_stop)
            report = replace(report, backtest=folds)
            found += further
        report = replace(report, picture=str(folder.folder / PICTURE), **option_values(found))
        write_scores(
            folder, report.to_json(), subject, series_against_baselines(subject.dataset, scored.sums)
        )
        writer.commit(
            config=asdict(config), reads=_reads(writer.run, config, subject), report=report.to_json()
        )
        with open_run(run) as committed:
            copy_scores(committed, config.output)
    for finding in found:
        listen(WarningRaised(finding=finding))
    return _judged(report)


def _reads(run: Run, config: EvaluateConfig, subject: ScoringSubject) -> dict[str, str | None]:
    """Return the artifacts that the scores rest on; None: a quantised model that is made later outdates them."""
    reads: dict[str, str | None] = {name: run.artifact(name).digest for name in ("data", "model")}
    if subject.precision != "fp32":
        reads["quantized"] = run.artifact("quantized").digest
    elif config.precision == "auto" and not subject.unseen:
        reads["quantized"] = None
    return reads


def _own_splits(subject: ScoringSubject) -> list[Finding]:
    """Return a finding where the series of a panel are split at different times, as release 0.1.0 did it."""
    schema, table = subject.dataset.schema, subject.dataset.series
    if (
        PanelTimes.from_series_table(schema, table) is None
        or PanelSplits.from_splits(schema, table) is not None
    ):
        return []
    text = (
        "the series were split at different times, as lstm 0.1.0 did, so some are tested on times that the model saw "
        "in others; 'lstm prepare' and 'lstm train' again divide all of them at one time"
    )
    return [Finding(rule="M204", kind=MODEL, text=text)]


def _other_precision(run: Run, config: EvaluateConfig, subject: ScoringSubject) -> list[Finding]:
    """Return a finding for each part of the report that scores fp32 where `predict` runs the quantised model."""
    found = []
    if subject.unseen and serves_quantized(run):
        tested = " (--split test scores it)" if subject.dataset.series.split_rows["test"] else ""
        text = (
            "these are the scores of the fp32 model from before the refit: the quantized model that predict runs has "
            f"seen the validation rows{tested}"
        )
        found.append(Finding(rule="M205", kind=MODEL, text=text, flags=("--split",)))
    if config.backtest and not config.reuse and subject.precision != "fp32":
        text = (
            f"the backtest trains fp32 models, the other scores are those of the {subject.precision} model (--reuse "
            "scores it at the cut-offs too)"
        )
        found.append(Finding(rule="M206", kind=MODEL, text=text, flags=("--reuse",)))
    return found


def _checked(report: EvaluateReport, conditions: list[fail_conditions.FailCondition]) -> list[dict[str, Any]]:
    """The conditions of `--fail-if`, held against the report's figures."""
    own = report.metrics | {"wql": report.wql}
    return [
        fail_conditions.check_condition(gate, own, report.baselines, report.coverage) for gate in conditions
    ]


def _judged(report: EvaluateReport) -> EvaluateReport:
    """The report, if no condition came true. Raises GateFailed, with the report as its `report`."""
    failed = [gate for gate in report.gates if gate["failed"]]
    if failed:
        reasons = "; ".join(f"'{gate['condition']}' ({gate['reason']})" for gate in failed)
        kept = Path(report.picture).parent
        error = GateFailed(f"not good enough: {reasons}", hint=f"the scores are kept in {kept}")
        error.report = report
        raise error
    return report


def _backtest(
    run: Run,
    config: EvaluateConfig,
    subject: ScoringSubject,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> tuple[dict[str, Any], list[Finding]]:
    """Return the folds and their spread, trained as the run's model was, or of that model itself; and findings."""
    from lstm_cli.steps.evaluate.backtest import (
        backtest,
        backtest_findings,
        backtest_recipe,
        mean_and_deviation,
        reuse_folds,
    )

    assert config.backtest is not None
    if config.reuse:
        folds, precision = reuse_folds(subject, folds=config.backtest), subject.precision
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
        )
    found = {
        "folds": folds,
        "spread": mean_and_deviation(folds),
        "reused": config.reuse,
        "precision": precision,
    }
    return found, backtest_findings(folds, wanted=config.backtest)
