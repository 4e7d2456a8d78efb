"""Errors of several forecasts beside each other, and what they come to in a sentence."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lstm_cli.cli.render.page import KEPT, Page
from lstm_cli.evaluation import BASELINES
from lstm_cli.text import count_noun

BASELINES_SHOWN = BASELINES[::-1]
METRICS = {
    "mae": "MAE",
    "rmse": "RMSE",
    "smape": "sMAPE %",
    "mase": "MASE",
    "mse_scaled": "MSE scaled",
    "mae_scaled": "MAE scaled",
}
# Over several series errors in the file's units are those of the largest ones, so the scaled ones come first.
SCALED_FIRST = ("mase", "smape", "mae_scaled", "mse_scaled", "mae", "rmse")


def score_table(page: Page, scores: Mapping[str, Mapping[str, Any]], metrics: Mapping[str, str]) -> None:
    shown = {key: title for key, title in metrics.items() if any(key in score for score in scores.values())}
    table = [[finite_or_none(score.get(key)) for key in shown] for score in scores.values()]
    best = [_lowest([row[place] for row in table]) for place in range(len(shown))]
    rows = [(name, *(format_figure(one) for one in row)) for name, row in zip(scores, table, strict=True)]
    page.table(("forecast", *(f"{title}{KEPT * 2}" for title in shown.values())), rows, best)
    page.line("* the lowest error")


def verdict(
    model: Mapping[str, Any],
    baselines: Mapping[str, Mapping[str, Any]],
    comparisons: Mapping[str, Mapping[str, Any]] | None,
    season: int | None,
    *,
    panel: bool = False,
) -> str:
    """Return one sentence on whether the model beats the baselines, with the 90 % interval of each difference.

    comparisons: as in the report. Without them (too few windows, or a report of 0.1.0) the differences stand alone.
    """
    from lstm_cli.evaluation.baselines import baseline_label  # with NumPy, which `verify` does without

    shown = _compared(baselines, comparisons or {})
    found = {name: _of(model, baselines, comparisons, name) for name in shown}
    differences = {name: one for name, one in found.items() if one is not None}
    if not differences:
        return "There is no simple forecast to compare with."
    beaten, others = [], []
    for name, (difference, interval) in differences.items():
        named = "the linear forecast" if name == "linear" else baseline_label(name, season)
        if difference is None:
            others.append(f"{named} makes no error on these windows")
            continue
        size = format_percent(abs(difference))
        if interval is None:
            side = "lower" if difference >= 0 else "higher"
            others.append(f"the model's error is {size} % {side} than that of {named}")
        elif interval[0] == interval[1] == 0:
            others.append(f"the model's error is that of {named}")
        elif interval[0] > 0:
            beaten.append(f"{named} by {size} % ({_interval(interval)})")
        elif interval[1] < 0:
            higher = _interval((-interval[1], -interval[0]))
            others.append(f"{named} beats the model, whose error is {size} % higher ({higher})")
        else:
            side = "lower" if difference >= 0 else "higher"
            signed = interval if difference >= 0 else (-interval[1], -interval[0])
            others.append(f"no clear difference from {named}: {size} % {side}, {_interval(signed)}")
    parts = others + ([f"the model beats {' and '.join(beaten)}"] if beaten else [])
    if comparisons is not None and not comparisons:
        parts.append("too few windows to tell that from chance")
    text = "; ".join(parts)
    by = "MASE, the mean over series" if panel else "MASE" if model.get("mase") is not None else "MAE"
    return f"{text[0].upper()}{text[1:]} ({by})."


def _compared(baselines: Mapping[str, Any], comparisons: Mapping[str, Any]) -> list[str]:
    """Return the baselines that the sentence names: the one of lowest error first, then the first two of the table."""
    usual = [name for name in BASELINES_SHOWN if name in baselines][:2]  # naive only where there is no season
    return list(dict.fromkeys([*list(comparisons)[:1], *usual]))


def _of(
    model: Mapping[str, Any],
    baselines: Mapping[str, Mapping[str, Any]],
    comparisons: Mapping[str, Mapping[str, Any]] | None,
    name: str,
) -> tuple[float | None, Sequence[float] | None] | None:
    """Return the difference from a baseline in percent and its interval, or None where it is undefined."""
    if comparisons:
        found = comparisons.get(name)
        return None if found is None else (found["difference"], found["interval"])
    won = error_reduction(model, baselines[name])
    return None if won is None else (100 * won, None)


def _interval(ends: Sequence[float]) -> str:
    low, high = (format_percent(end) for end in ends)
    return f"90 % interval {low} to {high} %"


def format_percent(value: float) -> str:
    """Return a percentage with one decimal below ten, where that tells something."""
    return f"{value:.{0 if abs(value) >= 9.95 else 1}f}".replace("-0.0", "0.0")


def chosen_on(rows: Mapping[str, Any] | None) -> str:
    """Return the line that says which rows chose the model; "" for a report without them."""
    if rows is None:
        return ""
    span = f", {rows['time_start']} to {rows['time_end']}" if rows["time_start"] else ""
    windows = count_noun(rows["windows"], "validation window")
    return f"chosen on {windows}{span}"


def error_reduction(
    model: Mapping[str, Any],
    baseline: Mapping[str, Any],
    metrics: Sequence[str] = ("mase", "mae_scaled", "mae"),
) -> float | None:
    """By which share the model's error is lower, by the first metric that is defined; None where none is."""
    for metric in metrics:
        ours, theirs = finite_or_none(model.get(metric)), finite_or_none(baseline.get(metric))
        if ours is not None and theirs:
            return 1 - ours / theirs
    return None


def score_rows(
    model: Mapping[str, Any], parts: Mapping[str, Any], baselines: Mapping[str, Any], season: int | None
) -> dict[str, Mapping[str, Any]]:
    """Return the model, its networks, and the simple forecasts; the linear part is one of those already.

    season: of the seasonal naive baseline.
    """
    from lstm_cli.evaluation.baselines import baseline_label  # with NumPy, which `verify` does without

    networks = {part: scores for part, scores in parts.items() if part not in ("linear", "simple")}
    named = {baseline_label(name, season): baselines[name] for name in BASELINES_SHOWN if name in baselines}
    return {"model": model} | (networks if len(parts) > 1 else {}) | named


def _lowest(figures: Sequence[float | None]) -> int:
    defined = [(figure, place) for place, figure in enumerate(figures) if figure is not None]
    return min(defined)[1] if defined else -1


def format_figure(value: float | None) -> str:
    """Four digits that tell; a dash for what is not defined."""
    value = finite_or_none(value)
    if value is None:
        return "-"
    if value == 0 or 1e-4 <= abs(value) < 999.95:
        return f"{value:#.4g}"
    return f"{value:,.0f}" if 1 <= abs(value) < 1e9 else f"{value:.3e}"


def finite_or_none(value: float | None) -> float | None:
    """Return None also for NaN and infinity, which say the same in a report as it comes from a step."""
    return value if value is not None and math.isfinite(value) else None


def rows_read(report: Any) -> str:
    """Return how many rows before a forecast the model reads."""
    return f"reads {count_noun(report.reads_rows, 'row')}"


def size_share(report: Any) -> float:
    """Return the size of the quantised model as a share of the float one's."""
    return report.size["quantized"] / report.size["fp32"] if report.size["fp32"] else 1.0


def in_brackets(text: str) -> str:
    """The reason of a choice, in brackets; nothing where there is none."""
    return f" ({text})" if text else ""


def add_verdict(page: Page, report: Any, *, panel: bool = False) -> None:
    """Print how the model compares with the baselines, and which rows chose it."""
    page.line(
        verdict(report.val, report.val_baselines, report.comparisons, report.baseline_season, panel=panel)
    )
    rows = chosen_on(report.chosen_on)
    if rows:
        page.line(rows)
