"""Errors of several forecasts beside each other, and what they come to in a sentence."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lstm_cli.cli.page import KEPT, Page

BASELINES = {"linear": "linear", "seasonal_naive": "seasonal naive", "naive": "naive"}
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
AS_GOOD = 0.005  # errors that differ by a smaller share are called equal


def score_table(page: Page, scores: Mapping[str, Mapping[str, Any]], metrics: Mapping[str, str]) -> None:
    shown = {key: title for key, title in metrics.items() if any(key in score for score in scores.values())}
    table = [[_defined(score.get(key)) for key in shown] for score in scores.values()]
    best = [_lowest([row[place] for row in table]) for place in range(len(shown))]
    rows = [(name, *(figure(one) for one in row)) for name, row in zip(scores, table, strict=True)]
    page.table(("forecast", *(f"{title}{KEPT * 2}" for title in shown.values())), rows, best)
    page.line("* the lowest error")


def verdict(
    model: Mapping[str, Any], baselines: Mapping[str, Mapping[str, Any]], *, panel: bool = False
) -> str:
    """One sentence on whether the model is worth its while, by MAE (scaled, where that is defined).

    Over a `panel` by MASE, where each series counts the same, whatever its length and size.
    """
    beaten, equal, better = [], [], []
    for name in [name for name in BASELINES if name in baselines][:2]:  # naive only where there is no season
        label = "the linear forecast" if name == "linear" else BASELINES[name]
        won = gain(model, baselines[name], ("mase",) if panel else ("mae_scaled", "mae"))
        if won is None:
            continue
        share = f"{100 * abs(won):.{0 if abs(won) >= 0.1 else 1}f} %"
        if won > AS_GOOD:
            beaten.append(f"{label} by {share}")
        elif won < -AS_GOOD:
            better.append(f"{label} beats the model, whose error is {share} higher")
        else:
            equal.append(f"{label} is as good as the model")
    parts = better + equal + ([f"the model beats {' and '.join(beaten)}"] if beaten else [])
    text = "; ".join(parts) or "there is no simple forecast to compare with"
    by = "MASE, the mean over series" if panel else "mean absolute error"
    return f"{text[0].upper()}{text[1:]} ({by})."


def gain(
    model: Mapping[str, Any], baseline: Mapping[str, Any], metrics: Sequence[str] = ("mae_scaled", "mae")
) -> float | None:
    """By which share the model's error is lower, by the first metric that is defined; None where none is."""
    for metric in metrics:
        ours, theirs = _defined(model.get(metric)), _defined(baseline.get(metric))
        if ours is not None and theirs:
            return 1 - ours / theirs
    return None


def beside(
    model: Mapping[str, Any], parts: Mapping[str, Any], baselines: Mapping[str, Any]
) -> dict[str, Mapping[str, Any]]:
    """The model, its networks, and the simple forecasts; the linear part is one of those already."""
    networks = {part: scores for part, scores in parts.items() if part not in ("linear", "simple")}
    return {"model": model} | (networks if len(parts) > 1 else {}) | _named(baselines)


def _named(baselines: Mapping[str, Any]) -> dict[str, Any]:
    """The baselines in the order of the table, by their names there."""
    return {title: baselines[name] for name, title in BASELINES.items() if name in baselines}


def _lowest(figures: Sequence[float | None]) -> int:
    defined = [(figure, place) for place, figure in enumerate(figures) if figure is not None]
    return min(defined)[1] if defined else -1


def figure(value: float | None) -> str:
    """Four digits that tell; a dash for what is not defined."""
    value = _defined(value)
    if value is None:
        return "-"
    if value == 0 or 1e-4 <= abs(value) < 999.95:
        return f"{value:#.4g}"
    return f"{value:,.0f}" if 1 <= abs(value) < 1e9 else f"{value:.3e}"


def _defined(value: float | None) -> float | None:
    """None also for NaN and infinity, which say the same in a report as it comes from a step."""
    return value if value is not None and math.isfinite(value) else None


def counted(count: int, one: str, many: str) -> str:
    """A number and its noun."""
    return f"{count:,} {one if count == 1 else many}"


def reason(text: str) -> str:
    """The reason of a choice, in brackets; nothing where there is none."""
    return f" ({text})" if text else ""
