"""Aggregation of irregular rows to a time grid, as `--freq` and `--resample` say."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from lstm_cli.config.extras import require_installed
from lstm_cli.config.text import GridSettings
from lstm_cli.data.category_names import category_sources
from lstm_cli.data.chunks import CHUNK_ROWS, series_starts
from lstm_cli.data.frequency.buckets import Buckets
from lstm_cli.data.frequency.infer import first_in_file
from lstm_cli.data.frequency.step import ANY_DAY, Step, frequency_label, parse_freq
from lstm_cli.data.grid.duplicates import REFUSE, combine_duplicates, repeated_times
from lstm_cli.data.grid.sorting import (
    SortedRows,
    find_disorder,
    in_series_text,
    location_formatter,
    sort_rows,
)
from lstm_cli.data.grid.time_range import time_range_mask
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.formats import DAY, MINUTE
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file
from lstm_cli.text import count_noun

NEAREST = "nearest"
AGGREGATED_ROWS = 32 * CHUNK_ROWS  # rows that pandas aggregates at a time


def require_resample_packages(settings: GridSettings) -> None:
    """Raise UsageError if --resample is given and pandas is not installed."""
    if settings.resample is not None:
        require_installed("--resample", "pandas")


def resample_table(
    table: Table,
    settings: GridSettings,
    *,
    start: str | None = None,
    end: str | None = None,
    step: Step | None = None,
) -> Table:
    """Return the table with one row for each bucket; without --resample, or without times, the table itself.

    Args:
        table: rows of the file.
        settings: settings of the grid.
        start: value of `--start`, about the rows of the file.
        end: value of `--end`.
        step: step of the run, for new data.

    Raises:
        UsageError: for an invalid --freq, --start or --end.
        DataError: if two rows of one time differ with `nearest`, or if no bucket is complete.
    """
    if settings.resample is None or table.time_name is None:
        return table
    from_run = step is not None
    if step is None:
        assert settings.freq is not None  # GridSettings.check_grid requires it
        step = parse_freq(settings.freq)
        step = replace(step, day=1) if step.day == ANY_DAY else step  # M, Q and Y: labelled by their start
    buckets = Buckets(step=step, offset_us=table.time_format.offset * MINUTE)
    rows = sort_rows(table)
    rows = rows.select(time_range_mask(table, rows.series, rows.times, start=start, end=end))
    findings = find_disorder(rows, table)
    if settings.duplicates != REFUSE or settings.resample == NEAREST:
        rows, combined = combine_duplicates(rows, table, settings.duplicates, from_run=from_run)
        findings += combined
    else:
        findings += _find_repeated_times(rows, table, settings.resample)
    if settings.resample == NEAREST:
        return _rounded(rows, table, buckets, findings)
    return _aggregated(rows, table, buckets, settings.resample, findings)


def _find_repeated_times(rows: SortedRows, table: Table, how: str) -> list[Finding]:
    """Return a finding about rows with the time of another row, which may be of several series."""
    repeats = repeated_times(rows)
    if not repeats.any():
        return []
    row, count = first_in_file(rows.lines, repeats), int(repeats.sum())
    flags = ("--duplicates",) if table.series_columns else ("--series", "--duplicates")
    advice = "" if table.series_columns else "use --series if a column names several series, or "
    return [
        Finding.at(
            location_formatter(table).at(rows.lines[row]),
            "D537",
            f"{count_noun(count, 'row')} with the time of another row, the first at "
            f"{location_formatter(table).time(rows.times[row])}{in_series_text(table, rows.series[row])}; "
            f"aggregated by --resample {how} ({advice}use --duplicates first to take one row of each time)",
            count=count,
            flags=flags,
        )
    ]


def _rounded(rows: SortedRows, table: Table, buckets: Buckets, findings: list[Finding]) -> Table:
    """Return the rows at the nearest times of the grid; of several rows at one time, the nearest one."""
    times = buckets.nearest_times(rows.times)
    begins = _first_of_each(rows.series, times)
    group = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(rows))))
    order = np.lexsort((np.abs(times - rows.times), group))  # stable: of two as near, the earlier one
    kept = np.zeros(len(rows), dtype=bool)
    kept[order[begins]] = True
    chosen = rows.select(kept)
    moved = int((times != rows.times).sum())
    left_out = len(rows) - len(chosen)
    grid = frequency_label(buckets.step)
    counts = f"{count_noun(moved, 'time')} of {count_noun(len(rows), 'row')} rounded to the {grid}"
    if left_out:
        counts += f", {count_noun(left_out, 'row')} left out because another row is nearer to its time"
    table_rows = chosen.table_rows(np.arange(len(chosen)))
    return _with_rows(
        table,
        rows.table.values[table_rows],
        series=chosen.series,
        times=times[kept],
        lines=chosen.lines[np.arange(len(chosen))],
        findings=[*findings, _counts_finding(table, buckets, chosen.series, times[kept], counts, NEAREST)],
    )


def _aggregated(rows: SortedRows, table: Table, buckets: Buckets, how: str, findings: list[Finding]) -> Table:
    """Return one row for each bucket that holds rows."""
    holding = buckets.containing(rows.times)
    starts = _first_of_each(rows.series, holding)
    incomplete = _incomplete_buckets(rows, table, buckets, holding, starts)
    values = _aggregate(rows, starts, how)
    labels, series, lines = buckets.times(holding[starts]), rows.series[starts], rows.lines[starts]
    grid = frequency_label(buckets.step)
    counts = f"{count_noun(len(rows), 'row')} aggregated to {count_noun(len(starts), 'row')} of {grid}"
    if how == "sum" and table.categories:
        counts += ", categories as the share of their rows"
    counted = _counts_finding(table, buckets, series, labels, counts, how)
    findings = [*findings, counted]
    if len(incomplete):
        findings.append(_incomplete_finding(rows, table, buckets, starts, incomplete))
    values[incomplete, : len(table.targets) + len(table.past)] = np.nan
    empty = np.zeros(len(starts), dtype=bool)
    empty[incomplete] = np.isnan(values[incomplete]).all(axis=1)  # others hold covariates known ahead
    if empty.all():
        raise DataError(
            f"no bucket of --freq {buckets.step.name} is complete",
            hint="use a shorter --freq, or add rows",
            rule="D538",
            at=in_file(table.source),
            flags=("--freq",),
        )
    return _with_rows(
        table,
        values[~empty],
        series=series[~empty],
        times=labels[~empty],
        lines=lines[~empty],
        findings=findings,
    )


def _first_of_each(series: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Return the first row of each run of equal series and key; both are [R]."""
    return np.append(0, np.flatnonzero((series[1:] != series[:-1]) | (keys[1:] != keys[:-1])) + 1)


def _aggregate(rows: SortedRows, starts: np.ndarray, how: str) -> np.ndarray:
    """Return the aggregated measured cells [B, F] of the buckets that begin at rows `starts` [B]."""
    import pandas as pd

    lengths = np.diff(np.append(starts, len(rows)))
    categories = np.flatnonzero(np.isin(rows.table.columns, list(category_sources(rows.table.categories))))
    values = np.empty((len(starts), len(rows.table.columns)))
    first = 0
    while first < len(starts):
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + AGGREGATED_ROWS)))
        bucket = np.repeat(np.arange(last - first), lengths[first:last])
        span = slice(int(starts[first]), int(starts[first]) + len(bucket))
        grouped = pd.DataFrame(rows.table.values[rows.slice(span)]).groupby(bucket)
        result = grouped.sum(min_count=1) if how == "sum" else grouped.agg(how)
        values[first:last] = result.to_numpy()
        if how == "sum" and len(categories):  # the share of rows, because a count of rows is no category
            values[first:last, categories] = grouped[categories.tolist()].mean().to_numpy()
        first = last
    return values


def _incomplete_buckets(
    rows: SortedRows, table: Table, buckets: Buckets, holding: np.ndarray, starts: np.ndarray
) -> np.ndarray:
    """Return the newest bucket of each series that is incomplete, as indices into `starts` [B].

    holding: [R] bucket of each row. Only rows with a measured target decide.
    """
    measured = rows.measured(0, len(table.targets))
    times, begins = rows.times, series_starts(rows.series)
    incomplete = []
    for begin, end in pairwise([*begins.tolist(), len(rows)]):
        positions = begin + np.flatnonzero(measured[begin:end])
        if len(positions) and _is_incomplete(buckets, times[positions], holding[positions]):
            incomplete.append(int(np.searchsorted(starts, positions[-1], "right")) - 1)
    return np.array(incomplete, dtype=np.int64)


def _is_incomplete(buckets: Buckets, times: np.ndarray, holding: np.ndarray) -> bool:
    """Return whether the last bucket of one series needs more rows; times and holding buckets are [n].

    It does unless the next row is expected after its end, or its newest row is as near to the end as in other buckets.
    """
    distances = np.diff(times)
    distances = distances[distances > 0]
    if not len(distances):
        return False
    end = int(buckets.ends(holding[-1]))
    expected = int(times[-1] + np.median(distances))
    weeks, weekday = np.divmod(times // DAY + 3, 7)
    expected_weekday = (expected // DAY + 3) % 7
    if (weekday < 5).all() and weeks[0] < weeks[-1] and expected_weekday >= 5:
        expected = (expected // DAY + 7 - expected_weekday) * DAY  # no rows on weekends: Monday is next
    newest = np.flatnonzero(np.diff(holding) > 0)
    left = buckets.ends(holding[newest]) - times[newest]
    return expected < end and (not len(left) or end - times[-1] > np.median(left))


def _incomplete_finding(
    rows: SortedRows, table: Table, buckets: Buckets, starts: np.ndarray, incomplete: np.ndarray
) -> Finding:
    """Return the finding about incomplete last buckets; incomplete: indices into `starts` [B]."""
    formatter = location_formatter(table)
    first = int(incomplete[np.argmin(rows.lines[starts[incomplete]])])
    row = int(starts[first])
    bucket = buckets.containing(rows.times[row])
    label, end = int(buckets.times(bucket)), int(buckets.ends(bucket))
    series = f" of {count_noun(len(incomplete), 'series', 'series')}" if len(incomplete) > 1 else ""
    return Finding.at(
        formatter.at(rows.lines[row]),
        "D534",
        f"the last bucket{series or in_series_text(table, rows.series[row])} is incomplete, so it is left out"
        f"{', the first' if series else ''}: {formatter.time(label)} "
        f"(no option for this; rows up to {formatter.time(end)} complete it)",
        count=len(incomplete),
        flags=("--freq",),
    )


def _counts_finding(
    table: Table, buckets: Buckets, series: np.ndarray, times: np.ndarray, counts: str, how: str
) -> Finding:
    """Return the finding with the counts of rows; series and times of the new rows are [B]."""
    steps = np.diff(buckets.containing(times))[np.diff(series) == 0]
    empty = int((steps - 1).sum())
    filled = f", {count_noun(empty, 'empty bucket')}" + (" filled as set by --missing" if empty else "")
    return Finding.at(
        in_file(table.source),
        "D533",
        f"{counts}{filled} (--freq {buckets.step.name} --resample {how})",
        count=len(times),
        flags=("--resample", "--freq"),
    )


def _with_rows(
    table: Table,
    values: np.ndarray,
    *,
    series: np.ndarray,
    times: np.ndarray,
    lines: np.ndarray,
    findings: list[Finding],
) -> Table:
    """Return the table with other rows; --start and --end have been applied to them."""
    return replace(
        table,
        values=values,
        series=series,
        times=times,
        lines=lines,
        findings=(*table.findings, *findings),
        resampled=True,
    )
