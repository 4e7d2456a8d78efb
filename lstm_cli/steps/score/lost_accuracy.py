"""Test for lost accuracy over a ledger: its limit from the scores of the run, the reasons for an alarm, warnings."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.findings import MODEL, Finding
from lstm_cli.inference.trained_model import TrainedModel
from lstm_cli.monitoring.input_drift import find_drift
from lstm_cli.monitoring.lost_accuracy import AccuracyTest, merge_nights, run_test
from lstm_cli.monitoring.promise import fit_promise, load_errors, scored_model
from lstm_cli.monitoring.sequential_test import MIN_NIGHTS
from lstm_cli.rundir import Run, command, is_after_rollback, retrain_command, stale_sources
from lstm_cli.steps.score.ledger import JoinedLedger
from lstm_cli.steps.score.report import day_text
from lstm_cli.wording import count_noun

MAX_DRIFTED = 3  # columns in a message
Warn = Callable[[Finding], None]


def accuracy_test(
    run: Run, joined: JoinedLedger, model: TrainedModel, *, false_alarms: float
) -> AccuracyTest:
    """Return the test for lost accuracy over the nights of a ledger.

    After a rollback, the scores of the run are of another model. Then the promise of an earlier forecast of the same
    model counts.

    Args:
        run: run with the newest scores, which give the limit.
        joined: ledger with measured values.
        model: model of the run.
        false_alarms: expected number of false alarms in a simulated year of nights.

    Raises:
        CorruptArtifact: the scores are corrupt.
    """
    nights = merge_nights(joined.nights)
    errors = load_errors(run) if run.has("scores") else None
    promise = None if errors is None else fit_promise(errors)
    recorded = {night.model: night.promise for night in nights if night.promise is not None}
    own = {} if promise is None else {str(scored_model(run)): promise}
    origins = np.array([night.origin_us for night in nights], dtype=np.int64)
    steps = model.schema.step.index(origins, origins[0])[0] if len(origins) else origins
    return run_test(
        nights,
        promises=own | {name: each for name, each in recorded.items() if name not in own},
        calibration=None if promise is None else errors,
        steps=steps,
        horizon=model.schema.horizon,
        false_alarms=false_alarms,
    )


def find_reasons(
    run: Run, dataset: Dataset, model: TrainedModel, test: AccuracyTest
) -> list[dict[str, Any]] | None:
    """Return the drift of each column since the loss began; None without an alarm, or without the training rows.

    Args:
        run: run with the training rows.
        dataset: newest rows.
        model: model of the run.
        test: result of the test.
    """
    alarm = test.newest_alarm
    if alarm is None or not run.has("data"):
        return None
    begin = test.nights[test.begins[test.alarms.index(alarm)]].origin_us
    table = dataset.series
    newest = dataset.schema.step.times(table.count - 1, table.origin_us).max()
    rows = int(model.schema.step.index(np.array([newest]), begin)[0][0]) + 1
    found = find_drift(load_dataset(run), dataset, rows=max(rows, model.schema.season))
    return [vars(drift) | {"drifted": drift.drifted} for drift in found]


def why_no_test(run: Run) -> str:
    """Return why the test has no limit, with the command that changes this."""
    evaluate = f"'{command('evaluate', run.path)}'"
    if not run.has("scores") and stale_sources(run, "model"):
        trains = "" if is_after_rollback(run.models) else f", and '{retrain_command(run)}' trains one"
        return (
            "the model was not scored before the run got newer rows (the next model of 'lstm refresh' will have "
            f"scores{trains})"
        )
    if not run.has("scores"):
        return f"the run has no scores ({evaluate} makes them)"
    if load_errors(run) is None:
        return f"a release without this test scored the model ({evaluate[:-1]} --force' scores it again)"
    few = f"the scores have fewer windows than {MIN_NIGHTS} nights need"
    if run.report("evaluate")["split"] == "val":
        return f"{few} (for a new run, --val of 'lstm prepare' gives more rows to the validation split)"
    return f"{few} (--test of 'lstm prepare' gives more rows to the test split)"


def warn_about_test(
    path: Path, run: Run, test: AccuracyTest, drift: Sequence[dict[str, Any]] | None, warn: Warn
) -> None:
    """Warn about an alarm with its reasons, and about what the test lacks.

    Args:
        path: run directory.
        run: run with the scores.
        test: result of the test.
        drift: drift of each column, for an alarm.
        warn: receives the findings.
    """
    evaluate = f"'{command('evaluate', path)}'"
    if test.limit is None:
        warn(
            Finding(
                rule="M405",
                kind=MODEL,
                text=f"the test for lost accuracy cannot run: {why_no_test(run)}",
            )
        )
    if test.without_promise:
        nights = count_noun(test.without_promise, "night")
        advice = f"{evaluate} before 'lstm predict --record' includes them"
        if scored_model(run) != run.digest("model") and stale_sources(run, "model"):
            advice = "the current model is older than the data of the run, so it cannot be scored now"
        text = (
            f"{nights} of models that were not scored before the forecast are left out of the test for lost accuracy "
            f"({advice})"
        )
        warn(Finding(rule="M406", kind=MODEL, text=text, count=test.without_promise))
    alarm = test.newest_alarm
    if alarm is None:
        return
    begin = test.begins[test.alarms.index(alarm)]
    ratio = float(np.exp(np.log(test.ratios[begin : alarm + 1]).mean()))
    drifted = [each["column"] for each in drift or () if each["drifted"]]
    reason = (
        "the inputs have not drifted from the training rows"
        if drift
        else "no column could be tested for drift"
    )
    if drifted:
        names = ", ".join(f"'{name}'" for name in drifted[:MAX_DRIFTED])
        more = f" and {len(drifted) - MAX_DRIFTED} more" if len(drifted) > MAX_DRIFTED else ""
        reason = f"a reason may be the drift of {names}{more} from the training rows"
    text = (
        f"the accuracy is worse than the model promised, by about {100 * (ratio - 1):.0f} % in the "
        f"{count_noun(alarm + 1 - begin, 'night')} before the alarm of {day_text(test.nights[alarm].day)}; {reason} "
        f"('{command('refresh', path)} DATA --always' compares it with a model of the newest rows)"
    )
    warn(Finding(rule="M404", kind=MODEL, text=text))
