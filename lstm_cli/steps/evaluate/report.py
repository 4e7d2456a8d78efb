"""Report of `evaluate`."""

from dataclasses import dataclass
from typing import Any

from lstm_cli.config import EvaluateConfig
from lstm_cli.evaluation import metrics, scoring, uncertainty
from lstm_cli.evaluation.metrics import Scores
from lstm_cli.evaluation.quantiles import interval_scores
from lstm_cli.evaluation.series_ranking import series_against_baselines, worst_series
from lstm_cli.findings import Finding
from lstm_cli.steps.evaluate.score_model import Scored
from lstm_cli.steps.shared.model_warnings import (
    coverage_warnings,
    networks_add_nothing,
    useless_networks_finding,
)
from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import to_plain

MAX_WORST_SERIES = 10


@dataclass(frozen=True, kw_only=True)
class EvaluateReport(HtmlReport):
    """Scores of the model and of the baselines over the same windows."""

    run: str
    model: str
    precision: str
    split: str
    windows: int
    metrics: Scores
    parts: dict[str, Scores]  # of the ensemble: linear, anchored, free, simple; empty without parts
    baselines: dict[str, dict[str, Any]]  # naive, seasonal_naive (absent without a season), linear
    baseline_season: int | None  # of seasonal_naive, steps: the best season before the test rows
    mase_season: int | None  # of the MASE scale, steps: the shortest season, 1 without a season
    comparison: (
        dict[str, Any] | None
    )  # baseline with the lowest error, difference, interval; None for too few windows
    comparisons: dict[str, Any] | None  # difference and interval for each baseline, lowest error first
    per_step: list[dict[str, Any]]  # also of the quantiles, and those of the baselines
    per_target: dict[str, Scores]
    per_series: dict[
        str, dict[str, Any]
    ]  # also of the quantiles; those of the baselines are in per_series.csv
    worst: list[dict[str, Any]]  # series that lose most to a baseline, worst first; empty for one series
    # folds: cut, windows, metrics, baselines and, if trained, seasons, lookback, defaults; spread; reused; precision
    backtest: dict[str, Any] | None
    gates: list[dict[str, Any]]
    picture: str
    coverage: dict[str, float | None]  # percent of measured values in the 80 % and the 95 % interval
    width: dict[str, float | None]  # mean width of the intervals, in units of the file
    width_scaled: dict[str, float | None]  # in standard deviations of the training rows
    wql: float | None  # weighted quantile loss; None (and the three above empty) without intervals
    wis: float | None = None  # weighted interval score, in units of the file
    wis_scaled: float | None = None  # in standard deviations of the training rows
    mase_left_out: int  # series without a MASE scale in their training rows
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()  # the warnings as data; 0.1.0 kept none
    output: str | None = None  # folder with copies of the scores
    forecasts: dict[str, Any] | None = None  # path and rows of the table of --forecasts
    plot: str | None = None  # file of --plot; `-` for a drawing in the terminal
    up_to_date: bool | None = None  # True: nothing changed, and this is the stored report

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("backtest", "output", "forecasts", "plot", "up_to_date"))


def report_of(run: str, config: EvaluateConfig, scored: Scored) -> tuple[EvaluateReport, list[Finding]]:
    """Return the report of scores, and findings. The caller adds the backtest, the gates and the plot.

    Args:
        run: path of the run directory.
        config: settings of the step.
        scored: errors of the model and the baselines.
    """
    subject, sums = scored.subject, scored.sums
    dataset, scale = subject.dataset, scoring.metric_scale(subject.dataset)
    scores = {name: metrics.overall_scores(errors, scale) for name, errors in sums.items()}
    model_scores = scores.pop("model")
    parts = {
        name.removeprefix(scoring.PART): scores.pop(name)
        for name in list(scores)
        if name.startswith(scoring.PART)
    }
    compared = scored.errors.comparisons()
    findings: list[Finding] = []
    if networks_add_nothing(scores | {"model": model_scores}, compared, parts):
        findings.append(useless_networks_finding(config.split))
    tally = scored.tallies.get("model")
    if tally is not None and subject.intervals is not None:
        findings += coverage_warnings(config.split, subject.windows, tally, subject.intervals)
    intervals = _interval_scores(scored)
    per_series = dict(zip(dataset.series.names, metrics.scores_per_series(sums["model"], scale), strict=True))
    for name, series_scores in _interval_scores_per_series(scored, "model").items():
        per_series[name] |= series_scores
    rankings = series_against_baselines(dataset, sums)
    report = EvaluateReport(
        run=run,
        model=subject.model.name,
        precision=subject.precision,
        split=config.split,
        windows=len(subject.windows),
        metrics=model_scores,
        parts=parts,
        baselines={
            name: baseline | intervals.get(name, interval_scores.NO_SCORES)
            for name, baseline in scores.items()
        },
        baseline_season=subject.season,
        mase_season=dataset.schema.season,
        comparison=uncertainty.best_comparison(compared),
        comparisons=compared,
        per_step=_per_step(scored),
        per_target=dict(
            zip(dataset.schema.targets, metrics.scores_per_target(sums["model"], scale), strict=True)
        ),
        per_series=per_series,
        worst=worst_series(per_series, rankings, MAX_WORST_SERIES) if len(per_series) > 1 else [],
        backtest=None,
        gates=[],
        picture="",
        **intervals.get("model", interval_scores.NO_SCORES),
        mase_left_out=metrics.count_without_scale(sums["model"], scale),
        warnings=(),
        findings=(),
        output=config.output,
        plot=config.plot,
    )
    return report, findings


def comparisons_of_series(scored: Scored) -> dict[str, dict[str, Any]]:
    """Return for each series its `series_against_baselines`, and the interval scores of each baseline."""
    compared = series_against_baselines(scored.subject.dataset, scored.sums)
    names = [name for name in scored.tallies if name != "model"]
    baselines = {name: _interval_scores_per_series(scored, name) for name in names}
    return {
        series: comparison | {"baselines": {name: scores[series] for name, scores in baselines.items()}}
        for series, comparison in compared.items()
    }


def _interval_scores(scored: Scored) -> dict[str, dict[str, Any]]:
    """Return the interval scores of each forecast with quantiles."""
    deviation = scoring.metric_scale(scored.subject.dataset).deviation
    return {
        name: interval_scores.interval_scores(sums, deviation)
        for name, sums in _interval_sums(scored).items()
    }


def _interval_scores_per_series(scored: Scored, name: str) -> dict[str, dict[str, Any]]:
    """Return the interval scores of a forecast for each series; an empty dict if it has no quantiles."""
    dataset, sums = scored.subject.dataset, _interval_sums(scored).get(name)
    if sums is None:
        return {}
    deviation = scoring.metric_scale(dataset).deviation
    per_series = interval_scores.interval_scores_per_series(sums, deviation)
    return dict(zip(dataset.series.names, per_series, strict=True))


def _per_step(scored: Scored) -> list[dict[str, Any]]:
    """Return the scores of the model for each step ahead, and the interval scores of the baselines."""
    scale = scoring.metric_scale(scored.subject.dataset)
    steps = {
        name: interval_scores.interval_scores_per_step(sums, scale.deviation)
        for name, sums in _interval_sums(scored).items()
    }
    model = steps.pop("model", None)
    return [
        {"step": index + 1}
        | row
        | ({} if model is None else model[index])
        | {"baselines": {name: scores[index] for name, scores in steps.items()}}
        for index, row in enumerate(metrics.scores_per_step(scored.sums["model"], scale))
    ]


def _interval_sums(scored: Scored) -> dict[str, interval_scores.IntervalSums]:
    return {name: tally.sums for name, tally in scored.tallies.items() if tally.sums is not None}
