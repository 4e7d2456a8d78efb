"""Data of the plot of `check`."""

import numpy as np

from lstm_cli.data.grid.regular_grid import Grid
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.quality.outliers import Outliers
from lstm_cli.data.quality.seasonality import MAX_LAG_ROWS, autocorrelations, subtract_moving_mean
from lstm_cli.plots.check import MAX_STRIP_SERIES, Correlation, MissingStrip, SeriesLine, draw_check
from lstm_cli.plots.robust_limits import robust_limits
from lstm_cli.plots.terminal import Terminal, draw_check_text
from lstm_cli.steps.check.inspect import CheckState

MAX_LINES = 4  # line plots, each in its own axes
MAX_LAGS = 400
DEFAULT_LAGS = 48  # lags to show if no season is known
STRIP_BINS = 400
MAX_CORRELATED_SERIES = 50  # about this number of series enters the median


def draw_plot(state: CheckState, format: str) -> bytes:
    """Return a picture: line plots, missing rows of a panel, and the autocorrelation of the first target.

    Args:
        state: data that were read.
        format: `png`, `svg` or `pdf`.
    """
    rows = _grid_rows(state)
    strip = _strip(rows) if len(rows.grid.names) > 1 else None
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers near 1e308
        return draw_check(_lines(state, rows), strip, _correlation(state, rows), format=format)


def draw_text(state: CheckState, terminal: Terminal) -> str:
    """Return a drawing of the line plots.

    Args:
        state: data that were read.
        terminal: terminal to draw for.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return draw_check_text(_lines(state, _grid_rows(state)), terminal)


def _grid_rows(state: CheckState) -> GridLines:
    assert state.table is not None
    assert state.grid is not None
    return GridLines(state.table, state.grid)


def _lines(state: CheckState, rows: GridLines) -> list[SeriesLine]:
    """Return the lines of the longest series, at most MAX_LINES."""
    gaps, targets = _gaps(rows), range(len(rows.table.targets))
    wanted = [(number, column) for number in _shown_series(rows.grid) for column in targets][:MAX_LINES]
    return [_line(state, rows, gaps, number, column) for number, column in wanted]


def _shown_series(grid: Grid) -> list[int]:
    """Return the indices of the longest series, in the order of the file."""
    return sorted(np.argsort(-grid.counts, kind="stable")[:MAX_LINES].tolist())


def _gaps(rows: GridLines) -> np.ndarray:
    """Return a mask [T] of the grid rows that the file does not have."""
    gaps: np.ndarray = rows.table_rows(0, rows.grid.rows) < 0
    return gaps


def _times(rows: GridLines, number: int, index: np.ndarray) -> np.ndarray:
    """Return the times of rows of a series, whole numbers, or row numbers from 1 without a time column."""
    if rows.table.time_name is None:
        return index + 1
    times = rows.grid.step.times(index, rows.grid.origin_us[number])
    if rows.table.time_format.is_integer:
        return times
    return rows.table.time_format.to_file_clock(times).astype("datetime64[us]")


def _line(state: CheckState, rows: GridLines, gaps: np.ndarray, number: int, column: int) -> SeriesLine:
    table, grid = rows.table, rows.grid
    begin, count = int(rows.offset[number]), int(grid.counts[number])
    name = table.targets[column]
    outliers = _outlier_rows(state.outliers, column)
    in_series = outliers[(outliers >= begin) & (outliers < begin + count)] - begin
    return SeriesLine(
        title=f"{name} of {grid.names[number]}" if table.series_name is not None else name,
        target=name,
        time_name=table.time_name or "row",
        times=_times(rows, number, np.arange(count)),
        values=rows.cells(number, column),
        gaps=gaps[begin : begin + count],
        outliers=in_series,
        split_rows=_split_rows(state, grid.names[number]),
        season=min(state.seasons, default=1),
    )


def _outlier_rows(found: list[Outliers], column: int) -> np.ndarray:
    return next((outlier.rows for outlier in found if outlier.column == column), np.zeros(0, dtype=np.int64))


def _split_rows(state: CheckState, name: str) -> tuple[int, ...]:
    """Return the first rows of the validation and the test split; empty if the series has no splits."""
    if state.assembled is None or name not in state.assembled.series.names:
        return ()
    series = state.assembled.series
    number = series.names.index(name)
    return int(series.train_end[number]), int(series.val_end[number])


def _strip(rows: GridLines) -> MissingStrip:
    """Return the share of measured rows of the first target, for at most MAX_STRIP_SERIES series."""
    grid = rows.grid
    some = (
        np.linspace(0, len(grid.names) - 1, min(MAX_STRIP_SERIES, len(grid.names))).round().astype(np.int64)
    )
    if rows.table.time_name is None:
        edges = np.linspace(0, int(grid.counts.max()), STRIP_BINS + 1)
    else:
        last = max(int(grid.step.times(grid.counts[number], grid.origin_us[number])) for number in some)
        edges = np.linspace(int(grid.origin_us[some].min()), last, STRIP_BINS + 1)
    measured = np.full((len(some), STRIP_BINS), np.nan)
    for row, number in enumerate(some):
        index = np.arange(grid.counts[number])
        positions = index if rows.table.time_name is None else grid.step.times(index, grid.origin_us[number])
        bins = np.clip(np.searchsorted(edges, positions, side="right") - 1, 0, STRIP_BINS - 1)
        measured_rows = ~np.isnan(rows.cells(int(number), 0))
        count = np.bincount(bins, minlength=STRIP_BINS)
        share = np.bincount(bins, weights=measured_rows, minlength=STRIP_BINS) / np.maximum(count, 1)
        inside = slice(bins[0], bins[-1] + 1)
        measured[row, inside] = np.where(count > 0, share, np.nan)[inside]
        # A bin finer than the step has no row, so it shows the value of the row before it.
        empty = np.flatnonzero(np.isnan(measured[row, inside]))
        if len(empty):
            filled = np.flatnonzero(count[inside] > 0)
            before = filled[np.searchsorted(filled, empty, side="right") - 1]
            measured[row, bins[0] + empty] = measured[row, bins[0] + before]
    times = edges
    if rows.table.time_name is not None and not rows.table.time_format.is_integer:
        times = rows.table.time_format.to_file_clock(edges.astype(np.int64)).astype("datetime64[us]")
    return MissingStrip(
        total=len(grid.names), names=[grid.names[number] for number in some], times=times, measured=measured
    )


def _correlation(state: CheckState, rows: GridLines) -> Correlation | None:
    """Return the autocorrelation of the newest rows of the first target: the median over some series."""
    grid = rows.grid
    usual = int(np.median(grid.counts))
    wanted = 2 * max(state.seasons) + 2 if state.seasons else DEFAULT_LAGS
    lags = min(wanted, MAX_LAGS, usual // 3)
    if lags < 2:
        return None
    some = range(0, len(grid.names), max(1, len(grid.names) // MAX_CORRELATED_SERIES))
    series = [_without_spikes(rows.cells(number, 0)[-MAX_LAG_ROWS:]) for number in some]
    season = max((steps for steps in state.seasons if steps <= lags), default=None)
    raw = _median([autocorrelations(cells, lags) for cells in series])
    residual = None
    if season is not None:
        deseasonalized = [subtract_moving_mean(cells, season) for cells in series if len(cells) >= 2 * season]
        residual = _median([autocorrelations(cells, lags) for cells in deseasonalized])
    if raw is None:
        return None
    name = rows.table.targets[0]
    trend = "a straight line" if residual is None else f"its moving mean over {season} steps"
    suffix = f" (median of {len(series)} series)" if len(series) > 1 else ""
    return Correlation(
        title=f"autocorrelation of {name} minus {trend}{suffix}",
        values=raw if residual is None else residual,
        raw=None if residual is None else raw,
        noise_limit=2 / np.sqrt(max(1, min(usual, MAX_LAG_ROWS))),
        seasons=state.seasons,
    )


def _without_spikes(cells: np.ndarray) -> np.ndarray:
    """Return values cut at the limits of the axis, because one spike hides all correlation."""
    return robust_limits(cells).clip(cells)


def _median(arrays: list[np.ndarray]) -> np.ndarray | None:
    """Return the median at each lag over the defined arrays; None if no array is defined."""
    defined = [values for values in arrays if not np.isnan(values).any()]
    if not defined:
        return None
    median: np.ndarray = np.median(np.stack(defined), axis=0)
    return median
