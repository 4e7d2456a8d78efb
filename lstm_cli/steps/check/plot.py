"""From what `check` knows to the panels of its picture."""

import numpy as np

from lstm_cli.data.grid.regular_grid import Grid
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.quality.outliers import Outliers
from lstm_cli.data.quality.seasonality import MAX_LAG_ROWS, autocorrelations, subtract_moving_mean
from lstm_cli.plots.check import MAX_STRIP_SERIES, Correlation, MissingStrip, SeriesLine, draw_check
from lstm_cli.steps.check.inspect import CheckState

PANELS = 4  # lines that have a panel of their own
MOST_LAGS = 400
WITHOUT_SEASON = 48  # lags where there is no season
STRIP_BINS = 400
CORRELATED = 50  # about so many series of a panel are asked


def draw_plot(known: CheckState) -> bytes:
    """The PNG: columns or series, which rows of a panel there are, and the first target's autocorrelation."""
    table, grid = known.table, known.grid
    assert table is not None
    assert grid is not None
    rows = GridLines(table, grid)
    holes = _holes(rows)
    wanted = [(one, column) for one in _shown_series(grid) for column in range(len(table.targets))][:PANELS]
    lines = [_line(known, rows, holes, one, column) for one, column in wanted]
    strip = _strip(rows) if len(grid.names) > 1 else None
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers near 1e308
        correlation = _correlation(known, rows)
        return draw_check(lines, strip, correlation)


def _shown_series(grid: Grid) -> list[int]:
    """The longest series, in the order of the file."""
    return sorted(np.argsort(-grid.counts, kind="stable")[:PANELS].tolist())


def _holes(rows: GridLines) -> np.ndarray:
    """Which rows of the grid [T] the file does not have."""
    holes: np.ndarray = rows.table_rows(0, rows.grid.rows) < 0
    return holes


def _times(rows: GridLines, one: int, index: np.ndarray) -> np.ndarray:
    """The times of rows of a series, or their numbers from 1."""
    if rows.table.time_name is None:
        return index + 1
    return rows.grid.step.times(index, rows.grid.origin_us[one]).astype("datetime64[us]")


def _line(known: CheckState, rows: GridLines, holes: np.ndarray, one: int, column: int) -> SeriesLine:
    table, grid = rows.table, rows.grid
    begin, count = int(rows.offset[one]), int(grid.counts[one])
    name = table.targets[column]
    outliers = _rows_of(known.outliers, column)
    mine = outliers[(outliers >= begin) & (outliers < begin + count)] - begin
    return SeriesLine(
        title=f"{name} of {grid.names[one]}" if table.series_name is not None else name,
        times=_times(rows, one, np.arange(count)),
        values=rows.cells(one, column),
        gaps=holes[begin : begin + count],
        outliers=mine,
        split_rows=_ends(known, grid.names[one]),
    )


def _rows_of(found: list[Outliers], column: int) -> np.ndarray:
    return next((one.rows for one in found if one.column == column), np.zeros(0, dtype=np.int64))


def _ends(known: CheckState, name: str) -> tuple[int, ...]:
    """Where the splits of a series begin, if it has any."""
    if known.found is None or name not in known.found.series.names:
        return ()
    series = known.found.series
    one = series.names.index(name)
    return int(series.train_end[one]), int(series.val_end[one])


def _strip(rows: GridLines) -> MissingStrip:
    """The first target's share of measured rows; with many series every so-manieth of them."""
    grid = rows.grid
    some = (
        np.linspace(0, len(grid.names) - 1, min(MAX_STRIP_SERIES, len(grid.names))).round().astype(np.int64)
    )
    if rows.table.time_name is None:
        edges = np.linspace(0, int(grid.counts.max()), STRIP_BINS + 1)
    else:
        last = max(int(grid.step.times(grid.counts[one], grid.origin_us[one])) for one in some)
        edges = np.linspace(int(grid.origin_us[some].min()), last, STRIP_BINS + 1)
    measured = np.full((len(some), STRIP_BINS), np.nan)
    for number, one in enumerate(some):
        index = np.arange(grid.counts[one])
        places = index if rows.table.time_name is None else grid.step.times(index, grid.origin_us[one])
        bins = np.clip(np.searchsorted(edges, places, side="right") - 1, 0, STRIP_BINS - 1)
        known = ~np.isnan(rows.cells(int(one), 0))
        count = np.bincount(bins, minlength=STRIP_BINS)
        share = np.bincount(bins, weights=known, minlength=STRIP_BINS) / np.maximum(count, 1)
        inside = slice(bins[0], bins[-1] + 1)
        measured[number, inside] = np.where(count > 0, share, np.nan)[inside]
        # Bins finer than the step hold no row of their own: they show what the row before says.
        empty = np.flatnonzero(np.isnan(measured[number, inside]))
        if len(empty):
            filled = np.flatnonzero(count[inside] > 0)
            before = filled[np.searchsorted(filled, empty, side="right") - 1]
            measured[number, bins[0] + empty] = measured[number, bins[0] + before]
    times = edges if rows.table.time_name is None else edges.astype(np.int64).astype("datetime64[us]")
    return MissingStrip(
        total=len(grid.names), names=[grid.names[one] for one in some], times=times, measured=measured
    )


def _correlation(known: CheckState, rows: GridLines) -> Correlation | None:
    """Of the first target: the median over some series of a panel, of the newest rows."""
    grid = rows.grid
    usual = int(np.median(grid.counts))
    wanted = 2 * max(known.seasons) + 2 if known.seasons else WITHOUT_SEASON
    lags = min(wanted, MOST_LAGS, usual // 3)
    if lags < 2:
        return None
    some = range(0, len(grid.names), max(1, len(grid.names) // CORRELATED))
    series = [rows.cells(one, 0)[-MAX_LAG_ROWS:] for one in some]
    season = max((one for one in known.seasons if one <= lags), default=None)
    whole = _median([autocorrelations(cells, lags) for cells in series])
    beside = None
    if season is not None:
        rests = [subtract_moving_mean(cells, season) for cells in series if len(cells) >= 2 * season]
        beside = _median([autocorrelations(rest, lags) for rest in rests])
    if whole is None:
        return None
    name = rows.table.targets[0]
    less = "a straight line" if beside is None else f"its moving mean over {season} steps"
    of = f" (median of {len(series)} series)" if len(series) > 1 else ""
    return Correlation(
        title=f"autocorrelation of {name}, less {less}{of}",
        values=whole if beside is None else beside,
        raw=None if beside is None else whole,
        noise_limit=2 / np.sqrt(max(1, min(usual, MAX_LAG_ROWS))),
        seasons=known.seasons,
    )


def _median(each: list[np.ndarray]) -> np.ndarray | None:
    """At each lag the median of those that are defined; None where none is."""
    defined = [values for values in each if not np.isnan(values).any()]
    if not defined:
        return None
    median: np.ndarray = np.median(np.stack(defined), axis=0)
    return median
