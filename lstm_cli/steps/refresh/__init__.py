"""Step `refresh`: new rows, a challenger for the model if it pays, and the forecast of the night.

One lock holds for the whole night. Each commit is one rename of `run.json`, in this order: the rows, the model, its
scores, the verdict. After each of them the run is valid: its data may be newer than its model, with which `predict`
continues. The forecast comes last. If the model, its scores or the verdict cannot be written, the forecast is made all
the same, and then the step fails.
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from lstm_cli.config import EvaluateConfig, PredictConfig, RefreshConfig
from lstm_cli.config.train import KEEP_MODELS
from lstm_cli.errors import ArtifactError, GateFailed, Interrupted, LstmError, OutputError, UsageError
from lstm_cli.evaluation.score_text import format_number, format_percent
from lstm_cli.events import Event, Listener, WarningRaised
from lstm_cli.findings import MODEL, Finding
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.rundir import Writer, command, serves_quantized, writing
from lstm_cli.steps.predict.data import source_name
from lstm_cli.steps.refresh.challenger import lacks_scores, replace_model, within
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
    stdout: BinaryIO | None = None,
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
        stdout: stream for output `-`.
        should_stop: returns the signal that ends the step, or None.

    Raises:
        GateFailed: a condition is true for both models. The forecast is written, and `report` holds the report.
        DataError: the file does not fit the run. Then nothing changes.
        MissingArtifact: the run has no model.
        LockedError: another process is writing the run.
        OutputError: the forecast or the run cannot be written. If only the model, its scores or the verdict cannot be
            written, the forecast is there, and `report` holds the report.
        ArtifactError: the ledger cannot be read or written. The forecast is there, and `report` holds the report.
        Interrupted: a signal ended the step.
    """
    began = time.monotonic()
    conditions = parse_conditions(config)
    check_output_of(config, run, source, has_stdout=stdout is not None)
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
    with writing(run, step="prepare", lock_wait=lock_wait) as writer:
        night = compare_night(writer, source, config, pass_on, warn, stdin, limited, should_stop)
        gates, failed_by = check_gates(conditions, night.comparison)
        refused, both_failed = failed_by["challenger"], all(failed_by.values())
        verdict, failure = "not trained" if night.comparison is None else "kept", night.failure
        unwritten: list[OutputError | None] = []
        better = night.comparison is not None and night.comparison.is_better(config.margin)
        if night.comparison is not None and better and not refused:
            refit = night.comparison.refitted
            failure, unstored = _replace(writer, config, pass_on, keep, limited, refit=refit)
            unwritten.append(unstored)
            raise_if_interrupted(should_stop)
            verdict = "replaced" if failure is None else verdict
        if failure is not None:
            verdict = "failed"
            text = f"no challenger: {failure} (the model stays; --always tries again at once)"
            warn(Finding(rule="M407", kind=MODEL, text=text, flags=("--always",)))
        if refused and not both_failed:
            text = f"the challenger is not good enough: {refused} (the model stays)"
            warn(Finding(rule="M407", kind=MODEL, text=text, flags=("--fail-if",)))
        unwritten.append(_promise(writer, pass_on, should_stop))
        version = writer.current_version
        text = _text(verdict, night, config, version, failure or (refused if better else None))
        unwritten.append(_store(writer, _verdict_record(verdict, text, night), night.since))
        forecast, unrecorded = _forecast(run, config, pass_on, stdout)
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
    problem = _unfinished(unwritten, night) or unrecorded
    if problem is not None:
        problem.report = report
        raise problem
    if both_failed:
        failed = "; ".join(f"{name} {reasons}" for name, reasons in failed_by.items())
        error = GateFailed(
            f"neither the model nor a challenger is good enough: {failed}",
            hint="the forecast was written; look at the new rows with 'lstm check'",
        )
        error.report = report
        raise error
    return report


def _unfinished(unwritten: list[OutputError | None], night: Night) -> LstmError | None:
    """Return the error of a night whose forecast was made, but not the rest; None if all was stored."""
    for unstored in unwritten:
        if unstored is not None:
            text = f"the forecast was made, but the night was not stored: {unstored.message}"
            return OutputError(text, hint=unstored.hint)
    if night.unscored is not None:
        text = f"the forecast was made, but the ledger was not scored: {night.unscored.message}"
        return ArtifactError(text, hint=night.unscored.hint)
    return None


def _replace(
    writer: Writer, config: RefreshConfig, listen: Listener, keep: int, should_stop: Stop, *, refit: bool
) -> tuple[str | None, OutputError | None]:
    """Make the challenger the model of the run. Return why this failed, and the error if it cannot be written."""
    assert writer.run is not None
    has_quantized = serves_quantized(writer.run)
    try:
        failure = replace_model(writer, config, listen, keep, should_stop, refit=refit)
    except OutputError as error:
        writer.abandon()
        return error.message, error
    if failure is not None:
        writer.abandon()
    elif has_quantized:
        again = command("quantize", writer.path)
        text = f"the quantized model is of the replaced model and is not used any more ('{again}' makes a new one)"
        listen(WarningRaised(finding=Finding(rule="M409", kind=MODEL, text=text)))
    return failure, None


def _promise(writer: Writer, listen: Listener, should_stop: Stop) -> OutputError | None:
    """Score a model of `refresh` on its validation rows, with the model before the refit: the promise for `score`.

    This is for the model of this night, or of an earlier one that was killed before the scores. A failure is a warning.
    The return value is the error if the scores cannot be written.
    """
    try:
        writer.switch_step("evaluate")
        if not lacks_scores(writer.run):
            return None
        from lstm_cli.steps.evaluate import score_and_commit

        _, findings, *_ = score_and_commit(writer, EvaluateConfig(split="val"), [], listen, should_stop)
        for finding in findings:
            listen(WarningRaised(finding=finding))
    except Interrupted:
        raise
    except LstmError as problem:
        writer.abandon()
        error = problem if isinstance(problem, OutputError) else None
        text = f"the new model has no scores, so the test for lost accuracy waits: {problem.message}"
        listen(WarningRaised(finding=Finding(rule="M405", kind=MODEL, text=text)))
        return error
    return None


def _store(writer: Writer, verdict: dict[str, Any], since: dict[str, dict[str, Any]]) -> OutputError | None:
    """Store the verdict and the scores in the history of the run. Return the error if they cannot be written."""
    try:
        writer.add_verdict(verdict, since=since)
    except OutputError as error:
        return error
    return None


def check_output_of(config: RefreshConfig, run: Path, source: str, *, has_stdout: bool) -> None:
    """Check the forecast file before the night begins.

    Args:
        config: settings of `refresh`.
        run: run directory.
        source: file of the new rows.
        has_stdout: standard output can be written.

    Raises:
        UsageError, OutputError: the forecast cannot be written.
    """
    from lstm_cli.steps.predict import check_forecast_output

    if config.output == "-" and not has_stdout:
        raise UsageError("the forecast needs a file", hint="use output='forecast.csv'", flag="--output")
    check_forecast_output(run, source, _predict_settings(config))


def _predict_settings(config: RefreshConfig) -> PredictConfig:
    return PredictConfig(output=config.output or "-", record=True, keep_days=config.keep_days)


def _forecast(
    run: Path, config: RefreshConfig, listen: Listener, stdout: BinaryIO | None
) -> tuple[dict[str, Any], ArtifactError | None]:
    """Write the forecast, and record it. Return its facts, and the error if it cannot be recorded."""
    from lstm_cli.steps.predict import predict
    from lstm_cli.steps.predict.report import PredictReport

    receive = None if config.output is not None else lambda forecast: None
    unrecorded = None
    try:
        report = predict(run, None, _predict_settings(config), listen, stdout=stdout, receive=receive)
    except ArtifactError as error:
        if not isinstance(error.report, PredictReport):
            raise
        report, unrecorded = error.report, error
    assert isinstance(report, PredictReport)
    facts = {
        "rows": report.rows,
        "time_start": report.time_start,
        "time_end": report.time_end,
        "recorded": report.recorded,
    }
    return facts, unrecorded


def _text(verdict: str, night: Night, config: RefreshConfig, version: int, failure: str | None) -> str:
    """Return the verdict in one line.

    Args:
        verdict: the verdict.
        night: first part of the night.
        config: settings of `refresh`.
        version: model that makes the forecast.
        failure: why a challenger failed, or conditions that are true for it.
    """
    compared = night.comparison
    if verdict == "failed":
        return f"model {version} stays, no challenger: {failure}"
    if compared is None:
        return f"model {version} stays, not trained: {night.decision.reason}"
    difference = ""
    if compared.difference is not None and compared.interval is not None:
        difference = f", {_difference_text(compared.difference, compared.interval)}"
    metric = "mase" if compared.challenger.get("mase") is not None else "mae"
    own, theirs = (format_number(each.get(metric)) for each in (compared.challenger, compared.champion))
    errors = f"{metric.upper()} {own} of the challenger, {theirs} of the champion{difference}"
    if verdict == "replaced":
        return f"model {version} replaces the champion: {errors}"
    return f"model {version} stays: {errors}, {failure or f'margin {100 * config.margin:g} %'}"


def _difference_text(difference: float, interval: list[float]) -> str:
    """Return by how much the error of the challenger is lower or higher.

    >>> _difference_text(-7.3, [-41.0, 26.0])
    '7.3 % higher (-26 to 41 %)'
    """
    if difference < 0:
        difference, interval, word = -difference, [-each for each in reversed(interval)], "higher"
    else:
        word = "lower"
    low, high = (format_percent(each) for each in interval)
    return f"{format_percent(difference)} % {word} ({low} to {high} %)"


def _verdict_record(verdict: str, text: str, night: Night) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "verdict": verdict,
        "text": text,
        "newest_us": night.newest_us,
        "time_end": night.time_end,
    }
