"""Scores as text: titles, numbers, and the comparison of a model with its baselines in sentences."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lstm_cli.evaluation import BASELINES, baseline_label
from lstm_cli.wording import count_noun

BASELINES_SHOWN = BASELINES[::-1]
METRICS = {
    "mae": "MAE",
    "rmse": "RMSE",
    "smape": "sMAPE %",
    "mase": "MASE",
    "mse_scaled": "MSE scaled",
    "mae_scaled": "MAE scaled",
}
# In a panel, the largest series dominate errors in the units of the file, so scaled errors come first.
SCALED_FIRST = ("mase", "smape", "mae_scaled", "mse_scaled", "mae", "rmse")


def verdict(
    model: Mapping[str, Any],
    baselines: Mapping[str, Mapping[str, Any]],
    comparisons: Mapping[str, Mapping[str, Any]] | None,
    season: int | None,
    *,
    panel: bool = False,
) -> str:
    """Return sentences that compare the model with the baselines, with the 90 % interval of each difference.

    Args:
        model: metrics of the model.
        baselines: metrics of each baseline.
        comparisons: differences and intervals of the report; empty with too few windows, None in a 0.1.0 report.
        season: season of the seasonal naive baseline, in steps.
        panel: whether the metrics are means over several series.
    """
    shown = _baselines_to_compare(baselines, comparisons or {})
    all_differences = {name: _difference(model, baselines, comparisons, name) for name in shown}
    differences = {name: value for name, value in all_differences.items() if value is not None}
    if not differences:
        return "No baseline to compare with."
    beaten, others = [], []
    for name, (difference, interval) in differences.items():
        named = "the linear forecast" if name == "linear" else baseline_label(name, season)
        if difference is None:
            others.append(f"{named} has no error on these windows")
            continue
        size = format_percent(abs(difference))
        if interval is None:
            side = "lower" if difference >= 0 else "higher"
            others.append(f"the model's error is {size} % {side} than that of {named}")
        elif interval[0] == interval[1] == 0:
            others.append(f"the model's error equals that of {named}")
        elif interval[0] > 0:
            beaten.append(f"{named} by {size} % ({_interval_text(interval)})")
        elif interval[1] < 0:
            higher = _interval_text((-interval[1], -interval[0]))
            others.append(f"{named} beats the model, whose error is {size} % higher ({higher})")
        else:
            side = "lower" if difference >= 0 else "higher"
            signed = interval if difference >= 0 else (-interval[1], -interval[0])
            others.append(f"no clear difference from {named}: {size} % {side} ({_interval_text(signed)})")
    parts = others + ([f"the model beats {' and '.join(beaten)}"] if beaten else [])
    if comparisons is not None and not comparisons:
        parts.append("too few windows for a 90 % interval")
    by = "the mean MASE of the series" if panel else "MASE" if model.get("mase") is not None else "MAE"
    later = "".join(f" {part[:1].upper()}{part[1:]}." for part in parts[1:])
    return f"By {by}, {parts[0]}.{later}"


def _baselines_to_compare(baselines: Mapping[str, Any], comparisons: Mapping[str, Any]) -> list[str]:
    """Return the baselines to compare: the one with the lowest error, then the first two of the table."""
    usual = [name for name in BASELINES_SHOWN if name in baselines][:2]  # naive only without a season
    return list(dict.fromkeys([*list(comparisons)[:1], *usual]))


def _difference(
    model: Mapping[str, Any],
    baselines: Mapping[str, Mapping[str, Any]],
    comparisons: Mapping[str, Mapping[str, Any]] | None,
    name: str,
) -> tuple[float | None, Sequence[float] | None] | None:
    """Return the difference from a baseline in percent and its interval; None if it is undefined."""
    if comparisons:
        comparison = comparisons.get(name)
        return None if comparison is None else (comparison["difference"], comparison["interval"])
    reduction = error_reduction(model, baselines[name])
    return None if reduction is None else (100 * reduction, None)


def _interval_text(ends: Sequence[float]) -> str:
    low, high = (format_percent(end) for end in ends)
    return f"90 % interval {low} to {high} %"


def selection_text(rows: Mapping[str, Any] | None) -> str:
    """Return a line about the validation rows that selected the model; "" for a report without them."""
    if rows is None:
        return ""
    span = f", {rows['time_start']} to {rows['time_end']}" if rows["time_start"] else ""
    windows = count_noun(rows["windows"], "validation window")
    return f"selected on {windows}{span}"


def error_reduction(
    model: Mapping[str, Any],
    baseline: Mapping[str, Any],
    metrics: Sequence[str] = ("mase", "mae_scaled", "mae"),
) -> float | None:
    """Return the relative reduction of the error compared with a baseline; None if no metric is defined.

    Args:
        model: metrics of the model.
        baseline: metrics of the baseline.
        metrics: metrics in order of priority; the first one defined in both is used.
    """
    for metric in metrics:
        model_error, error = finite_or_none(model.get(metric)), finite_or_none(baseline.get(metric))
        if model_error is not None and error:
            return 1 - model_error / error
    return None


def score_rows(
    model: Mapping[str, Any], parts: Mapping[str, Any], baselines: Mapping[str, Any], season: int | None
) -> dict[str, Mapping[str, Any]]:
    """Return the metrics of the model, its networks and the baselines, by display name.

    Args:
        model: metrics of the model.
        parts: metrics of each part; the linear part is left out because it is also a baseline.
        baselines: metrics of each baseline.
        season: season of the seasonal naive baseline, in steps.
    """
    networks = {part: scores for part, scores in parts.items() if part not in ("linear", "simple")}
    named = {baseline_label(name, season): baselines[name] for name in BASELINES_SHOWN if name in baselines}
    return {"model": model} | (networks if len(parts) > 1 else {}) | named


def format_percent(value: float) -> str:
    """Return a percentage as text, with one decimal below ten."""
    return f"{value:.{0 if abs(value) >= 9.95 else 1}f}".replace("-0.0", "0.0")


def format_number(value: float | None) -> str:
    """Return a number with four significant digits; a dash for an undefined number."""
    value = finite_or_none(value)
    if value is None:
        return "-"
    if value == 0 or 1e-4 <= abs(value) < 999.95:
        return f"{value:#.4g}"
    return f"{value:,.0f}" if 1 <= abs(value) < 1e9 else f"{value:.3e}"


def finite_or_none(value: float | None) -> float | None:
    """Return the value; None for NaN and infinity, which a report may contain instead of None."""
    return value if value is not None and math.isfinite(value) else None


def comparison_text(comparison: Mapping[str, Any], baseline: str, metric: str) -> str:
    """Return whether the model is better than a baseline by more than random variation.

    Args:
        comparison: difference of a metric, lower if the model is better, and its 95 % interval; None without one.
        baseline: name of the baseline.
        metric: name of the metric.
    """
    difference = f"{metric} {comparison['difference']:+.4f}"
    if comparison["interval"] is None:
        return f"the data are too few to compare the model with the {baseline} ({difference})"
    low, high = comparison["interval"]
    difference += f", 95 % interval {low:+.4f} to {high:+.4f}"
    if high < 0:
        return f"the model is better than the {baseline} ({difference})"
    if low > 0:
        return f"the model is worse than the {baseline} ({difference})"
    return f"the model and the {baseline} differ by no more than random variation ({difference})"
