"""Data leakage: columns that give the target away.

Such a column is a copy of the target, of a linear map of it, or of what it will be some steps later. Two columns hold
the same information if a straight line through their pairs leaves almost none of the variance. That must hold for the
values and for their changes from row to row, because any two trends look alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.grid.regular_grid import Grid
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.locations import CellLocation, quote_cell, quote_name
from lstm_cli.data.quality.profile import ColumnProfile, FileProfile
from lstm_cli.data.reading.numbers import read_numbers
from lstm_cli.data.reading.table import Table
from lstm_cli.errors import DataError
from lstm_cli.findings import NOTE, WARNING, Finding
from lstm_cli.text import count_noun

MAX_ROWS = 10_000  # first rows of a series that are looked at
MAX_SERIES = 5  # of a panel, the longest ones
MIN_PAIRS = 30  # rows below which columns are alike by chance
IGNORED_SHARE = 0.01  # share of the pairs that may be anything: a slip in one of two columns hides nothing
MAX_UNEXPLAINED_VALUES, MAX_UNEXPLAINED_CHANGES = (
    1e-3,
    1e-2,
)  # shares of the variance that a straight line may leave
COPY_TOLERANCE = 1e-9  # the same of a copy
MAX_COLUMNS = 200  # first such columns that are held against the target
MIN_LAG = 24  # steps ahead that a column is held against the target, at least


@dataclass(frozen=True, kw_only=True)
class Leak:
    """A column that says what a target is, `ahead` steps later (below 0: was, so many steps before)."""

    column: int
    target: int
    ahead: int
    unexplained: float  # share of the target's variance that a straight line through the pairs leaves
    copy: bool  # the very same numbers


def find_leaks(
    series: Sequence[np.ndarray], targets: Sequence[int], columns: Sequence[int], *, max_steps: int
) -> list[Leak]:
    """Which of the `columns` tell which of the `targets`, at most `reach` steps ahead or back.

    series: [T, F] each, with NaN where not measured; the first `SERIES` of them are looked at. A column is told
    once, for the target that it tells best. All series that vary must agree.
    """
    looked = [np.asarray(rows[:MAX_ROWS], dtype=np.float64) for rows in series[:MAX_SERIES]]
    found = []
    with np.errstate(over="ignore", invalid="ignore"):  # numbers near 1e308 tell nothing
        for column in columns:
            leaks = (_leak(looked, column, target, max_steps) for target in targets if target != column)
            told = [leak for leak in leaks if leak is not None]
            if told:
                found.append(min(told, key=lambda leak: leak.unexplained))
    return found


def sample_of_series(counts: np.ndarray) -> list[int]:
    """The series [S] that `find_leaks` is to be given, of so many rows each."""
    return [int(one) for one in np.argsort(-counts, kind="stable")[:MAX_SERIES]]


def _leak(series: Sequence[np.ndarray], column: int, target: int, max_steps: int) -> Leak | None:
    ahead = 0
    left: list[float] = []
    copy = True
    for rows in series:
        told, future = rows[:, column], rows[:, target]
        if len(rows) < MIN_PAIRS:
            continue
        if not left:
            ahead = _likely_lag(told, future, min(max_steps, len(rows) // 2))
        told, future = told[max(0, -ahead) :], future[max(0, ahead) :]
        told, future = told[: len(future)], future[: len(told)]
        rest = _unexplained_shares(told, future)
        if rest is None:  # this series says nothing
            continue
        if rest[0] > MAX_UNEXPLAINED_VALUES or rest[1] > MAX_UNEXPLAINED_CHANGES:
            return None
        left.append(rest[0])
        apart = np.abs(told - future)
        apart, sizes = apart[~np.isnan(apart)], np.abs(future[~np.isnan(future)])
        copy &= bool(
            np.quantile(apart, 1 - IGNORED_SHARE) <= COPY_TOLERANCE * np.quantile(sizes, 1 - IGNORED_SHARE)
        )
    return Leak(column=column, target=target, ahead=ahead, unexplained=max(left), copy=copy) if left else None


def _likely_lag(told: np.ndarray, future: np.ndarray, max_steps: int) -> int:
    """The k within `reach` at which changes of one column [T] and those k rows later of the other go together best.

    By their cross-correlation, through the Fourier transform; of equal ones the least.
    """
    changes = [_scale_to_one(_clip_jumps(np.diff(cells))) for cells in (told, future)]
    size = 1 << (2 * len(told)).bit_length()
    first, second = (np.fft.rfft(one - one.mean(), size) for one in changes)
    together = np.abs(np.fft.irfft(np.conj(first) * second, size))
    lags = np.concatenate([np.arange(max_steps + 1), np.arange(-max_steps, 0)])
    strength = together[lags]
    near = lags[strength >= (1 - 1e-6) * strength.max()]
    return int(near[np.argmin(np.abs(near))])


def _clip_jumps(changes: np.ndarray) -> np.ndarray:
    """Changes [n] cut to what 98 % of them lie within, so that no single one decides."""
    known = changes[np.isfinite(changes)]
    if not len(known):
        return changes
    low, high = np.quantile(known, [IGNORED_SHARE, 1 - IGNORED_SHARE])
    return np.clip(changes, low, high) if low < high else changes


def _scale_to_one(cells: np.ndarray) -> np.ndarray:
    """Cells [n] as shares of the largest, so that no product overflows; 0 where there is none."""
    known = np.where(np.isfinite(cells), cells, 0.0)
    shares: np.ndarray = known / max(float(np.abs(known).max()), np.finfo(np.float64).tiny)
    return shares


def _unexplained_shares(told: np.ndarray, future: np.ndarray) -> tuple[float, float] | None:
    """The shares of the variance of `future` [n], and of its changes, that a straight line through `told` leaves.

    None where too few pairs were measured, or one of the two does not vary.
    """
    shares = []
    for one, other in ((told, future), (np.diff(told), np.diff(future))):
        pairs = ~np.isnan(one) & ~np.isnan(other)
        if pairs.sum() < MIN_PAIRS:
            return None
        share = _unexplained_share(*_drop_farthest_pairs(one[pairs], other[pairs]))
        if share is None:
            return None
        shares.append(share)
    return shares[0], shares[1]


def _unexplained_share(one: np.ndarray, other: np.ndarray) -> float | None:
    """The share of the variance of `other` [n] that a straight line through `one` leaves; None: one does not vary."""
    one, other = (_scale_to_one(cells) for cells in (one, other))
    one, other = one - one.mean(), other - other.mean()
    power = float(one @ one) * float(other @ other)
    if not power > 0 or not np.isfinite(power):
        return None
    return max(0.0, 1 - float(one @ other) ** 2 / power)


def _drop_farthest_pairs(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs [n] but for the share `SLIPS` of them that lies farthest from a straight line through the middle."""
    x, y = (_scale_to_one(cells) for cells in (one, other))
    x, y = x - np.median(x), y - np.median(y)
    spread = np.median(np.abs(x))
    if not spread > 0:
        return one, other
    near = np.abs(x) >= spread  # the outer half tells the slope, whatever single pairs do
    rest = np.abs(y - float(np.median(y[near] / x[near])) * x)
    kept = rest <= np.quantile(rest, 1 - IGNORED_SHARE)
    return one[kept], other[kept]


def column_findings(profile: FileProfile, used: Sequence[str]) -> list[Finding]:
    """What columns hold that make them useless or that keep them from being read, but for those in use."""
    found = []
    for column in profile.columns:
        if column.name in used:
            continue
        place = profile.location(column.name)
        if column.reads_as == "empty" or column.constant is not None:
            found.append(_useless_column_finding(column, place, profile.rows))
        elif column.first_non_numeric is not None:
            found.append(_non_numeric_finding(column, place))
    return found


def _useless_column_finding(column: ColumnProfile, place: CellLocation, rows: int) -> Finding:
    empty = column.constant is None
    line = (column.first_missing if empty else column.first_measured) or 0
    what = (
        f"none of the {rows:,} cells has a value"
        if empty
        else f"every value is {quote_cell(column.constant)}"
    )
    return Finding.at(
        place.at(line),
        "D709" if empty else "D702",
        f"{what}, so it tells nothing (name it neither by --past nor by --future)",
        kind="empty" if empty else "constant",
        severity=NOTE,
        count=rows if empty else rows - column.missing,
        flags=("--past", "--future"),
    )


def _non_numeric_finding(column: ColumnProfile, place: CellLocation) -> Finding:
    """Cells that keep a column of numbers from being read, as the reader would say it."""
    assert column.first_non_numeric is not None
    line, cell = column.first_non_numeric
    try:
        read_numbers([cell], np.array([line]), place)
        text = f"{place.at(line)}: {quote_cell(cell)} is not a plain number"
    except DataError as error:
        text = error.message
    return Finding(
        rule="D710",
        kind="no-number",
        severity=NOTE,
        text=f"{text}, {count_noun(column.non_numeric, 'such cell')} in a column of numbers (--target, --past and --future "
        "refuse it until it is mended)",
        source=place.source,
        column=column.name,
        lines=(line,),
        count=column.non_numeric,
        flags=("--target", "--past", "--future"),
    )


def leakage_in_unused_columns(
    profile: FileProfile, table: Table, grid: Grid, *, horizon: int, season: int
) -> list[Finding]:
    """Columns of numbers that would give a target away, were they named."""
    taken = {*table.columns, table.time_name, table.series_name}
    columns = [one for one in profile.columns if one.values is not None and one.name not in taken][
        :MAX_COLUMNS
    ]
    if not columns or not profile.whole or profile.rows != len(table.lines):
        return []
    rows = GridLines(table, grid)
    laid = [_SeriesRows(rows, one) for one in sample_of_series(grid.counts)]
    targets = len(table.targets)
    told = []
    for column in columns:
        assert column.values is not None
        series = [one.with_column(column.values, targets) for one in laid]
        for leak in find_leaks(series, range(targets), [targets], max_steps=max_lag(horizon, season)):
            told.append(leakage_text(leak, rows, name=column.name, role="unread", horizon=horizon))
    return [one for one in told if one is not None]


class _SeriesRows:
    """A series of the grid, and where the file's rows stand in it."""

    def __init__(self, rows: GridLines, one: int) -> None:
        self.targets = rows.values(one, MAX_ROWS)
        begin = int(rows.offset[one])
        in_table = rows.table_rows(begin, begin + len(self.targets))
        self.grid_rows = np.flatnonzero(in_table >= 0)
        self.file_rows = in_table[self.grid_rows]

    def with_column(self, values: np.ndarray, targets: int) -> np.ndarray:
        """[n, targets + 1]: the targets, and a column of the file's first rows laid beside them."""
        laid = np.full((len(self.targets), targets + 1), np.nan)
        laid[:, :targets] = self.targets[:, :targets]
        known = self.file_rows < len(values)
        laid[self.grid_rows[known], targets] = values[self.file_rows[known]]
        return laid


def max_lag(horizon: int, season: int) -> int:
    """How many steps ahead and back a column is held against the target."""
    return max(horizon, season, MIN_LAG)


def leakage_text(leak: Leak, rows: GridLines, *, name: str, role: str, horizon: int) -> Finding | None:
    """A leak of the column `name`; None where it may be known in its role: "past", "future" or "unread".

    A past covariate is not read after the origin, so only what lies ahead of it gives something away.
    """
    line = rows.line(int(rows.offset[sample_of_series(rows.grid.counts)[0]]))
    target = quote_name(rows.table.targets[leak.target])
    alike = "is" if leak.copy else f"tells, but for {100 * leak.unexplained:.1g} % of its variance,"
    steps = count_noun(abs(leak.ahead), "step")
    if leak.ahead > 0:
        what = f"what {target} will be {steps} later, so that it gives the target away"
        advice = {"unread": "name it neither by --past nor by --future"}.get(
            role, f"leave it out of --{role}"
        )
        flags: tuple[str, ...] = ("--past", "--future") if role == "unread" else (f"--{role}",)
    elif leak.ahead == 0:
        what = f"{target} of the same row, " + (
            "and adds nothing" if role == "past" else "so that as known ahead it gives the target away"
        )
        advice = {"unread": "do not name it by --future"}.get(role, f"leave it out of --{role}")
        flags = ("--future",) if role == "unread" else (f"--{role}",)
    elif role == "future" and -leak.ahead < horizon:
        what = f"what {target} was {steps} before, which is not known for all of {horizon} steps ahead"
        advice = "name it by --past instead of --future, or shorten --horizon"
        flags = ("--past", "--future", "--horizon")
    else:
        return None
    grave = role == "future" or (role == "past" and leak.ahead > 0)
    return Finding.at(
        rows.location(name).at(line),
        "D706" if grave else "D708",
        f"from here on it {alike} {what} ({advice})",
        kind="leak",
        severity=WARNING if grave else NOTE,
        flags=flags,
    )
