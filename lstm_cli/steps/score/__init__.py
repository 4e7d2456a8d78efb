"""Step `score`: recorded forecasts against what came true. It needs no torch, and runs no model."""

from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from lstm_cli.config import ScoreConfig
from lstm_cli.data.dataset.dataset import Schema
from lstm_cli.errors import DataError, GateFailed
from lstm_cli.evaluation import fail_conditions
from lstm_cli.events import Listener, WarningRaised
from lstm_cli.findings import Finding, in_file
from lstm_cli.inference.trained_model import load_model
from lstm_cli.monitoring.actuals import Actuals
from lstm_cli.rundir import Run, command, open_run, writing
from lstm_cli.rundir.ledger import forecast_names
from lstm_cli.steps.score.actuals import load_actuals
from lstm_cli.steps.score.ledger import JoinedLedger, join_ledger, shown_time
from lstm_cli.steps.score.lost_accuracy import accuracy_test, find_reasons, warn_about_test, why_no_test
from lstm_cli.steps.score.report import ScoreReport, make_report
from lstm_cli.steps.shared.report_json import finding_fields
from lstm_cli.tasks.settle import require_verb
from lstm_cli.wording import count_noun

BASELINES = ("naive", "seasonal_naive", "trained")  # that can stand in a condition
MORE_NAMES = ("bias", "bias_scaled", "alarms")


def score(
    run: Path,
    source: str | None,
    config: ScoreConfig,
    listen: Listener,
    *,
    lock_wait: float = 0.0,
    stdin: BinaryIO | None = None,
) -> ScoreReport:
    """Score the recorded forecasts of a run against measured values, and test whether the accuracy is lost.

    The measured values of each forecast are kept in the ledger. So each value counts once, however often `score`
    runs, and a file may hold only the newest rows.

    Args:
        run: run directory.
        source: file with measured values, `-` for standard input; None for the data of the run.
        config: settings of `score`.
        listen: receives warnings.
        lock_wait: seconds to wait for the lock of the run.
        stdin: stream behind `-`.

    Raises:
        DataError: the ledger is empty, no forecast has come true, or the file does not fit the run.
        GateFailed: a condition is true. The attribute `report` holds the report.
        MissingArtifact: the run has no model, or there is no file and no data.
        LockedError: another process is writing the run.
        OutputError: the ledger cannot be read or written.
    """
    conditions = parse_conditions(config)
    findings: list[Finding] = []

    def warn(finding: Finding) -> None:
        findings.append(finding)
        listen(WarningRaised(finding=finding))

    with open_run(run) as opened:
        require_verb(opened, "score")
        model = load_model(opened)
        if not forecast_names(run):
            raise DataError(
                f"the ledger of {run} is empty: no forecast has been recorded",
                hint=f"record forecasts with '{command('predict', run)} --record'",
                rule="D860",
            )
        dataset = load_actuals(source, opened, model, config, stdin=stdin, warn=warn)
        with writing(run, step="train", lock_wait=lock_wait) as writer:
            joined = join_ledger(
                run,
                Actuals(dataset, model.bounds),
                current=str(opened.digest("model")),
                targets=model.schema.targets,
                horizon=model.schema.horizon,
                warn=warn,
            )
            if joined.scored:
                writer.add_since(joined.since(model.schema))
        if not joined.scored:
            raise _nothing_true(run, source, joined, model.schema)
        test = accuracy_test(opened, joined, model, false_alarms=config.false_alarms)
        drift = find_reasons(opened, dataset, model, test)
        warn_about_test(run, opened, test, drift, warn)
        report = make_report(opened, run, source, joined, model.schema, test, drift)
        reasons = _why_missing(opened, report)
    scores = report.metrics | {name: getattr(report, name) for name in fail_conditions.LOSSES}
    baselines = report.baselines | ({} if report.trained is None else {"trained": report.trained})
    gates = [
        fail_conditions.check_condition(
            condition,
            scores | {"alarms": report.test["alarms_of_model"]},
            baselines,
            report.coverage,
            why_missing=reasons,
        )
        for condition in conditions
    ]
    return _raise_if_failed(replace(report, gates=gates, **finding_fields(findings)))


def parse_conditions(config: ScoreConfig) -> list[fail_conditions.FailCondition]:
    """Return the conditions of --fail-if. Raise UsageError for an invalid one."""
    return [
        fail_conditions.parse_condition(text, more_names=MORE_NAMES, baselines=BASELINES)
        for text in config.fail_if
    ]


def _why_missing(run: Run, report: ScoreReport) -> dict[str, str]:
    """Return why a figure of a condition can be missing, by its name or that of its baseline."""
    (baseline,) = report.baselines
    season = "a season" if baseline == "seasonal_naive" else "no season"
    reasons = dict.fromkeys(
        ("naive", "seasonal_naive"), f"because these forecasts have {season}: use {baseline}"
    )
    reasons["alarms"] = f"because {why_no_test(run)}"
    if report.trained is None or report.trained["from"] == "train":
        reasons["trained"] = f"because '{command('evaluate', run.path)}' has not scored this model"
    elif not report.model["current"]:
        reasons["trained"] = "because the history has only the MASE, scaled MAE and WQL of an earlier model"
    return reasons


def _nothing_true(run: Path, source: str | None, joined: JoinedLedger, schema: Schema) -> DataError:
    """Return the error for a ledger without a scored value, with the time of the first one."""
    where = str(run) if source is None else source
    if joined.first_us is None:
        return DataError(
            f"{where}: none of the {count_noun(joined.recorded, 'recorded forecast')} can be scored",
            hint=f"record new ones with '{command('predict', run)} --record'",
            rule="D860",
        )
    first = shown_time(schema, joined.first_us)
    forecasts = count_noun(joined.recorded, "forecast")
    return DataError(
        f"no forecast has come true yet ({forecasts}): the first value is that of {first}",
        hint=f"run '{command('score', run)} ACTUALS' again when the value of {first} is measured",
        rule="D861",
        at=in_file(where),
    )


def _raise_if_failed(report: ScoreReport) -> ScoreReport:
    """Return the report. Raise GateFailed, with the report in its attribute `report`, if a condition is true."""
    failed = [gate for gate in report.gates if gate["failed"]]
    if failed:
        reasons = ", ".join(f"'{gate['condition']}' ({gate['reason']})" for gate in failed)
        hint = f"'{command('refresh', report.run)} DATA --always' compares it with a model of the newest rows"
        if all(gate["value"] is None or gate["limit"] is None for gate in failed):
            hint = f"use a figure that '{command('score', report.run)} --json' has"
        error = GateFailed(f"not good enough: {reasons}", hint=hint)
        error.report = report
        raise error
    return report
