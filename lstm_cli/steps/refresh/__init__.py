"""Step `refresh`: new rows, a challenger for the model if it pays, and the forecast of the night.

Each commit is one rename of `run.json`, in this order: the rows, the model, its scores, the verdict. After each of
them the run is valid: its data may be newer than its model, with which `predict` continues.
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from lstm_cli.config import EvaluateConfig, PredictConfig, RefreshConfig
from lstm_cli.config.train import KEEP_MODELS
from lstm_cli.errors import GateFailed, Interrupted, LstmError
from lstm_cli.evaluation.score_text import format_number, format_percent
from lstm_cli.events import Event, Listener, WarningRaised
from lstm_cli.findings import MODEL, Finding
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.rundir import check_output, list_versions, open_run, version_number, writing
from lstm_cli.steps.predict.data import source_name
from lstm_cli.steps.refresh.challenger import replace_model, within
from lstm_cli.steps.refresh.conditions import check_gates, parse_conditions
from lstm_cli.steps.refresh.night import Night, compare_night
from lstm_cli.steps.refresh.report import RefreshReport
from lstm_cli.steps.shared.report_json import finding_fields

OUT_OF_DATE = ("M102",)  # the champion is older than the data by intention
Stop = Callable[[], int | None]


def refresh(
    run: Path,
    source: str,
    config: RefreshConfig,
    listen: Listener,
    *,
    keep: int = KEEP_MODELS,
    lock_wait: float = 0.0,
    stdin: BinaryIO | None = None,
    should_stop: Stop = lambda: None,
) -> RefreshReport:
    """Add new rows to a run, replace its model if a challenger is better, and forecast.

    Args:
        run: run directory with a model.
        source: file of the new rows, `-` for standard input.
        config: settings of `refresh`.
        listen: receives notes, warnings and progress.
        keep: models to keep for a rollback, with the new one.
        lock_wait: seconds to wait for the lock of the run.
        stdin: stream behind `-`.
        should_stop: returns the signal that ends the step, or None.

    Raises:
        GateFailed: a condition is true for both models. The forecast is written, and `report` holds the report.
        DataError: the file does not fit the run. Then nothing changes.
        MissingArtifact: the run has no model.
        LockedError: another process is writing the run.
        OutputError: the forecast or the run cannot be written.
        Interrupted: a signal ended the step.
    """
    began = time.monotonic()
    conditions = parse_conditions(config)
    if config.output is not None:
        check_output(config.output, run=run, sources=(source,))
    findings: list[Finding] = []

    def warn(finding: Finding) -> None:
        findings.append(finding)
        listen(WarningRaised(finding=finding))

    def pass_on(event: Event) -> None:
        if isinstance(event, WarningRaised):
            if event.finding.rule not in OUT_OF_DATE and event.finding not in findings:
                warn(event.finding)
        else:
            listen(event)

    limited = within(config, began, should_stop)
    night = compare_night(run, source, config, pass_on, warn, lock_wait, stdin, limited, should_stop)
    gates, both_failed, allowed = check_gates(conditions, night.comparison)
    verdict, failure = "not trained", night.failure
    if night.comparison is not None:
        verdict = "kept"
        if night.comparison.is_better(config.margin) and allowed:
            failure = replace_model(run, night.data, config, pass_on, keep, lock_wait, limited)
            raise_if_interrupted(should_stop)
            verdict = "replaced" if failure is None else verdict
    if failure is not None:
        verdict = "failed"
        text = f"no challenger: {failure} (the model stays; --always tries again at once)"
        warn(Finding(rule="M407", kind=MODEL, text=text, flags=("--always",)))
    if verdict == "replaced":
        _promise(run, pass_on, lock_wait, should_stop)
    forecast = _forecast(run, config, pass_on)
    with open_run(run) as opened:
        version = version_number(list_versions(opened.steps, opened.models)[-1])
    text = _text(verdict, night, config, version, failure)
    with writing(run, step="train", lock_wait=lock_wait) as writer:
        writer.add_verdict(_verdict_record(verdict, text, night))
    report = RefreshReport(
        run=str(run),
        source=source_name(source),
        output=config.output,
        verdict=verdict,
        reason=failure or night.decision.reason,
        text=text,
        version=version,
        rows=night.rows,
        time_end=night.time_end,
        ledger=night.ledger,
        comparison=None if night.comparison is None else asdict(night.comparison) | {"margin": config.margin},
        forecast=forecast,
        gates=gates,
        seconds=round(time.monotonic() - began, 2),
        **finding_fields(findings),
    )
    if both_failed:
        failed = ", ".join(f"'{gate['condition']}' ({gate['reason']})" for gate in gates if gate["failed"])
        error = GateFailed(
            f"neither the model nor a challenger is good enough: {failed}",
            hint="the forecast was written; look at the new rows with 'lstm check'",
        )
        error.report = report
        raise error
    return report


def _promise(run: Path, listen: Listener, lock_wait: float, should_stop: Stop) -> None:
    """Score the new model on its validation rows, with the model before the refit: the promise for `score`."""
    from lstm_cli.steps.evaluate import evaluate

    try:
        evaluate(run, EvaluateConfig(split="val"), listen, lock_wait=lock_wait, should_stop=should_stop)
    except Interrupted:
        raise
    except LstmError as error:
        text = f"the new model has no scores, so the test for lost accuracy waits: {error.message}"
        listen(WarningRaised(finding=Finding(rule="M405", kind=MODEL, text=text)))


def _forecast(run: Path, config: RefreshConfig, listen: Listener) -> dict[str, Any]:
    """Write the forecast, record it, and return its facts."""
    from lstm_cli.steps.predict import predict

    settings = PredictConfig(output=config.output or "-", record=True)
    report = predict(
        run, None, settings, listen, receive=None if config.output is not None else lambda forecast: None
    )
    return {
        "rows": report.rows,
        "time_start": report.time_start,
        "time_end": report.time_end,
        "recorded": report.recorded,
    }


def _text(verdict: str, night: Night, config: RefreshConfig, version: int, failure: str | None) -> str:
    """Return the verdict in one line."""
    compared = night.comparison
    if verdict == "failed":
        return f"model {version} stays, no challenger: {failure}"
    if compared is None:
        return f"model {version} stays, not trained: {night.decision.reason}"
    difference = ""
    if compared.difference is not None and compared.interval is not None:
        low, high = (format_percent(each) for each in compared.interval)
        difference = f", {format_percent(compared.difference)} % lower ({low} to {high} %)"
    metric = "mase" if compared.challenger.get("mase") is not None else "mae"
    own, theirs = (format_number(each.get(metric)) for each in (compared.challenger, compared.champion))
    errors = f"{metric.upper()} {own} of the challenger, {theirs} of the champion{difference}"
    if verdict == "replaced":
        return f"model {version} replaces the champion: {errors}"
    return f"model {version} stays: {errors}, margin {100 * config.margin:g} %"


def _verdict_record(verdict: str, text: str, night: Night) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "verdict": verdict,
        "text": text,
        "newest_us": night.newest_us,
        "time_end": night.time_end,
    }
