"""Data leakage: columns that reveal the target.

Such a column is a copy of the target, a linear map of it, or its value some steps later. Two columns hold the same
information if a straight line through their pairs leaves almost none of the variance. That must hold for the values and
for their changes from row to row, because any two trends look alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.grid.regular_grid import Grid
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.locations import CellLocation, quote_cell, quote_name
from lstm_cli.data.numbers.parse import read_numbers
from lstm_cli.data.quality.profile import ColumnProfile, FileProfile
from lstm_cli.data.reading.table import Table
from lstm_cli.errors import DataError
from lstm_cli.findings import NOTE, WARNING, Finding
from lstm_cli.wording import count_noun

TARGET = "--target"
MAX_ROWS = 10_000  # first rows of a series that are compared
MAX_SERIES = 5  # longest series of a panel that are compared
MIN_PAIRS = 30  # fewer pairs can match at random
IGNORED_SHARE = 0.01  # share of the pairs that is ignored, so that an outlier hides no leak
MAX_UNEXPLAINED_VALUES, MAX_UNEXPLAINED_CHANGES = (
    1e-3,
    1e-2,
)  # shares of the variance that a straight line may leave
COPY_TOLERANCE = 1e-9  # relative difference of a copy
MAX_COLUMNS = 200  # first unused columns that are compared with the target
MIN_LAG = 24  # steps ahead and back that are compared at least


@dataclass(frozen=True, kw_only=True)
class Leak:
    """Column that reveals a target `ahead` steps later (below 0: earlier)."""

    column: int
    target: int
    ahead: int
    unexplained: (
        float  # share of the target's variance that a straight line through the pairs does not explain
    )
    copy: bool  # the numbers are equal


def find_leaks(
    series: Sequence[np.ndarray], targets: Sequence[int], columns: Sequence[int], *, max_steps: int
) -> list[Leak]:
    """Return the columns that reveal a target, each once, for the target that it explains best.

    All series that vary must agree. Only the first `MAX_SERIES` series are compared.

    Args:
        series: for each series [T, F], NaN where not measured.
        targets: indices of the targets.
        columns: indices of the compared columns.
        max_steps: steps ahead and back.
    """
    compared = [np.asarray(rows[:MAX_ROWS], dtype=np.float64) for rows in series[:MAX_SERIES]]
    result = []
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers near 1e308
        for column in columns:
            leaks = (_leak(compared, column, target, max_steps) for target in targets if target != column)
            column_leaks = [leak for leak in leaks if leak is not None]
            if column_leaks:
                result.append(min(column_leaks, key=lambda leak: leak.unexplained))
    return result


def sample_of_series(counts: np.ndarray) -> list[int]:
    """Return the indices of the longest series, for `find_leaks`; counts: [S] rows of each series."""
    return [int(index) for index in np.argsort(-counts, kind="stable")[:MAX_SERIES]]


def _leak(series: Sequence[np.ndarray], column: int, target: int, max_steps: int) -> Leak | None:
    ahead = 0
    unexplained: list[float] = []
    copy = True
    for rows in series:
        column_values, future = rows[:, column], rows[:, target]
        if len(rows) < MIN_PAIRS:
            continue
        if not unexplained:
            ahead = _likely_lag(column_values, future, min(max_steps, len(rows) // 2))
        column_values, future = column_values[max(0, -ahead) :], future[max(0, ahead) :]
        column_values, future = column_values[: len(future)], future[: len(column_values)]
        shares = _unexplained_shares(column_values, future)
        if shares is None:  # too few pairs, or no variation
            continue
        if shares[0] > MAX_UNEXPLAINED_VALUES or shares[1] > MAX_UNEXPLAINED_CHANGES:
            return None
        unexplained.append(shares[0])
        differences = np.abs(column_values - future)
        differences, sizes = differences[~np.isnan(differences)], np.abs(future[~np.isnan(future)])
        copy &= bool(
            np.quantile(differences, 1 - IGNORED_SHARE)
            <= COPY_TOLERANCE * np.quantile(sizes, 1 - IGNORED_SHARE)
        )
    return (
        Leak(column=column, target=target, ahead=ahead, unexplained=max(unexplained), copy=copy)
        if unexplained
        else None
    )


def _likely_lag(column_values: np.ndarray, future: np.ndarray, max_steps: int) -> int:
    """Return the lag k within `max_steps` at which the changes of two columns [T] correlate best.

    The cross-correlation uses the Fourier transform. Of equal lags the smallest wins.
    """
    changes = [_scale_to_one(_clip_jumps(np.diff(cells))) for cells in (column_values, future)]
    size = 1 << (2 * len(column_values)).bit_length()
    first, second = (np.fft.rfft(change - change.mean(), size) for change in changes)
    correlations = np.abs(np.fft.irfft(np.conj(first) * second, size))
    lags = np.concatenate([np.arange(max_steps + 1), np.arange(-max_steps, 0)])
    strength = correlations[lags]
    near = lags[strength >= (1 - 1e-6) * strength.max()]
    return int(near[np.argmin(np.abs(near))])


def _clip_jumps(changes: np.ndarray) -> np.ndarray:
    """Return changes [n] clipped to the range of their middle 98 %, so that no single change decides."""
    known = changes[np.isfinite(changes)]
    if not len(known):
        return changes
    low, high = np.quantile(known, [IGNORED_SHARE, 1 - IGNORED_SHARE])
    return np.clip(changes, low, high) if low < high else changes


def _scale_to_one(cells: np.ndarray) -> np.ndarray:
    """Return cells [n] divided by the largest magnitude, so that no product overflows; missing cells become 0."""
    known = np.where(np.isfinite(cells), cells, 0.0)
    shares: np.ndarray = known / max(float(np.abs(known).max()), np.finfo(np.float64).tiny)
    return shares


def _unexplained_shares(column_values: np.ndarray, future: np.ndarray) -> tuple[float, float] | None:
    """Return the variance shares of `future` [n], and of its changes, that a line through the column does not explain.

    None means that too few pairs were measured, or that one of the two does not vary.
    """
    shares = []
    for x, y in ((column_values, future), (np.diff(column_values), np.diff(future))):
        pairs = ~np.isnan(x) & ~np.isnan(y)
        if pairs.sum() < MIN_PAIRS:
            return None
        share = _unexplained_share(*_drop_farthest_pairs(x[pairs], y[pairs]))
        if share is None:
            return None
        shares.append(share)
    return shares[0], shares[1]


def _unexplained_share(x: np.ndarray, y: np.ndarray) -> float | None:
    """Return the share of the variance of y [n] that a line through x does not explain; None if one does not vary."""
    x, y = (_scale_to_one(cells) for cells in (x, y))
    x, y = x - x.mean(), y - y.mean()
    power = float(x @ x) * float(y @ y)
    if not power > 0 or not np.isfinite(power):
        return None
    return max(0.0, 1 - float(x @ y) ** 2 / power)


def _drop_farthest_pairs(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs [n] without the share `IGNORED_SHARE` that is farthest from a line through the middle."""
    x, y = (_scale_to_one(cells) for cells in (one, other))
    x, y = x - np.median(x), y - np.median(y)
    spread = np.median(np.abs(x))
    if not spread > 0:
        return one, other
    outer = np.abs(x) >= spread  # the outer half gives a slope that single pairs cannot change
    residual = np.abs(y - float(np.median(y[outer] / x[outer])) * x)
    kept = residual <= np.quantile(residual, 1 - IGNORED_SHARE)
    return one[kept], other[kept]


def column_findings(
    profile: FileProfile, used: Sequence[str], *, readers: tuple[str, ...] = (TARGET, "--past", "--future")
) -> list[Finding]:
    """Return findings about unused columns that are empty, constant, or numeric with unreadable cells.

    Args:
        profile: profile of the file.
        used: columns with their own findings.
        readers: options that would read such a column.
    """
    findings = []
    for column in profile.columns:
        if column.name in used:
            continue
        location = profile.location(column.name)
        if column.reads_as == "empty" or column.constant is not None:
            findings.append(_useless_column_finding(column, location, profile.rows, readers))
        elif column.first_non_numeric is not None:
            findings.append(_non_numeric_finding(column, location, readers))
    return findings


def _useless_column_finding(
    column: ColumnProfile, location: CellLocation, rows: int, readers: tuple[str, ...]
) -> Finding:
    empty = column.constant is None
    flags = tuple(flag for flag in readers if flag != TARGET)  # a target has its own findings
    line = (column.first_missing if empty else column.first_measured) or 0
    description = (
        f"the column is empty ({count_noun(rows, 'missing value')}"
        if empty
        else f"the column is constant ({count_noun(rows - column.missing, 'value')}, all {quote_cell(column.constant)}"
    )
    return Finding.at(
        location.at(line),
        "D709" if empty else "D702",
        f"{description}; do not name it by {' or '.join(flags)})",
        kind="empty" if empty else "constant",
        severity=NOTE,
        count=rows if empty else rows - column.missing,
        flags=flags,
    )


def _non_numeric_finding(column: ColumnProfile, location: CellLocation, readers: tuple[str, ...]) -> Finding:
    """Return the finding about cells that keep a numeric column from being read, in the words of the reader."""
    assert column.first_non_numeric is not None
    *others, last = readers
    options = f"{', '.join(others)} or {last}" if others else last
    line, cell = column.first_non_numeric
    try:
        read_numbers([cell], np.array([line]), location, column.number_format)
        text = f"{location.at(line)}: {quote_cell(cell)} is not a number"
    except DataError as error:
        text = error.message
    return Finding(
        rule="D710",
        kind="no-number",
        severity=NOTE,
        text=f"{text}, {count_noun(column.non_numeric, 'such cell')} in a column of numbers (correct them before you "
        f"use it with {options})",
        source=location.source,
        column=column.name,
        lines=(line,),
        count=column.non_numeric,
        flags=readers,
    )


def leakage_in_unused_columns(
    profile: FileProfile, table: Table, grid: Grid, *, horizon: int, season: int
) -> list[Finding]:
    """Return findings about numeric columns that would reveal a target if they were used.

    Args:
        profile: profile of the file.
        table: rows of the file.
        grid: time grid of the table.
        horizon: steps.
        season: longest confirmed season in steps.
    """
    used_names = {*table.columns, *table.time_columns, *table.series_columns}
    columns = [item for item in profile.columns if item.values is not None and item.name not in used_names][
        :MAX_COLUMNS
    ]
    if not columns or not profile.whole or profile.rows != len(table.lines) or table.resampled:
        return []
    rows = GridLines(table, grid)
    series_rows = [_SeriesRows(rows, item) for item in sample_of_series(grid.counts)]
    targets = len(table.targets)
    findings = []
    for column in columns:
        assert column.values is not None
        series = [item.with_column(column.values, targets) for item in series_rows]
        for leak in find_leaks(series, range(targets), [targets], max_steps=max_lag(horizon, season)):
            findings.append(leakage_text(leak, rows, name=column.name, role="unused", horizon=horizon))
    return [item for item in findings if item is not None]


class _SeriesRows:
    """Rows of a series of the grid, and the matching rows of the file."""

    def __init__(self, rows: GridLines, series: int) -> None:
        self.targets = rows.values(series, MAX_ROWS)
        begin = int(rows.offset[series])
        table_rows = rows.table_rows(begin, begin + len(self.targets))
        self.grid_rows = np.flatnonzero(table_rows >= 0)
        self.file_rows = table_rows[self.grid_rows]

    def with_column(self, values: np.ndarray, targets: int) -> np.ndarray:
        """Return the targets and one column of the file on the grid: [n, targets + 1]."""
        combined = np.full((len(self.targets), targets + 1), np.nan)
        combined[:, :targets] = self.targets[:, :targets]
        known = self.file_rows < len(values)
        combined[self.grid_rows[known], targets] = values[self.file_rows[known]]
        return combined


def max_lag(horizon: int, season: int) -> int:
    """Return the number of steps ahead and back over which a column is compared with the target."""
    return max(horizon, season, MIN_LAG)


def leakage_text(leak: Leak, rows: GridLines, *, name: str, role: str, horizon: int) -> Finding | None:
    """Return the finding about a leak; None if the column may reveal the target in its role.

    A past covariate is not read after the origin, so only values after its row matter.

    Args:
        leak: leak of the column.
        rows: rows of the grid.
        name: name of the column.
        role: `past`, `future` or `unused`.
        horizon: steps.
    """
    line = rows.line(int(rows.offset[sample_of_series(rows.grid.counts)[0]]))
    target = quote_name(rows.table.targets[leak.target])
    relation = "equals" if leak.copy else "contains the same information (a straight line) as"
    steps = count_noun(abs(leak.ahead), "step")
    if leak.ahead > 0:
        description = f"{target} {steps} later" + (
            ", so it would leak the target" if role == "unused" else ""
        )
        advice = {"unused": "do not name it by --past or --future"}.get(role, f"leave it out of --{role}")
        flags: tuple[str, ...] = ("--past", "--future") if role == "unused" else (f"--{role}",)
    elif leak.ahead == 0:
        description = f"{target} of the same row, " + (
            "so it adds nothing" if role == "past" else "so as a known-ahead covariate it leaks the target"
        )
        advice = {"unused": "do not name it by --future"}.get(role, f"leave it out of --{role}")
        flags = ("--future",) if role == "unused" else (f"--{role}",)
    elif role == "future" and -leak.ahead < horizon:
        description = f"{target} {steps} before, which is unknown for some of the {horizon} steps ahead"
        advice = "use --past instead of --future, or shorten --horizon"
        flags = ("--past", "--future", "--horizon")
    else:
        return None
    is_warning = role == "future" or (role == "past" and leak.ahead > 0)
    return Finding.at(
        rows.location(name).at(line),
        "D706" if is_warning else "D708",
        f"{'data leakage: ' if is_warning else ''}from here on the column {relation} {description} ({advice})",
        kind="leak",
        severity=WARNING if is_warning else NOTE,
        flags=flags,
    )
