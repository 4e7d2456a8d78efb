"""Aggregation of irregular rows to a time grid, as `--freq` and `--resample` say."""

import re
from dataclasses import replace

import numpy as np

from lstm_cli.config.extras import require_installed
from lstm_cli.config.text import GridSettings
from lstm_cli.data.category_names import category_sources
from lstm_cli.data.chunks import CHUNK_ROWS
from lstm_cli.data.frequency.buckets import Buckets
from lstm_cli.data.frequency.infer import first_in_file
from lstm_cli.data.frequency.step import ANY_DAY, Step, frequency_label, parse_freq
from lstm_cli.data.grid.duplicates import REFUSE, combine_duplicates, repeated_times
from lstm_cli.data.grid.incomplete_buckets import find_incomplete_buckets, incomplete_finding
from lstm_cli.data.grid.sorting import (
    SortedRows,
    find_disorder,
    in_series_text,
    location_formatter,
    sort_rows,
)
from lstm_cli.data.grid.time_range import time_range_mask
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.formats import MINUTE
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file
from lstm_cli.wording import count_noun

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
    origin_us: int | None = None,
) -> Table:
    """Return the table with one row for each bucket; without --resample, or without times, the table itself.

    Args:
        table: rows of the file.
        settings: settings of the grid.
        start: value of `--start`, about the rows of the file.
        end: value of `--end`.
        step: step of the run, for new data.
        origin_us: time of a bucket of the run, whose buckets new data continue; None without a run.

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
    rows = sort_rows(table)
    rows = rows.select(time_range_mask(table, rows.series, rows.times, start=start, end=end))
    findings = find_disorder(rows, table)
    if settings.duplicates != REFUSE or settings.resample == NEAREST:
        rows, combined = combine_duplicates(rows, table, settings.duplicates, from_run=from_run)
        findings += combined
    else:
        findings += _find_repeated_times(rows, table, settings.resample)
    if table.local_buckets:
        rows, table = _on_local_clock(rows, table)
    first_us = int(rows.times.min()) if origin_us is None else origin_us
    # Weeks written as days (7D) begin on the day of the first row, as in pandas. A bucket of the run has its weekday.
    in_days = origin_us is not None or re.fullmatch(r"\d+ *[Dd]", (settings.freq or "").strip()) is not None
    buckets = Buckets(
        step=step,
        offset_us=table.time_format.offset * MINUTE,
        first_us=first_us,
        from_monday=not in_days,
    )
    if settings.resample == NEAREST:
        return _rounded(rows, table, buckets, settings, findings)
    return _aggregated(rows, table, buckets, settings, findings)


def _on_local_clock(rows: SortedRows, table: Table) -> tuple[SortedRows, Table]:
    """Return rows and table with times on the local clock of --tz; the rows keep the order of their instants."""
    local = table.time_format.to_file_clock(table.times)
    time_format = replace(table.time_format, instants=False)
    table = replace(table, times=local, time_format=time_format, local_buckets=False)
    return replace(rows, time_keys=local), table


def _grouped(rows: SortedRows, keys: np.ndarray) -> tuple[SortedRows, np.ndarray]:
    """Return rows and keys [R] with rising keys in each series. Only a local clock that goes back moves rows."""
    if ((np.diff(keys) >= 0) | (np.diff(rows.series) != 0)).all():
        return rows, keys
    order = np.lexsort((keys, rows.series))
    return replace(rows, row_index=rows.table_rows(order)), keys[order]


def _find_repeated_times(rows: SortedRows, table: Table, aggregation: str) -> list[Finding]:
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
            f"aggregated by --resample {aggregation} ({advice}use --duplicates first to take one row of each time)",
            count=count,
            flags=flags,
        )
    ]


def _rounded(
    rows: SortedRows, table: Table, buckets: Buckets, settings: GridSettings, findings: list[Finding]
) -> Table:
    """Return the rows at the nearest times of the grid; of several rows at one time, the nearest one."""
    rows, times = _grouped(rows, buckets.nearest_times(rows.times))
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
        findings=[*findings, _counts_finding(table, buckets, chosen.series, times[kept], counts, settings)],
    )


def _aggregated(
    rows: SortedRows, table: Table, buckets: Buckets, settings: GridSettings, findings: list[Finding]
) -> Table:
    """Return one row for each bucket that holds rows."""
    rows, holding = _grouped(rows, buckets.containing(rows.times))
    starts = _first_of_each(rows.series, holding)
    oldest, newest = find_incomplete_buckets(rows, table, buckets, holding, starts)
    incomplete = np.union1d(oldest, newest)
    values = _aggregate(rows, starts, settings.resample)
    labels, series, lines = buckets.times(holding[starts]), rows.series[starts], rows.lines[starts]
    grid = frequency_label(buckets.step)
    counts = f"{count_noun(len(rows), 'row')} aggregated to {count_noun(len(starts), 'row')} of {grid}"
    if settings.resample == "sum" and table.categories:
        counts += ", categories as the share of their rows"
    counted = _counts_finding(table, buckets, series, labels, counts, settings)
    findings = [*findings, counted]
    if len(oldest):
        findings.append(incomplete_finding(rows, table, buckets, starts, oldest, first=True))
    if len(newest):
        findings.append(incomplete_finding(rows, table, buckets, starts, newest, first=False))
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


def _aggregate(rows: SortedRows, starts: np.ndarray, aggregation: str | None) -> np.ndarray:
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
        result = grouped.sum(min_count=1) if aggregation == "sum" else grouped.agg(aggregation)
        values[first:last] = result.to_numpy()
        if aggregation == "sum" and len(
            categories
        ):  # the share of rows, because a count of rows is no category
            values[first:last, categories] = grouped[categories.tolist()].mean().to_numpy()
        first = last
    return values


def _counts_finding(
    table: Table, buckets: Buckets, series: np.ndarray, times: np.ndarray, counts: str, settings: GridSettings
) -> Finding:
    """Return the finding with the counts of rows; series and times of the new rows are [B]."""
    steps = np.diff(buckets.containing(times))[np.diff(series) == 0]
    empty = int((steps - 1).sum())
    filled = " skipped" if settings.gaps == "skip" else " filled as set by --missing"
    empty_text = f", {count_noun(empty, 'empty bucket')}{filled if empty else ''}"
    return Finding.at(
        in_file(table.source),
        "D533",
        f"{counts}{empty_text} (--freq {buckets.step.name} --resample {settings.resample})",
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
