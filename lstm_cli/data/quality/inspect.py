"""What the chosen columns hold that a person should know before a model learns from them.

`check` tells all of it, `prepare` what is more than a note.
"""

from collections.abc import Sequence

import numpy as np

from lstm_cli.data.grid.regular_grid import Grid
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.grid.sorting import in_series_text, location_formatter
from lstm_cli.data.locations import MAX_NAMES, quote_names
from lstm_cli.data.quality.gaps import find_gaps
from lstm_cli.data.quality.leakage import MAX_ROWS, find_leaks, leakage_text, max_lag, sample_of_series
from lstm_cli.data.quality.outliers import Outliers, find_outliers
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.daylight_saving import skipped_hours
from lstm_cli.findings import LINES, NOTE, WARNING, Finding
from lstm_cli.text import count_noun

SINGLE_VALUE_RULES = ("D313", "D314", "D315")  # rules about one value that stands out
MAX_LINES = 3  # lines that the sentence on outliers names beside the first
DROP_ADVICE = "--outliers drop empties those before the test rows; --scaler robust gives them less weight"
REMAINING_ADVICE = "--outliers drop leaves test rows, and judges no row by later splits; --scaler robust gives them less weight"


def inspect_table(
    table: Table,
    grid: Grid,
    *,
    outliers: Sequence[Outliers],
    season: int,
    horizon: int,
    reader_findings: Sequence[Finding],
    start: str | None = None,
    end: str | None = None,
    dropped: bool = False,
) -> list[Finding]:
    """All findings about the chosen columns of a table.

    grid: the table's, as it was laid; outliers: those of `target_outliers`; season: the longest confirmed one;
    read: findings of the reader; an outlier is no news where one names its line. dropped: the grid has lost
    its outliers to --outliers drop, and these are left.
    """
    rows = GridLines(table, grid)
    known = {
        line for finding in reader_findings if finding.rule in SINGLE_VALUE_RULES for line in finding.lines
    }
    advice = REMAINING_ADVICE if dropped else DROP_ADVICE
    slips = [_outlier_finding(rows, one, advice) for one in outliers]
    return [
        *_constant_findings(rows),
        *_daylight_saving_findings(rows, start, end),
        *(one for one in slips if one.count > len(one.lines) or not known.issuperset(one.lines)),
        *_leakage_findings(rows, horizon, season),
    ]


def target_outliers(table: Table, grid: Grid, seasons: Sequence[int]) -> list[Outliers]:
    """Outliers of the targets. A covariate may well jump: a promotion does."""
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers near 1e308
        return find_outliers(GridLines(table, grid), len(table.targets), seasons)


def _constant_findings(rows: GridLines) -> list[Finding]:
    """Columns of one value; and where a target is not, the series of a panel in which it is."""
    table = rows.table
    constant = _constant_columns(rows)
    found = [_constant_column_finding(rows, column, value) for column, value in constant.items()]
    if len(rows.grid.names) > 1:
        flat = _constant_series_mask(rows, len(table.targets))
        for column, name in enumerate(table.targets):
            if column not in constant and flat[:, column].any():
                found.append(_constant_series_finding(rows, name, np.flatnonzero(flat[:, column])))
    return [one for one in found if one is not None]


def _constant_columns(rows: GridLines) -> dict[int, float]:
    """The columns of one value. Nearly always the first block shows that there is none."""
    values = dict.fromkeys(range(len(rows.table.columns)), np.nan)
    for first, series, usable in rows.chunks():
        block = rows.values_between(first, first + len(series))
        for column, value in list(values.items()):
            known = block[:, column][usable & ~np.isnan(block[:, column])]
            if len(known):
                values[column] = float(known[0]) if np.isnan(value) else value
                if (known != values[column]).any():
                    del values[column]
        if not values:
            break
    return {column: value for column, value in values.items() if not np.isnan(value)}


def _constant_series_mask(rows: GridLines, columns: int) -> np.ndarray:
    """In which series [S] the first columns have one value only, told more than once: [S, columns]."""
    shape = (len(rows.grid.names), columns)
    least, greatest, measured = (
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        np.zeros(shape, dtype=np.int64),
    )
    for first, series, usable in rows.chunks():
        cells = np.where(
            usable[:, None], rows.values_between(first, first + len(series))[:, :columns], np.nan
        )
        firsts = np.flatnonzero(np.diff(series, prepend=-1))
        which = series[firsts]
        least[which] = np.fmin(least[which], np.fmin.reduceat(cells, firsts, axis=0))
        greatest[which] = np.fmax(greatest[which], np.fmax.reduceat(cells, firsts, axis=0))
        measured[which] += np.add.reduceat(~np.isnan(cells), firsts, axis=0, dtype=np.int64)
    flat: np.ndarray = (least == greatest) & (measured > 1)
    return flat


def _constant_column_finding(rows: GridLines, index: int, value: float) -> Finding | None:
    """None for a column that has its one value once."""
    table = rows.table
    name, count, line = table.columns[index], 0, 0
    for one in range(len(rows.grid.names)):
        known = ~np.isnan(rows.cells(one, index))
        if known.any() and not count:
            line = rows.line(int(rows.offset[one] + np.argmax(known)))
        count += int(known.sum())
    if count < 2:
        return None
    role = "target" if name in table.targets else "past" if name in table.past else "future"
    advice = "--target names another column" if role == "target" else f"leave it out of --{role}"
    return Finding.at(
        rows.location(name).at(line),
        "D701" if role == "target" else "D702",
        f"all {count:,} values are {value:.15g}, so it tells nothing ({advice})",
        kind="constant",
        severity=WARNING if role == "target" else NOTE,
        count=count,
        flags=(f"--{role}",),
    )


def _constant_series_finding(rows: GridLines, name: str, flat: np.ndarray) -> Finding:
    names = rows.grid.names
    line = min(rows.line(int(rows.offset[one])) for one in flat[:MAX_NAMES])
    return Finding.at(
        rows.location(name).at(line),
        "D703",
        f"{len(flat):,} of {len(names):,} series hold one value only: {quote_names([names[one] for one in flat])} "
        "(no flag: leave them out of the file, or let them be)",
        kind="constant-series",
        severity=NOTE,
        count=len(flat),
    )


def _daylight_saving_findings(rows: GridLines, start: str | None, end: str | None) -> list[Finding]:
    table, grid = rows.table, rows.grid
    if not (grid.counts != grid.rows_read).any() or table.time_name is None or table.time_format.has_offset:
        return []
    gaps = find_gaps(table, grid.step, start=start, end=end)
    spring = np.flatnonzero(skipped_hours(gaps.first_us, gaps.rows, grid.step, table.time_format))
    if not len(spring):
        return []
    wording = location_formatter(table)
    order = spring[np.argsort(gaps.before[spring], kind="stable")]
    first = order[0]
    return [
        Finding.at(
            wording.at(gaps.before[first]),
            "D704",
            f"no row follows for {wording.time(gaps.first_us[first])}"
            f"{in_series_text(table, gaps.series[first])}, an hour that local clocks skip in spring, "
            f"{count_noun(len(spring), 'such hour')}; write the times with offsets such as +01:00, since in autumn "
            "an hour is told twice (--time names another column, --missing decides the filling)",
            kind="daylight-saving",
            column=table.time_name,
            lines=gaps.before[order][:LINES].tolist(),
            count=len(spring),
            flags=("--time", "--missing"),
        )
    ]


def _outlier_finding(rows: GridLines, found: Outliers, advice: str) -> Finding:
    name = rows.table.columns[found.column]
    pairs = zip(found.rows[:LINES].tolist(), found.values[:LINES].tolist(), strict=True)
    told = sorted((rows.line(row), value) for row, value in pairs)
    lines = tuple(line for line, _ in told)
    others = ", ".join(map(str, lines[1 : 1 + MAX_LINES]))
    also = f", also in {location_formatter(rows.table).unit}s {others}" if others else ""
    more = " and more" if len(found.rows) > 1 + MAX_LINES else ""
    stands = "what stands a season before and after" if found.season > 1 else "the values before and after"
    return Finding.at(
        rows.location(name).at(lines[0]),
        "D705",
        f"{told[0][1]:.15g} is far from {stands}, {count_noun(len(found.rows), 'such value')}{also}{more} ({advice})",
        kind="outliers",
        lines=lines,
        count=len(found.rows),
        flags=("--outliers", "--scaler"),
    )


def _leakage_findings(rows: GridLines, horizon: int, season: int) -> list[Finding]:
    """What the covariates give away."""
    table = rows.table
    targets = len(table.targets)
    series = [rows.values(one, MAX_ROWS) for one in sample_of_series(rows.grid.counts)]
    others = range(targets, len(table.columns))
    leaks = find_leaks(series, range(targets), others, max_steps=max_lag(horizon, season)) if others else []
    told = []
    for leak in leaks:
        name = table.columns[leak.column]
        role = "past" if name in table.past else "future"
        told.append(leakage_text(leak, rows, name=name, role=role, horizon=horizon))
    return [one for one in told if one is not None]
