"""Handling of duplicate rows, as `--duplicates` says.

Identical rows are merged with a warning. Two values for one time are an error, or are combined with a warning.
Only columns with a role are read. So if a file has others, rows that seem identical may differ there, as the sales of
two customers do. Sums and means count each of them.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from lstm_cli.data.chunks import CHUNK_ROWS, series_starts
from lstm_cli.data.frequency.daylight_saving import is_ambiguous_hour
from lstm_cli.data.frequency.infer import first_in_file
from lstm_cli.data.grid.sorting import SortedRows, in_series_text, location_formatter
from lstm_cli.data.locations import quote_name
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.zone_offsets import zone_with_change
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding
from lstm_cli.wording import count_noun

REFUSE = "error"  # the default of --duplicates


def combine_duplicates(
    rows: SortedRows, table: Table, policy: str = REFUSE, *, from_run: bool = False
) -> tuple[SortedRows, list[Finding]]:
    """Return the rows with one row for each series and time, and the findings.

    Identical rows count once, except in sums and means of a file with unused columns. Of other rows at one time,
    `policy` combines the measured cells of each column.

    Args:
        rows: sorted rows.
        table: rows of the file.
        policy: value of `--duplicates`.
        from_run: the value is that of a run, so that the command has no option for it.

    Raises:
        DataError: for two values at one time, if `policy` is `error`.
    """
    repeats = repeated_times(rows)
    if not repeats.any():
        return rows, []
    if policy != REFUSE:
        return _combine(rows, table, repeats, policy)
    duplicates = np.flatnonzero(repeats)
    before, after = rows.values(duplicates - 1), rows.values(duplicates)
    differ = (before != after) & ~(np.isnan(before) & np.isnan(after))
    if differ.any():
        raise _duplicate_timestamp_error(rows, table, duplicates, differ, from_run=from_run)
    can_differ = bool(table.unused) and not from_run
    return rows.select(~repeats), [_identical_finding(rows, table, repeats, can_differ=can_differ)]


def repeated_times(rows: SortedRows) -> np.ndarray:
    """Return which rows [R] have the series and time of the row before."""
    times, series = rows.times, rows.series
    return np.append(False, (times[1:] == times[:-1]) & (series[1:] == series[:-1]))


def _combine(
    rows: SortedRows, table: Table, repeats: np.ndarray, policy: str
) -> tuple[SortedRows, list[Finding]]:
    """Return the rows and findings of `combine_duplicates`; repeats: [R] rows with the time of the row before."""
    begins = np.flatnonzero(~repeats)
    lengths = np.diff(np.append(begins, len(rows)))
    begins, lengths = begins[lengths > 1], lengths[lengths > 1]
    identical = np.zeros(len(rows), dtype=bool)
    several = np.zeros(len(rows), dtype=bool)  # first rows of the times with different values
    values = None
    count_all = bool(table.unused) and policy in ("mean", "sum")
    for part in _group_chunks(lengths):
        group = np.repeat(np.arange(len(lengths[part])), lengths[part])
        within = np.arange(len(group)) - np.repeat(np.cumsum(lengths[part]) - lengths[part], lengths[part])
        chosen = begins[part][group] + within
        cells = rows.values(chosen)
        same = np.zeros(len(cells), dtype=bool) if count_all else _equal_to_earlier(cells, group)
        identical[chosen] = same
        cells, group = cells[~same], group[~same]
        mixed = begins[part][np.bincount(group) > 1]
        if len(mixed):
            values = _writable(table.values) if values is None else values
            combined = combine_cells(cells, series_starts(group), policy)
            values[rows.table_rows(mixed)] = combined[np.bincount(group) > 1]
            several[mixed] = True
    findings = []
    if identical.any():
        findings.append(_identical_finding(rows, table, identical, can_differ=False))
    if values is not None:
        findings.append(_combined_finding(rows, table, several, policy))
        rows = replace(rows, table=replace(table, values=values))
    return rows.select(~repeats), findings


def _group_chunks(lengths: np.ndarray) -> Iterator[slice]:
    """Yield slices of groups with about `CHUNK_ROWS` rows; lengths: [G] rows of each group."""
    chunk = np.cumsum(lengths) // CHUNK_ROWS
    edges = np.append(series_starts(chunk), len(lengths)).tolist()
    for begin, end in pairwise(edges):
        yield slice(begin, end)


def _equal_to_earlier(cells: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return which rows [n] equal an earlier row of their group; cells: [n, F], group: [n] rising."""
    keys = np.where(
        np.isnan(cells), np.inf, cells
    )  # data are finite, so infinity is a key for missing values
    order = np.lexsort((*keys.T, group))  # stable: equal rows stay in file order
    keys, ordered = keys[order], group[order]
    equal = np.zeros(len(group), dtype=bool)
    equal[order[1:]] = (ordered[1:] == ordered[:-1]) & (keys[1:] == keys[:-1]).all(axis=1)
    return equal


def combine_cells(cells: np.ndarray, starts: np.ndarray, policy: str) -> np.ndarray:
    """Return one row for each group [G, F]: the mean, sum, first or last of its measured cells; NaN without any.

    Args:
        cells: [n, F] rows of all groups.
        starts: [G] first row of each group.
        policy: mean, sum, first or last.
    """
    measured = ~np.isnan(cells)
    count = np.add.reduceat(measured, starts, axis=0, dtype=np.int64)
    position = np.arange(len(cells))[:, None]
    if policy == "first":
        chosen = np.minimum.reduceat(np.where(measured, position, len(cells) - 1), starts, axis=0)
    elif policy == "last":
        chosen = np.maximum.reduceat(np.where(measured, position, 0), starts, axis=0)
    else:
        total = np.add.reduceat(np.where(measured, cells, 0.0), starts, axis=0)
        total = total / np.maximum(count, 1) if policy == "mean" else total
        return np.where(count > 0, total, np.nan)
    return np.where(count > 0, np.take_along_axis(cells, chosen, axis=0), np.nan)


def _writable(values: np.ndarray) -> np.ndarray:
    """Return a copy of the table's values. That of a memory map takes memory only for the pages that are written."""
    if isinstance(values, np.memmap) and values.filename is not None:
        return np.memmap(values.filename, dtype=values.dtype, mode="c", shape=values.shape)
    return values.copy()


def _identical_finding(
    rows: SortedRows, table: Table, duplicates: np.ndarray, *, can_differ: bool
) -> Finding:
    """Return the finding about identical rows.

    Args:
        rows: sorted rows.
        table: rows of the file.
        duplicates: [R] rows that equal an earlier one.
        can_differ: the rows can differ in unused columns.
    """
    row = first_in_file(rows.lines, duplicates)
    same_time = np.flatnonzero(
        (rows.times[:row] == rows.times[row]) & (rows.series[:row] == rows.series[row])
    )
    equals = rows.values(same_time)
    same = (equals == rows.values(row)) | (np.isnan(equals) & np.isnan(rows.values(row)))
    first = int(same_time[same.all(axis=1)][-1])
    formatter = location_formatter(table)
    repair = "The first of each is kept"
    advice = [] if table.series_name is not None else ["--series if a column names several series"]
    advice += ["--duplicates sum to count each of them"] if can_differ else []
    if advice:
        repair += f" (use {', or '.join(advice)})"
    ambiguous = rows.times[duplicates][is_ambiguous_hour(rows.times[duplicates], table.time_format)]
    if len(ambiguous):
        zone = zone_with_change(int(ambiguous[0]), repeated=True)
        remedy = f"name your zone (--tz {zone})" if zone else "write the times with offsets"
        repair += f". If this is the repeated daylight-saving hour in autumn, {remedy}"
    count = int(duplicates.sum())
    equal = "equal in the columns used" if can_differ else "equal"
    return Finding.at(
        formatter.at(rows.lines[row]),
        "D522",
        f"{count_noun(count, 'duplicate row')}, the first {equal} to {formatter.row(rows.lines[first])}"
        f"{in_series_text(table, rows.series[row])}, {formatter.time(rows.times[row])}. {repair}",
        lines=[*formatter.at(rows.lines[row]).lines, *formatter.at(rows.lines[first]).lines],
        count=count,
        flags=tuple(words.split()[0] for words in advice),
    )


def _combined_finding(rows: SortedRows, table: Table, several: np.ndarray, policy: str) -> Finding:
    """Return the finding about combined rows; several: [R] first rows of the times with different values."""
    row = first_in_file(rows.lines, several)
    formatter = location_formatter(table)
    count = int(several.sum())
    values = "" if table.unused else " with different values"
    return Finding.at(
        formatter.at(rows.lines[row]),
        "D532",
        f"{count_noun(count, 'duplicate timestamp')}{values}, the first here"
        f"{in_series_text(table, rows.series[row])}, {formatter.time(rows.times[row])}. "
        f"The {policy} of the measured values is used (--duplicates {policy})",
        count=count,
        flags=("--duplicates", "--series"),
    )


def _duplicate_timestamp_error(
    rows: SortedRows, table: Table, repeats: np.ndarray, differ: np.ndarray, *, from_run: bool
) -> DataError:
    """Return the error for two values at one time. repeats: [D] rows that repeat a time; differ: [D, F]."""
    index = first_in_file(rows.lines[repeats], np.asarray(differ.any(axis=1)))
    row = repeats[index]
    column = int(np.argmax(differ[index]))
    first_value, second_value = (
        "a missing value" if np.isnan(v) else f"{v:.15g}"
        for v in rows.values(np.array([row - 1, row]))[:, column]
    )
    formatter = location_formatter(table)
    again = "repeat --series if several columns name a series" if table.series_columns else ""
    combine = "--duplicates mean (or first, last, sum) to combine the rows of one time"
    hint = table.series_hint or again or "use --series if a column names several series"
    hint = f"{hint}, or use {combine}"
    if is_ambiguous_hour(rows.times[row : row + 1], table.time_format)[0]:
        zone = zone_with_change(int(rows.times[row]), repeated=True)
        if zone:
            reason = "this looks like the repeated daylight-saving hour"
            hint = f"name your time zone, e.g. --tz {zone} ({reason}), or {hint}"
    if from_run:  # predict has none of these options
        hint = "correct the new data, or run prepare again with --duplicates mean (or first, last, sum)"
    return DataError(
        f"duplicate timestamp {formatter.time(rows.times[row])}{in_series_text(table, rows.series[row])} with two "
        f"values of {quote_name(table.columns[column])}: {first_value} and {second_value}",
        hint=hint,
        rule="D523",
        flags=() if from_run else ("--series", "--duplicates", "--tz"),
        at=replace(formatter.two_rows(rows.lines[row - 1], rows.lines[row]), column=table.columns[column]),
    )
