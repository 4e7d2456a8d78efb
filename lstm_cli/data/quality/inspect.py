"""Findings about the chosen columns that matter before training.

`check` reports all findings, `prepare` only those above a note.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lstm_cli.data.dataset.dataset import Schema
from lstm_cli.data.frequency.daylight_saving import skipped_hours
from lstm_cli.data.grid.regular_grid import Grid
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.grid.sorting import in_series_text, location_formatter
from lstm_cli.data.locations import MAX_NAMES, quote_names
from lstm_cli.data.quality.gaps import find_gaps
from lstm_cli.data.quality.intermittent import find_intermittent
from lstm_cli.data.quality.leakage import MAX_ROWS, find_leaks, leakage_text, max_lag, sample_of_series
from lstm_cli.data.quality.outliers import Outliers, find_outliers
from lstm_cli.data.quality.yearly_season import find_yearly_season
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.zone_offsets import zone_with_change
from lstm_cli.findings import LINES, NOTE, WARNING, Finding
from lstm_cli.wording import count_noun

SINGLE_VALUE_RULES = ("D314", "D315")  # reader rules about a single suspicious value
MAX_LINES = 3  # further lines listed in the message about outliers
DROP_ADVICE = (
    "use --outliers drop to set those before the test rows to missing, or --scaler robust to weight them less"
)
REMAINING_ADVICE = "--outliers drop keeps test rows and judges no row by later splits; try --scaler robust"


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
    """Return all findings about the chosen columns of a table.

    Args:
        table: rows of the file.
        grid: time grid of the table.
        outliers: result of `target_outliers`.
        season: longest confirmed season in steps.
        horizon: steps.
        reader_findings: findings of the reader; outliers in lines that they name are not repeated.
        start: value of `--start`.
        end: value of `--end`.
        dropped: the grid is without the outliers that --outliers drop found.
    """
    rows = GridLines(table, grid)
    known_lines = {
        line for finding in reader_findings if finding.rule in SINGLE_VALUE_RULES for line in finding.lines
    }
    advice = REMAINING_ADVICE if dropped else DROP_ADVICE
    outlier_findings = [_outlier_finding(rows, finding, advice) for finding in outliers]
    return [
        *_constant_findings(rows),
        *_daylight_saving_findings(rows, start, end),
        *(
            finding
            for finding in outlier_findings
            if finding.count > len(finding.lines) or not known_lines.issuperset(finding.lines)
        ),
        *_leakage_findings(rows, horizon, season),
    ]


def inspect_training_rows(rows: GridLines, train_end: np.ndarray, schema: Schema) -> list[Finding]:
    """Return the findings about the training rows of the targets: mostly zeros, and a yearly season.

    Args:
        rows: rows of a grid with the kept series.
        train_end: [S] training rows of each series.
        schema: columns and settings of the dataset.
    """
    return [
        *find_intermittent(rows, train_end, schema.targets),
        *find_yearly_season(rows, train_end, schema),
    ]


def target_outliers(table: Table, grid: Grid, seasons: Sequence[int]) -> list[Outliers]:
    """Return the outliers of the targets; covariates may jump, for example promotions.

    Codes for missing values are findings of the reader, not outliers.

    Args:
        table: rows of the file.
        grid: time grid of the table.
        seasons: confirmed seasons in steps.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers near 1e308
        found = find_outliers(GridLines(table, grid), len(table.targets), seasons)
    others = (_without_sentinels(outliers, table) for outliers in found)
    return [outliers for outliers in others if len(outliers.rows)]


def _constant_findings(rows: GridLines) -> list[Finding]:
    """Return findings about constant columns, and about series of a panel in which a target is constant."""
    table = rows.table
    constant = _constant_columns(rows)
    findings = [_constant_column_finding(rows, column, value) for column, value in constant.items()]
    if len(rows.grid.names) > 1:
        is_constant = _constant_series_mask(rows, len(table.targets))
        for column, name in enumerate(table.targets):
            if column not in constant and is_constant[:, column].any():
                findings.append(_constant_series_finding(rows, name, np.flatnonzero(is_constant[:, column])))
    return [finding for finding in findings if finding is not None]


def _constant_columns(rows: GridLines) -> dict[int, float]:
    """Return the constant columns and their value; the first block nearly always excludes all columns."""
    values = dict.fromkeys(range(len(rows.table.columns)), np.nan)
    for first, series, usable in rows.chunks():
        block = rows.values_between(first, first + len(series))
        for column, value in list(values.items()):
            measured = block[:, column][usable & ~np.isnan(block[:, column])]
            if len(measured):
                values[column] = float(measured[0]) if np.isnan(value) else value
                if (measured != values[column]).any():
                    del values[column]
        if not values:
            break
    return {column: value for column, value in values.items() if not np.isnan(value)}


def _constant_series_mask(rows: GridLines, columns: int) -> np.ndarray:
    """Return in which series [S] the first columns are constant, with at least two values: [S, columns]."""
    shape = (len(rows.grid.names), columns)
    minimum, maximum, measured = (
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        np.zeros(shape, dtype=np.int64),
    )
    for first, series, usable in rows.chunks():
        cells = np.where(
            usable[:, None], rows.values_between(first, first + len(series))[:, :columns], np.nan
        )
        firsts = np.flatnonzero(np.diff(series, prepend=-1))
        series_index = series[firsts]
        minimum[series_index] = np.fmin(minimum[series_index], np.fmin.reduceat(cells, firsts, axis=0))
        maximum[series_index] = np.fmax(maximum[series_index], np.fmax.reduceat(cells, firsts, axis=0))
        measured[series_index] += np.add.reduceat(~np.isnan(cells), firsts, axis=0, dtype=np.int64)
    is_constant: np.ndarray = (minimum == maximum) & (measured > 1)
    return is_constant


def _constant_column_finding(rows: GridLines, index: int, value: float) -> Finding | None:
    """Return the finding about a constant column; None if its value appears only once."""
    table = rows.table
    name, count, line = table.columns[index], 0, 0
    for series in range(len(rows.grid.names)):
        measured = ~np.isnan(rows.cells(series, index))
        if measured.any() and not count:
            line = rows.line(int(rows.offset[series] + np.argmax(measured)))
        count += int(measured.sum())
    if count < 2:
        return None
    role = "target" if name in table.targets else "past" if name in table.past else "future"
    advice = "use --target to name another column" if role == "target" else f"leave it out of --{role}"
    return Finding.at(
        rows.location(name).at(line),
        "D701" if role == "target" else "D702",
        f"the column is constant ({count:,} values, all {value:.15g}; {advice})",
        kind="constant",
        severity=WARNING if role == "target" else NOTE,
        count=count,
        flags=(f"--{role}",),
    )


def _constant_series_finding(rows: GridLines, name: str, constant: np.ndarray) -> Finding:
    names = rows.grid.names
    line = min(rows.line(int(rows.offset[index])) for index in constant[:MAX_NAMES])
    return Finding.at(
        rows.location(name).at(line),
        "D703",
        f"{len(constant):,} of {len(names):,} series are constant: {quote_names([names[index] for index in constant])} "
        "(no option for this; you can remove them from the file)",
        kind="constant-series",
        severity=NOTE,
        count=len(constant),
    )


def _daylight_saving_findings(rows: GridLines, start: str | None, end: str | None) -> list[Finding]:
    table, grid = rows.table, rows.grid
    if (
        not (grid.counts != grid.rows_read).any()
        or table.time_name is None
        or not table.time_format.is_ambiguous
    ):
        return []
    gaps = find_gaps(table, grid.step, start=start, end=end)
    spring = np.flatnonzero(skipped_hours(gaps.first_us, gaps.rows, grid.step, table.time_format))
    if not len(spring):
        return []
    formatter = location_formatter(table)
    order = spring[np.argsort(gaps.before[spring], kind="stable")]
    first = order[0]
    zone = zone_with_change(int(gaps.first_us[first]), repeated=False)
    advice = "Name your time zone" if zone else "Write the times with offsets such as +01:00"
    return [
        Finding.at(
            formatter.at(gaps.before[first]),
            "D704",
            f"{formatter.time(gaps.first_us[first])}{in_series_text(table, gaps.series[first])} is missing, an hour "
            f"that local clocks skip in spring ({count_noun(len(spring), 'such hour')}). {advice}, "
            f"because local clocks also repeat an hour in autumn{f' (--tz {zone})' if zone else ''}",
            kind="daylight-saving",
            column=table.time_name,
            lines=gaps.before[order][:LINES].tolist(),
            count=len(spring),
            flags=("--tz", "--missing") if zone else ("--time", "--missing"),
        )
    ]


def _without_sentinels(outliers: Outliers, table: Table) -> Outliers:
    """Return the outliers that are not values which the reader reports as codes for missing values."""
    keep = ~np.isin(outliers.values, table.sentinels[outliers.column])
    return replace(outliers, rows=outliers.rows[keep], values=outliers.values[keep])


def _outlier_finding(rows: GridLines, outliers: Outliers, advice: str) -> Finding:
    name = rows.table.columns[outliers.column]
    pairs = zip(outliers.rows[:LINES].tolist(), outliers.values[:LINES].tolist(), strict=True)
    values = sorted((rows.line(row), value) for row, value in pairs)
    lines = tuple(line for line, _ in values)
    others = ", ".join(map(str, lines[1 : 1 + MAX_LINES]))
    also = f", also in {location_formatter(rows.table).unit}s {others}" if others else ""
    more = " and more" if len(outliers.rows) > 1 + MAX_LINES else ""
    neighbours = (
        "the values one season before and after" if outliers.season > 1 else "the values before and after"
    )
    return Finding.at(
        rows.location(name).at(lines[0]),
        "D705",
        f"{values[0][1]:.15g} is an outlier, far from {neighbours}, "
        f"{count_noun(len(outliers.rows), 'such value')}{also}{more} ({advice})",
        kind="outliers",
        lines=lines,
        count=len(outliers.rows),
        flags=("--outliers", "--scaler"),
    )


def _leakage_findings(rows: GridLines, horizon: int, season: int) -> list[Finding]:
    """Return findings about covariates that leak a target."""
    table = rows.table
    targets = len(table.targets)
    series = [rows.values(index, MAX_ROWS) for index in sample_of_series(rows.grid.counts)]
    others = range(targets, len(table.columns))
    leaks = find_leaks(series, range(targets), others, max_steps=max_lag(horizon, season)) if others else []
    findings = []
    for leak in leaks:
        name = table.columns[leak.column]
        role = "past" if name in table.past else "future"
        findings.append(leakage_text(leak, rows, name=name, role=role, horizon=horizon))
    return [finding for finding in findings if finding is not None]
