"""Report of `evaluate`."""

from dataclasses import dataclass
from typing import Any

from lstm_cli.config import EvaluateConfig
from lstm_cli.evaluation import interval_scores, metrics, scoring, uncertainty
from lstm_cli.evaluation.metrics import Scores
from lstm_cli.evaluation.series_ranking import series_against_baselines, worst_series
from lstm_cli.findings import Finding
from lstm_cli.steps.evaluate.score_model import Scored
from lstm_cli.steps.shared.model_warnings import (
    coverage_warnings,
    networks_add_nothing,
    useless_networks_finding,
)
from lstm_cli.steps.shared.report_json import to_plain

MAX_WORST_SERIES = 10


@dataclass(frozen=True, kw_only=True)
class EvaluateReport:
    """Scores of the model and of the baselines over the same windows."""

    run: str
    model: str
    precision: str
    split: str
    windows: int
    metrics: Scores
    parts: dict[str, Scores]  # of the ensemble: linear, anchored, free, simple; empty without parts
    baselines: dict[str, Scores]  # naive, seasonal_naive (absent without a season), linear
    baseline_season: int | None  # of seasonal_naive, steps: the best season before the test rows
    mase_season: int | None  # of the MASE scale, steps: the shortest season, 1 without a season
    comparison: (
        dict[str, Any] | None
    )  # baseline with the lowest error, difference, interval; None for too few windows
    comparisons: dict[str, Any] | None  # difference and interval for each baseline, lowest error first
    per_step: list[Scores]
    per_target: dict[str, Scores]
    per_series: dict[str, Scores]
    worst: list[dict[str, Any]]  # series that lose most to a baseline, worst first; empty for one series
    # folds: cut, windows, metrics, baselines and, if trained, seasons, lookback, defaults; spread; reused; precision
    backtest: dict[str, Any] | None
    gates: list[dict[str, Any]]
    picture: str
    coverage: dict[str, float | None]  # percent of measured values in the 80 % and the 95 % interval
    width: dict[str, float | None]  # mean width of the intervals, in units of the file
    width_scaled: dict[str, float | None]  # in standard deviations of the training rows
    wql: float | None  # weighted quantile loss; None (and the three above empty) without intervals
    mase_left_out: int  # series without a MASE scale in their training rows
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()  # the warnings as data; 0.1.0 kept none
    output: str | None = None  # folder with copies of the scores
    up_to_date: bool | None = None  # True: nothing changed, and this is the stored report

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("backtest", "output", "up_to_date"))


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
    per_step = metrics.scores_per_step(sums["model"], scale)
    intervals: dict[str, Any] = {"coverage": {}, "width": {}, "width_scaled": {}, "wql": None}
    if scored.tally is not None and scored.tally.sums is not None and subject.intervals is not None:
        intervals = interval_scores.interval_scores(scored.tally.sums, scale.deviation)
        steps = interval_scores.interval_scores_per_step(scored.tally.sums, scale.deviation)
        per_step = [row | extra for row, extra in zip(per_step, steps, strict=True)]
        findings += coverage_warnings(config.split, subject.windows, scored.tally, subject.intervals)
    per_series = dict(zip(dataset.series.names, metrics.scores_per_series(sums["model"], scale), strict=True))
    rankings = series_against_baselines(dataset, sums)
    report = EvaluateReport(
        run=run,
        model=subject.model.name,
        precision=subject.precision,
        split=config.split,
        windows=len(subject.windows),
        metrics=model_scores,
        parts=parts,
        baselines=scores,
        baseline_season=subject.season,
        mase_season=dataset.schema.season,
        comparison=uncertainty.best_comparison(compared),
        comparisons=compared,
        per_step=[{"step": number, **row} for number, row in enumerate(per_step, start=1)],
        per_target=dict(
            zip(dataset.schema.targets, metrics.scores_per_target(sums["model"], scale), strict=True)
        ),
        per_series=per_series,
        worst=worst_series(per_series, rankings, MAX_WORST_SERIES) if len(per_series) > 1 else [],
        backtest=None,
        gates=[],
        picture="",
        **intervals,
        mase_left_out=metrics.count_without_scale(sums["model"], scale),
        warnings=(),
        findings=(),
        output=config.output,
    )
    return report, findings
