"""First and last buckets of `--resample` that lack rows, because the file begins or ends within them."""

from itertools import pairwise

import numpy as np

from lstm_cli.data.chunks import series_starts
from lstm_cli.data.frequency.buckets import Buckets
from lstm_cli.data.grid.sorting import SortedRows, in_series_text, location_formatter
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.formats import DAY
from lstm_cli.findings import Finding
from lstm_cli.wording import count_noun

RARELY = 0.9  # share of the buckets that begin earlier than an incomplete first one


def find_incomplete_buckets(
    rows: SortedRows, table: Table, buckets: Buckets, holding: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the oldest and the newest bucket of each series if it is incomplete, as indices into `starts` [B].

    Only rows with a measured target decide.

    Args:
        rows: sorted rows.
        table: rows of the file.
        buckets: buckets of --resample.
        holding: [R] bucket of each row.
        starts: [B] first row of each bucket.
    """
    measured = rows.measured(0, len(table.targets))
    times, begins = rows.times, series_starts(rows.series)
    oldest, newest = [], []
    for begin, end in pairwise([*begins.tolist(), len(rows)]):
        positions = begin + np.flatnonzero(measured[begin:end])
        distances = np.diff(times[positions])
        distances = distances[distances > 0]
        if not len(distances):
            continue
        usual, ends = float(np.median(distances)), positions[[0, -1]]
        first, last = (np.searchsorted(starts, ends, "right") - 1).tolist()
        if _lacks_first_rows(buckets, times[positions], holding[positions], usual):
            oldest.append(first)
        if _lacks_last_rows(buckets, times[positions], holding[positions], usual):
            newest.append(last)
    return np.array(oldest, dtype=np.int64), np.array(newest, dtype=np.int64)


def _lacks_first_rows(buckets: Buckets, times: np.ndarray, holding: np.ndarray, usual: float) -> bool:
    """Return whether the first bucket of one series lacks earlier rows; times and holding buckets are [n].

    It does if a row is expected before its first one, and other buckets rarely begin as late. usual: usual distance.
    """
    start = int(buckets.starts(holding[0]))
    expected = int(times[0] - usual)
    weekday = (expected // DAY + 3) % 7
    if _has_weekends_off(times) and weekday >= 5:
        expected -= (weekday - 4) * DAY  # no rows on weekends: the row before is that of Friday
    later = np.flatnonzero(np.diff(holding) > 0) + 1
    late = times[later] - buckets.starts(holding[later])
    return expected >= start and (not len(late) or times[0] - start > np.quantile(late, RARELY))


def _lacks_last_rows(buckets: Buckets, times: np.ndarray, holding: np.ndarray, usual: float) -> bool:
    """Return whether the last bucket of one series lacks later rows; times and holding buckets are [n].

    It does unless the next row is expected after its end, or its newest row is as near to the end as in other buckets.
    usual: usual distance.
    """
    end = int(buckets.ends(holding[-1]))
    expected = int(times[-1] + usual)
    weekday = (expected // DAY + 3) % 7
    if _has_weekends_off(times) and weekday >= 5:
        expected = (expected // DAY + 7 - weekday) * DAY  # no rows on weekends: Monday is next
    newest = np.flatnonzero(np.diff(holding) > 0)
    left = buckets.ends(holding[newest]) - times[newest]
    return expected < end and (not len(left) or end - times[-1] > np.median(left))


def _has_weekends_off(times: np.ndarray) -> bool:
    """Return whether rows [n] pass a weekend and none is on one."""
    weeks, weekday = np.divmod(times // DAY + 3, 7)
    return bool((weekday < 5).all() and weeks[0] < weeks[-1])


def incomplete_finding(
    rows: SortedRows,
    table: Table,
    buckets: Buckets,
    starts: np.ndarray,
    incomplete: np.ndarray,
    *,
    first: bool,
) -> Finding:
    """Return the finding about incomplete first or last buckets.

    Args:
        rows: sorted rows.
        table: rows of the file.
        buckets: buckets of --resample.
        starts: [B] first row of each bucket.
        incomplete: indices into `starts`.
        first: first buckets; False: last ones.
    """
    formatter = location_formatter(table)
    index = int(incomplete[np.argmin(rows.lines[starts[incomplete]])])
    row = int(starts[index])
    bucket = buckets.containing(rows.times[row])
    label, begin, end = (int(edge(bucket)) for edge in (buckets.times, buckets.starts, buckets.ends))
    series = f" of {count_noun(len(incomplete), 'series', 'series')}" if len(incomplete) > 1 else ""
    complete = f"from {formatter.time(begin)} on" if first else f"up to {formatter.time(end)}"
    return Finding.at(
        formatter.at(rows.lines[row]),
        "D539" if first else "D534",
        f"the {'first' if first else 'last'} bucket{series or in_series_text(table, rows.series[row])} is incomplete, "
        f"so it is left out{', the first' if series else ''}: {formatter.time(label)} "
        f"(no option for this; rows {complete} complete it)",
        count=len(incomplete),
        flags=("--freq",),
    )
