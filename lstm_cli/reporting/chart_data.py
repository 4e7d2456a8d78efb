"""Data of the charts with zoom, as JSON inside the page."""

import json
from typing import Any

import numpy as np

from lstm_cli.reporting.facts import RunFacts, SeriesChart, WindowChart
from lstm_cli.reporting.number_text import chart_decimals, rounded

# Characters that could end the element, or that older scripts read as line ends.
ESCAPED = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
DECIMALS = 6  # of x values: microseconds


def chart_json(facts: RunFacts) -> str:
    """Return the data of all charts as JSON, in which no character can end the element around it."""
    charts = {
        f"window-{index}": _window(item, facts.baseline) for index, item in enumerate(facts.window_charts)
    }
    charts |= {f"series-{index}": _series(item) for index, item in enumerate(facts.charts)}
    clock = {"time": facts.clock.is_time, "step": facts.clock.step, "label": facts.clock.label}
    text = json.dumps({"clock": clock, "charts": charts}, allow_nan=False, separators=(",", ":"))
    return text.translate(ESCAPED)


def _window(item: WindowChart, baseline: str) -> dict[str, Any]:
    lines = [
        item.measured,
        item.forecast,
        item.baseline,
        *(end for ends in item.ends.values() for end in ends),
    ]
    decimals = chart_decimals(lines)
    first = int(np.searchsorted(item.x, item.origin))

    def ahead(values: np.ndarray) -> list[float | int | None]:
        return rounded(values[first:], decimals)

    return {
        "x": _x(item.x),
        "first": first,
        "decimals": decimals,
        "measured": rounded(item.measured, decimals),
        "forecast": ahead(item.forecast),
        "baseline": ahead(item.baseline),
        "baselineName": baseline,
        "ends": {level: [ahead(low), ahead(high)] for level, (low, high) in item.ends.items()},
    }


def _series(item: SeriesChart) -> dict[str, Any]:
    decimals = chart_decimals([item.y])
    return {
        "x": _x(item.x),
        "decimals": decimals,
        "measured": rounded(item.y, decimals),
        "range": None if item.y_range is None else [round(end, decimals) for end in item.y_range],
        "splits": [list(split) for split in joined_splits(item.splits)],
        "outliers": [rounded(item.outlier_x, DECIMALS), rounded(item.outlier_y, decimals)],
    }


def joined_splits(splits: tuple[tuple[str, float, float], ...]) -> tuple[tuple[str, float, float], ...]:
    """Return splits, each name, begin and end, that end where the next one begins: no step lies between them."""
    begins = [begin for _, begin, _ in splits[1:]]
    ends = [*begins, splits[-1][2]] if splits else []
    return tuple((name, begin, end) for (name, begin, _), end in zip(splits, ends, strict=True))


def _x(x: np.ndarray) -> Any:
    """Return x values as the first one and runs of steps, each a step and how often it follows."""
    steps = np.round(np.diff(x), DECIMALS)
    begins = np.flatnonzero(np.diff(steps, prepend=np.nan) != 0)
    lengths = np.diff(np.append(begins, len(steps)))
    runs = zip(rounded(steps[begins], DECIMALS), lengths.tolist(), strict=True)
    return {"first": rounded(x[:1], DECIMALS)[0], "runs": [list(run) for run in runs]}
