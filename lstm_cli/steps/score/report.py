"""Report of `score`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lstm_cli.data.dataset.dataset import Schema
from lstm_cli.evaluation.fail_conditions import LOSSES
from lstm_cli.monitoring.lost_accuracy import AccuracyTest
from lstm_cli.monitoring.promise import scored_model
from lstm_cli.rundir import Run, list_versions
from lstm_cli.steps.score.ledger import JoinedLedger, shown_time
from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import to_plain


@dataclass(frozen=True, kw_only=True)
class ScoreReport(HtmlReport):
    """Scores of the recorded forecasts that came true.

    `metrics` and the figures below are those of the newest model. Figures of other models are in `older`.
    """

    run: str
    source: str  # file of the measured values; the run itself without a file
    model: dict[str, Any]  # newest model with scores: folder, digest, precision, current
    forecasts: dict[str, int]  # recorded, scored, waiting, left_out
    values: int  # measured values that were scored, of the newest model
    new_values: int  # values that were not scored before
    changed_values: int
    time_start: str  # of the scored values of all models
    time_end: str
    metrics: dict[str, float | None]  # those of `evaluate`, bias, bias_scaled
    coverage: dict[str, float | None]
    width: dict[str, float | None]
    width_scaled: dict[str, float | None]
    wql: float | None
    wis: float | None
    wis_scaled: float | None
    baselines: dict[str, dict[str, float | None]]  # seasonal_naive, or naive without a season
    baseline_season: int | None
    trained: dict[str, Any] | None  # what training promised: figures, split and source; None: unknown
    older: dict[str, Any] | None  # figures of all other models together, and their number
    per_step: list[dict[str, Any]]
    per_day: list[dict[str, Any]]  # of all models, by the day of the origin
    test: dict[str, Any]  # for lost accuracy
    drift: list[dict[str, Any]] | None  # of each column since the loss began; None without an alarm
    gates: list[dict[str, Any]]
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self)


def make_report(
    run: Run,
    path: Path,
    source: str | None,
    joined: JoinedLedger,
    schema: Schema,
    test: AccuracyTest,
    drift: list[dict[str, Any]] | None,
) -> ScoreReport:
    """Return the report without gates and findings.

    Args:
        run: opened run.
        path: run directory, for the report.
        source: file of the measured values; None for the data of the run.
        joined: ledger with measured values.
        schema: schema of the model.
        test: result of the test for lost accuracy.
        drift: drift of each column, for an alarm.
    """
    newest, tally, older = joined.newest()
    name = "naive" if joined.season is None else "seasonal_naive"
    figures = _named(tally.figures(), name)
    assert joined.span_us is not None
    start, end = (shown_time(schema, time) for time in joined.span_us)
    is_current = newest.digest == run.digest("model")
    return ScoreReport(
        run=str(path),
        source=str(path) if source is None else source,
        model=vars(newest) | {"current": is_current},
        forecasts={
            "recorded": joined.recorded,
            "scored": joined.scored,
            "waiting": joined.recorded - joined.scored - joined.left_out,
            "left_out": joined.left_out,
        },
        values=tally.values,
        new_values=joined.new,
        changed_values=joined.changed,
        time_start=start,
        time_end=end,
        **figures,
        baseline_season=joined.season,
        trained=_trained(run, newest.digest),
        older=None
        if not older.forecasts
        else {"models": joined.older_models, "forecasts": older.forecasts, "values": older.values}
        | _named(older.figures(), name),
        per_step=[{"step": row.pop("step"), **_named(row, name)} for row in tally.per_step()],
        per_day=[
            {"day": day_text(day.day), "model": day.model.folder, **_named(dict(day.figures), name)}
            for day in joined.per_day
        ],
        test=_test_json(test),
        drift=drift,
        gates=[],
        warnings=(),
    )


def _named(figures: dict[str, Any], baseline: str) -> dict[str, Any]:
    """Return figures with the baseline under its name, as in the report of `evaluate`."""
    figures["baselines"] = {baseline: figures.pop("baseline")}
    return figures


def _trained(run: Run, digest: str) -> dict[str, Any] | None:
    """Return what `evaluate` promised of a model, or `train` if it has not been evaluated; None if it is unknown."""
    if scored_model(run) == digest:
        report = run.report("evaluate")
        losses = {name: report.get(name) for name in LOSSES}
        coverage = report.get("coverage", {})
        return {
            "from": "evaluate",
            "split": report["split"],
            **report["metrics"],
            **losses,
            "coverage": coverage,
        }
    if run.digest("model") == digest:
        return {"from": "train", "split": "val", **run.report("train")["val"]}
    version = next((each for each in list_versions(run.steps, run.models) if each["digest"] == digest), {})
    scores, val = version.get("scores"), version.get("val")
    if scores is not None:
        return {"from": "evaluate", **{name: value for name, value in scores.items() if name != "windows"}}
    return None if val is None else {"from": "train", "split": "val", **val}


def _test_json(test: AccuracyTest) -> dict[str, Any]:
    """Return the test as JSON values."""
    newest = test.nights[-1].model if test.nights else None
    of_model = [index for index in test.alarms if test.nights[index].model == newest]
    return {
        "nights": len(test.nights),
        "without_promise": test.without_promise,
        "limit": test.limit,
        "statistic": float(test.statistic[-1]) if len(test.statistic) else None,
        "alarm": test.is_alarmed,
        "alarms_of_model": None if test.limit is None else len(of_model),
        "alarms": [
            {
                "day": day_text(test.nights[alarm].day),
                "since": day_text(test.nights[begin].day),
                "ratio": float(np.exp(np.log(test.ratios[begin : alarm + 1]).mean())),
            }
            for alarm, begin in zip(test.alarms, test.begins, strict=True)
        ],
        "per_night": [
            {"day": day_text(night.day), "ratio": float(ratio), "statistic": float(statistic)}
            for night, ratio, statistic in zip(test.nights, test.ratios, test.statistic, strict=True)
        ],
    }


def day_text(day: str) -> str:
    """Return the day of an origin as ISO 8601; the number of the origin without dates.

    >>> day_text("20180626")
    '2018-06-26'
    """
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if day.isdigit() else f"origin {int(day[1:], 16) - 2**63 + 1}"
