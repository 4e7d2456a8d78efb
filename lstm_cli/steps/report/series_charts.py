"""Data of a report: charts of some series, their usual course, gaps, season, trend and outliers."""

from typing import Any

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.quality.decomposition import trend_and_season_strengths
from lstm_cli.data.quality.outliers import neighbour_season, outlier_rows
from lstm_cli.data.quality.seasonality import subtract_moving_mean
from lstm_cli.data.times.formats import DAY
from lstm_cli.reporting.facts import DataFacts, Profile, SeriesChart
from lstm_cli.reporting.svg import thin
from lstm_cli.reporting.time_axis import time_text
from lstm_cli.steps.report.chart_axis import chart_clock, chart_x
from lstm_cli.steps.report.window_errors import measured_values, time_groups
from lstm_cli.wording import count_noun

MAX_CHARTS = 3
MAX_SEARCHED_SERIES = 1_000  # for outliers
MIN_CYCLES = 2  # of a usual day, week or year
CYCLES = {"Hour of day": DAY, "Weekday": 7 * DAY, "Month": 365 * DAY}  # microseconds
MAX_POINTS = 20_000  # of all charts together, so that the page stays small
MAX_STRETCH = 1.5  # of the y axis by outliers
MAX_MEASURED_SERIES = 30  # series from which the strengths are the median


def series_charts(dataset: Dataset, ratios: np.ndarray | None) -> tuple[SeriesChart, ...]:
    """Return a chart of each target of the only series, or of three series of a panel.

    Args:
        dataset: prepared data.
        ratios: [S] error of each series relative to the baseline, for a panel; None for one series.
    """
    if ratios is None:
        shown = [(0, target, "") for target in range(min(MAX_CHARTS, dataset.targets))]
    else:
        shown = [(series, 0, rank) for series, rank in _ranked(ratios).items()]
    return tuple(_series_chart(dataset, *each, MAX_POINTS // len(shown)) for each in shown)


def _ranked(ratios: np.ndarray) -> dict[int, str]:
    """Return the series with the lowest, the median and the highest ratio, each with its rank."""
    order = np.argsort(ratios, kind="stable")[: int(np.isfinite(ratios).sum())]
    if not len(order):
        return {0: ""}
    places = {"best": 0, "median": (len(order) - 1) // 2, "worst": len(order) - 1}
    ranks: dict[int, list[str]] = {}
    for name, place in places.items():
        ranks.setdefault(int(order[place]), []).append(name)
    return {series: " and ".join(names) for series, names in ranks.items()}


def _series_chart(dataset: Dataset, series: int, target: int, rank: str, max_points: int) -> SeriesChart:
    table = dataset.series
    count = int(table.count[series])
    y = _column(dataset, series, target)
    x = chart_x(dataset, series, np.arange(count))
    rows = outlier_rows(y, neighbour_season(table.count[[series]], dataset.schema.seasons))
    ends = {"training": 0, "validation": int(table.train_end[series]), "test": int(table.val_end[series])}
    bounds = [*ends.values(), count]
    splits = [
        (name, float(x[begin]), float(x[end - 1]))
        for name, begin, end in zip(ends, bounds, bounds[1:], strict=False)
        if end > begin
    ]
    drawn_x, drawn_y = thin(x, y, max_points)
    return SeriesChart(
        series=table.names[series],
        target=dataset.schema.targets[target],
        rank=rank,
        x=drawn_x,
        y=drawn_y,
        thinned=len(drawn_x) < len(x),
        splits=tuple(splits),
        outlier_x=x[rows],
        outlier_y=y[rows],
        y_range=_range_without(y, rows),
    )


def _range_without(y: np.ndarray, outliers: np.ndarray) -> tuple[float, float] | None:
    """Return the range of the other values with a margin, if the outliers make it much larger; else None."""
    others = np.delete(y, outliers)
    if not len(outliers) or not np.isfinite(others).any():
        return None
    low, high = float(np.nanmin(others)), float(np.nanmax(others))
    if np.nanmax(y) - np.nanmin(y) < MAX_STRETCH * (high - low) or high == low:
        return None
    margin = 0.06 * (high - low)
    return low - margin, high + margin


def _column(dataset: Dataset, series: int, target: int) -> np.ndarray:
    """Return a target [T] of the usable rows of a series, NaN where not measured."""
    begin = int(dataset.series.offset[series])
    rows = slice(begin, begin + int(dataset.series.count[series]))
    return measured_values(dataset, series, rows)[:, target]


def profiles(dataset: Dataset, series: int) -> tuple[Profile, ...]:
    """Return the usual course of the first target of a series by hour, weekday or month, without its trend.

    Args:
        dataset: prepared data.
        series: series to measure.
    """
    schema = dataset.schema
    if schema.time_name is None or schema.time_format.is_integer:
        return ()
    cells = _column(dataset, series, 0)
    times = schema.step.times(np.arange(len(cells)), int(dataset.series.origin_us[series]))
    local = schema.time_format.to_file_clock(times)
    span = (
        float(local[-1] - local[0]) * len(local) / max(1, len(local) - 1)
    )  # microseconds, with the last row
    result = []
    for title, labels, keys in time_groups(dataset, local):
        cycles = span / CYCLES[title]
        if cycles < MIN_CYCLES or np.isnan(cells).all():
            continue  # one cycle looks the same as a trend
        period = max(2, round(len(cells) / cycles))
        around = subtract_moving_mean(cells, period)
        known = np.isfinite(around)
        counts = np.bincount(keys[known], minlength=len(labels))
        totals = np.bincount(keys[known], weights=around[known], minlength=len(labels))
        shown = np.flatnonzero(counts)
        if len(shown) > 1:
            names = tuple(labels[index] for index in shown)
            result.append(
                Profile(
                    title=title,
                    series=dataset.series.names[series],
                    labels=names,
                    mean=totals[shown] / counts[shown],
                )
            )
    return tuple(result)


def data_facts(dataset: Dataset) -> DataFacts:
    """Return the missing values, the gaps, the outliers, and the strength of season and trend."""
    table, targets = dataset.series, dataset.targets
    missing = gaps = 0
    longest = (0, 0, 0)  # rows, series, first row
    for series, (begin, count) in enumerate(zip(table.offset.tolist(), table.count.tolist(), strict=True)):
        known = dataset.measured[begin : begin + count, :targets]
        if known.all():
            continue
        missing += int(known.size - known.sum())
        empty = ~known.any(axis=1)
        first = np.flatnonzero(np.diff(empty.astype(np.int8), prepend=0) == 1)
        lengths = np.flatnonzero(np.diff(empty.astype(np.int8), append=0) == -1) + 1 - first
        gaps += len(first)
        if len(first):
            place = int(np.argmax(lengths))
            longest = max(longest, (int(lengths[place]), -series, -int(first[place])))
    return DataFacts(
        missing=missing,
        cells=int(table.count.sum()) * targets,
        gaps=gaps,
        longest_gap=_gap_text(dataset, *longest) if longest[0] else "",
        strengths=tuple(_strength_texts(dataset)),
        **_outlier_facts(dataset),
    )


def _outlier_facts(dataset: Dataset) -> dict[str, Any]:
    """Return the fields of `DataFacts` about outliers: of all series, or of evenly spaced ones of a large panel."""
    table = dataset.series
    searched = np.unique(np.linspace(0, len(table.names) - 1, MAX_SEARCHED_SERIES).round().astype(int))
    outliers = 0
    for series in searched.tolist():
        season = neighbour_season(table.count[[series]], dataset.schema.seasons)
        begin = int(table.offset[series])
        values = measured_values(dataset, series, slice(begin, begin + int(table.count[series])))
        outliers += sum(len(outlier_rows(column, season)) for column in values.T)
    return {
        "outliers": outliers,
        "searched": int(table.count[searched].sum()) * dataset.targets,
        "searched_series": None if len(searched) == len(table.names) else len(searched),
    }


def _gap_text(dataset: Dataset, rows: int, series: int, first: int) -> str:
    name = dataset.series.names[-series]
    clock, x = chart_clock(dataset), float(chart_x(dataset, -series, np.array([-first]))[0])
    time = time_text(x, clock.step) if clock.is_time else f"{clock.label} {x:,.0f}"
    where = f" of {name}" if name else ""
    return f"{count_noun(rows, 'row')} from {time}{where}"


def _strength_texts(dataset: Dataset) -> list[str]:
    """Return a sentence for each target and season: how strong season and trend are, from 0 to 1."""
    schema, table = dataset.schema, dataset.series
    some = range(0, len(table.names), max(1, len(table.names) // MAX_MEASURED_SERIES))
    rows = [
        measured_values(
            dataset, series, slice(int(table.offset[series]), int(table.offset[series] + table.count[series]))
        )
        for series in some
    ]
    of_panel = " (median of series)" if len(rows) > 1 else ""
    texts = []
    for strength in trend_and_season_strengths(rows, min(MAX_CHARTS, dataset.targets), schema.seasons):
        name = f"{schema.targets[strength.column]}: " if dataset.targets > 1 else ""
        season = (
            "" if strength.season is None else f"season of {strength.period:,} steps {strength.season:.2f}, "
        )
        texts.append(f"{name}{season}trend {strength.trend:.2f}{of_panel}")
    return texts
