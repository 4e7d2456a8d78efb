"""Yearly season of daily data, which most lookbacks are too short to see."""

from collections.abc import Sequence

import numpy as np

from lstm_cli.data.dataset.dataset import Schema
from lstm_cli.data.frequency.step import DAY, Step
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.locations import quote_name
from lstm_cli.data.quality.seasonality import COLUMNS_PER_CONFIRMATION, SAMPLED_SERIES, season_correlation
from lstm_cli.findings import Finding
from lstm_cli.wording import count_noun

YEAR_DAYS = 365.25
BINS = 12  # parts of a year that are averaged, so that weeks and noise cancel
MIN_YEARS = 2


def find_yearly_season(rows: GridLines, train_end: np.ndarray, schema: Schema) -> list[Finding]:
    """Return a finding for each target whose daily training rows have a yearly season that no input shows.

    A lookback or a season of a year shows it, and so does the calendar.

    Args:
        rows: rows of a grid with the kept series.
        train_end: [S] training rows of each series.
        schema: columns and settings of the dataset.
    """
    is_daily = schema.step == Step(kind="seconds", count=DAY)
    if not is_daily or schema.calendar or max(schema.lookback, *schema.seasons, 0) >= int(YEAR_DAYS):
        return []
    long = [series for series, end in enumerate(train_end.tolist()) if end >= MIN_YEARS * YEAR_DAYS]
    if len(long) * 2 <= len(train_end):
        return []
    sample = long[:: max(1, len(long) // SAMPLED_SERIES)]
    findings = []
    for column, name in enumerate(schema.targets):
        means = (_bin_means(rows.cells(series, column)[: train_end[series]]) for series in sample)
        correlations = [season_correlation(values, BINS, None) for values in means]
        confirmed = [value for value in correlations if value is not None]
        if confirmed and len(confirmed) * COLUMNS_PER_CONFIRMATION >= len(sample):
            findings.append(_finding(rows, name, float(np.median(confirmed)), schema, sample))
    return findings


def _bin_means(values: np.ndarray) -> np.ndarray:
    """Return the means of a daily column [T] over twelfths of a year; NaN for a part without a value."""
    bins = (np.arange(len(values)) * BINS / YEAR_DAYS).astype(np.int64)
    complete = int(len(values) * BINS / YEAR_DAYS)  # the last part may be cut
    measured = ~np.isnan(values) & (bins < complete)
    counts = np.bincount(bins[measured], minlength=complete)
    sums = np.bincount(bins[measured], weights=values[measured], minlength=complete)
    return np.divide(sums, counts, out=np.full(complete, np.nan), where=counts > 0)


def _finding(
    rows: GridLines, name: str, correlation: float, schema: Schema, sample: Sequence[int]
) -> Finding:
    line = rows.line(int(rows.offset[sample[0]]))  # a series begins with a measured target
    return Finding.at(
        rows.location(name).at(line),
        "D712",
        f"{quote_name(name)} has a yearly season (correlation {correlation:.2f}), but the model sees only "
        f"{count_noun(schema.lookback, 'day')} (use --calendar to add the month)",
        kind="yearly-season",
        flags=("--calendar",),
    )
