"""The report of `evaluate`."""

from dataclasses import dataclass
from typing import Any

from lstm_cli.config import EvaluateConfig
from lstm_cli.evaluation import interval_scores, metrics, scoring, uncertainty
from lstm_cli.evaluation.metrics import Scores
from lstm_cli.evaluation.series_ranking import series_against_baselines, worst_series
from lstm_cli.findings import Finding
from lstm_cli.steps.evaluate.score_model import Scored
from lstm_cli.steps.shared.model_warnings import adds_nothing, coverage_warnings, networks_finding
from lstm_cli.steps.shared.report_json import to_plain

WORST = 10  # series in the list of those that do worst


@dataclass(frozen=True, kw_only=True)
class EvaluateReport:
    """Scores of the model and of the simple forecasts over the same windows."""

    run: str
    model: str
    precision: str
    split: str
    windows: int
    metrics: Scores
    parts: dict[str, Scores]  # of the combination: linear, anchored, free, simple; empty where there are none
    baselines: dict[str, Scores]  # naive, seasonal_naive (absent without a season), linear
    baseline_season: int | None  # of seasonal_naive, steps: the best one before the test rows
    mase_season: int | None  # of the MASE scale, steps: the shortest one, 1 without a season
    comparison: dict[str, Any] | None  # baseline of lowest error, difference, interval; None: too few windows
    comparisons: dict[str, Any] | None  # difference and interval for each baseline, lowest error first
    per_step: list[Scores]
    per_target: dict[str, Scores]
    per_series: dict[str, Scores]
    worst: list[dict[str, Any]]  # of several series those that do worst beside a simple forecast, worst first
    # folds: cut, windows, metrics, baselines and, if trained, seasons, lookback, defaults; spread; reused; precision
    backtest: dict[str, Any] | None
    gates: list[dict[str, Any]]
    picture: str
    coverage: dict[str, float | None]  # percent of measured cells within the 80 % and the 95 % interval
    width: dict[str, float | None]  # of the intervals, the mean, in the file's units
    width_scaled: dict[str, float | None]  # of the training rows' deviation
    wql: float | None  # weighted quantile loss; None, the three above empty, for a model without intervals
    mase_left_out: int  # series whose training rows give MASE no scale
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()  # the warnings as data; 0.1.0 kept none
    output: str | None = None  # the folder that got copies of the scores
    up_to_date: bool | None = (
        None  # True: nothing had changed, and this is what the run that made it reported
    )

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("backtest", "output", "up_to_date"))


def report_of(run: str, config: EvaluateConfig, scored: Scored) -> tuple[EvaluateReport, list[Finding]]:
    """Return the report of scores, and what was found. The backtest, the gates and the picture are settled later."""
    subject, sums = scored.subject, scored.sums
    dataset, scale = subject.dataset, scoring.metric_scale(subject.dataset)
    scores = {name: metrics.overall_scores(found, scale) for name, found in sums.items()}
    own = scores.pop("model")
    parts = {
        name.removeprefix(scoring.PART): scores.pop(name)
        for name in list(scores)
        if name.startswith(scoring.PART)
    }
    compared = scored.errors.comparisons()
    found: list[Finding] = []
    if networks_finding(scores | {"model": own}, compared, parts):
        found.append(adds_nothing(config.split))
    ahead = metrics.scores_per_step(sums["model"], scale)
    held: dict[str, Any] = {"coverage": {}, "width": {}, "width_scaled": {}, "wql": None}
    if scored.tally is not None and scored.tally.sums is not None and subject.intervals is not None:
        held = interval_scores.interval_scores(scored.tally.sums, scale.deviation)
        steps = interval_scores.interval_scores_per_step(scored.tally.sums, scale.deviation)
        ahead = [row | also for row, also in zip(ahead, steps, strict=True)]
        found += coverage_warnings(config.split, subject.windows, scored.tally, subject.intervals)
    each = dict(zip(dataset.series.names, metrics.scores_per_series(sums["model"], scale), strict=True))
    report = EvaluateReport(
        run=run,
        model=subject.model.name,
        precision=subject.precision,
        split=config.split,
        windows=len(subject.windows),
        metrics=own,
        parts=parts,
        baselines=scores,
        baseline_season=subject.season,
        mase_season=dataset.schema.season,
        comparison=uncertainty.best_comparison(compared),
        comparisons=compared,
        per_step=[{"step": number, **row} for number, row in enumerate(ahead, start=1)],
        per_target=dict(
            zip(dataset.schema.targets, metrics.scores_per_target(sums["model"], scale), strict=True)
        ),
        per_series=each,
        worst=worst_series(each, series_against_baselines(dataset, sums), WORST) if len(each) > 1 else [],
        backtest=None,
        gates=[],
        picture="",
        **held,
        mase_left_out=metrics.count_without_scale(sums["model"], scale),
        warnings=(),
        findings=(),
        output=config.output,
    )
    return report, found
