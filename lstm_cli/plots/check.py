"""Plot of `lstm check`: series with gaps, missing values and outliers, measured shares, and autocorrelation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.plots.robust_limits import Limits, robust_limits
from lstm_cli.plots.style import (
    BASELINE,
    FORECAST,
    INK,
    MAX_TITLE,
    TRUTH,
    draw_legend,
    encode_figure,
    format_axis,
    format_times,
    name_axes,
    new_figure,
    short_text,
    time_numbers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 10.0  # inches
MAX_LINE_ROWS = 2_000  # longer series are drawn as mean, minimum and maximum of buckets
BUCKETS = 400  # about the number of buckets of a longer series
MAX_BUCKET = 5  # times the wanted size of a bucket that a whole season may have
BAND_BINS = 1_500  # bands of missing rows that are closer than a bin are joined
MAX_LAG_BARS = 150  # more lags are an area, because their bars would be a pattern
MAX_STRIP_SERIES = 300  # maximum number of series in the strip
MAX_NAMES = 24  # names next to the strip
NAME_HEIGHT = 0.14  # inches
MAX_VALUE = 1e300  # axes of matplotlib fail for larger values
GAP, MISSING, RANGE = "#e9a23b", "#8f6fb3", "#c3c7ce"


@dataclass(frozen=True, kw_only=True)
class SeriesLine:
    """Column of a series, T rows."""

    title: str
    target: str = ""  # name of the column
    time_name: str = ""
    times: np.ndarray  # [T] datetime64, or row numbers
    values: np.ndarray  # [T], NaN where not measured
    gaps: np.ndarray  # [T] bool: row is missing in the file
    outliers: np.ndarray  # row indices, int
    split_rows: tuple[int, ...] = ()  # first rows of validation and test
    season: int = 1  # steps; buckets hold whole seasons


@dataclass(frozen=True, kw_only=True)
class MissingStrip:
    """Measured share of many series over their common time."""

    total: int  # number of series in the data; `names` can be fewer
    names: Sequence[str]  # [S]
    times: np.ndarray  # [W + 1] datetime64 or row numbers; edges of the bins
    measured: np.ndarray  # [S, W] share from 0 to 1; NaN before a series begins and after it ends


@dataclass(frozen=True, kw_only=True)
class Correlation:
    """Autocorrelation at lags 1 to K."""

    title: str
    values: np.ndarray  # [K] without the moving mean; NaN if undefined
    raw: np.ndarray | None  # [K] with the moving mean; None: `values` already has it
    noise_limit: float  # 95 % limit of the autocorrelation of noise
    seasons: tuple[int, ...]


def draw_check(
    lines: Sequence[SeriesLine],
    strip: MissingStrip | None,
    correlation: Correlation | None,
    *,
    format: str = "png",
) -> bytes:
    """Return the file of the plot. The same data give the same bytes.

    Args:
        lines: Series to draw, at least one.
        strip: Measured shares of many series; None: not drawn.
        correlation: Autocorrelation; None: not drawn.
        format: `png`, `svg` or `pdf`.
    """
    heights = [2.1] * len(lines)
    heights += [0.7 + NAME_HEIGHT * min(MAX_NAMES, max(4, len(strip.names)))] if strip is not None else []
    heights += [2.3] if correlation is not None else []
    figure = new_figure(WIDTH, sum(heights) + 0.5)
    axes = list(figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights).flat)
    for axis, line in zip(axes, lines, strict=False):
        _draw_line(axis, line)
    name_axes(axes[len(lines) - 1], lines[-1].time_name if strip is None else "")
    if strip is not None:
        _draw_strip(axes[len(lines)], strip)
        name_axes(axes[len(lines)], lines[-1].time_name)
        edges = time_numbers(strip.times)
        for axis in axes[: len(lines) + 1]:  # aligns the time axes
            axis.set_xlim(edges[0], edges[-1])
    if correlation is not None:
        _draw_correlation(axes[-1], correlation)
    draw_legend(figure, axes)
    return encode_figure(figure, format)


def _draw_line(axis: "Axes", line: SeriesLine) -> None:
    line = replace(line, values=np.clip(line.values, -MAX_VALUE, MAX_VALUE))
    x_values = time_numbers(line.times)
    limits = robust_limits(line.values)
    _mark_missing(axis, line, x_values)
    title = line.title
    if len(line.values) <= MAX_LINE_ROWS:
        axis.plot(x_values, line.values, color=TRUTH, linewidth=0.9, label="measured")
        _mark_single_values(axis, x_values, line.values)
    else:
        rows = bucket_rows(len(line.values), line.season)
        middle, mean, minimum, maximum = row_buckets(line.values, rows)
        axis.fill_between(
            x_values[middle], minimum, maximum, color=RANGE, linewidth=0.6, label="minimum to maximum"
        )
        axis.plot(x_values[middle], mean, color=TRUTH, linewidth=1.0, label="mean")
        _mark_single_values(axis, x_values[middle], mean)
        title += f" · mean, minimum and maximum of each {rows:,} rows"
    shown = [row for row in line.outliers.tolist() if _is_inside(line.values[row], limits)]
    if shown:
        axis.scatter(
            x_values[shown],
            line.values[shown],
            s=26,
            facecolors="none",
            edgecolors=FORECAST,
            linewidths=1.3,
            zorder=3,
            label="outlier",
        )
    for name, row in zip(("validation", "test"), line.split_rows, strict=False):
        if 0 < row < len(x_values):
            axis.axvline(x_values[row], color=INK, linewidth=0.8, linestyle=":", label="split")
            _write_label(axis, x_values[row], name, INK)
    format_axis(axis, title, max_title=2 * MAX_TITLE)
    _limit(axis, x_values, line.values, limits)
    name_axes(axis, "", line.target)
    format_times(axis, line.times, ticks=9)


def bucket_rows(rows: int, season: int, *, buckets: int = BUCKETS) -> int:
    """Return the rows of a bucket: whole seasons, if that is about the wanted number, so that the mean has no season.

    Args:
        rows: rows of the series.
        season: steps; 1 without a season.
        buckets: about the number of buckets.

    >>> bucket_rows(17_520, 48), bucket_rows(17_520, 1), bucket_rows(1_000_000, 24), bucket_rows(3_000, 365)
    (48, 44, 2496, 8)
    """
    wanted = -(-rows // buckets)
    whole = season * max(1, round(wanted / season))
    return whole if season > 1 and whole * buckets <= MAX_BUCKET * rows else wanted


def _is_inside(value: float, limits: Limits) -> bool:
    return not (
        (limits.low is not None and value < limits.low) or (limits.high is not None and value > limits.high)
    )


def _limit(axis: "Axes", x_values: np.ndarray, values: np.ndarray, limits: Limits) -> None:
    """Cut the axis at the limits. Triangles show where values are outside, and a text counts them."""
    if not limits.notes:
        return
    low = limits.least if limits.low is None else limits.low
    high = limits.greatest if limits.high is None else limits.high
    axis.set_ylim(low - 0.04 * (high - low), high + 0.04 * (high - low))
    for outside, marker, place in ((values > high, "^", 1.0), (values < low, "v", 0.0)):
        if not outside.any():
            continue
        axis.plot(
            x_values[outside],
            np.full(int(np.sum(outside)), place),
            marker,
            color=FORECAST,
            markersize=6,
            transform=axis.get_xaxis_transform(),
            clip_on=False,
            zorder=4,
            label="beyond the axis",
        )
    axis.set_title("; ".join(limits.notes), loc="right", fontsize=8, color=FORECAST)


def _mark_missing(axis: "Axes", line: SeriesLine, x_values: np.ndarray) -> None:
    """Draw bands at gaps (missing rows) and at missing values."""
    for chosen, color, label in (
        (line.gaps, GAP, "missing rows"),
        (np.isnan(line.values) & ~line.gaps, MISSING, "missing values"),
    ):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
        if not len(edges):
            continue
        firsts, lasts = _join_bands(edges[::2], edges[1::2] - 1, len(line.values) // BAND_BINS)
        # From the row before to the row after, and with an edge, so that a single gap is visible.
        low, high = x_values[np.maximum(firsts - 1, 0)], x_values[np.minimum(lasts + 1, len(x_values) - 1)]
        axis.broken_barh(
            list(zip(low, high - low, strict=True)),
            (0, 1),
            transform=axis.get_xaxis_transform(),
            facecolor=color,
            edgecolor=color,
            linewidth=0.8,
            alpha=0.45,
            zorder=0.5,
            label=label,
        )


def _join_bands(firsts: np.ndarray, lasts: np.ndarray, max_distance: int) -> tuple[np.ndarray, np.ndarray]:
    """Join bands that are too close to be distinguished."""
    new = np.append(True, firsts[1:] - lasts[:-1] > max(1, max_distance))
    begins = np.flatnonzero(new)
    return firsts[begins], lasts[np.append(begins[1:], len(firsts)) - 1]


def _mark_single_values(axis: "Axes", x_values: np.ndarray, values: np.ndarray) -> None:
    """Draw a dot for each value between two missing values, because it has no line."""
    known = ~np.isnan(values)
    single = known & ~np.append(False, known[:-1]) & ~np.append(known[1:], False)
    if single.any():
        axis.plot(x_values[single], values[single], ".", color=TRUTH, markersize=2.5)


def row_buckets(values: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return middle row, mean, minimum and maximum of each bucket; NaN without measured values."""
    edges = np.arange(0, len(values), rows)
    minimum, maximum = (extreme.reduceat(values, edges) for extreme in (np.fmin, np.fmax))
    known = ~np.isnan(values)
    count = np.add.reduceat(known.astype(np.int64), edges)
    # Divided before the sum, because numbers near 1e308 would overflow.
    parts = np.where(known, values, 0.0) / np.repeat(np.maximum(count, 1), np.diff(edges, append=len(values)))
    mean = np.where(count > 0, np.add.reduceat(parts, edges), np.nan)
    last = np.minimum(edges + rows, len(values)) - 1
    return (edges + last) // 2, mean, minimum, maximum


def _draw_strip(axis: "Axes", strip: MissingStrip) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    colors = LinearSegmentedColormap.from_list("measured", [GAP, "#d9dde3", BASELINE])
    rows = np.arange(len(strip.names) + 1) - 0.5
    axis.pcolormesh(
        time_numbers(strip.times), rows, strip.measured, cmap=colors, vmin=0, vmax=1, rasterized=True
    )
    axis.invert_yaxis()
    drawn = len(strip.names)
    every = -(-drawn // MAX_NAMES)
    named = range(0, drawn, every)
    axis.set_yticks(named, [short_text(strip.names[row], 18) for row in named], fontsize=7, parse_math=False)
    total = f" of {strip.total:,}" if strip.total > drawn else ""
    names = f", 1 of {every} named" if every > 1 else ""
    format_axis(
        axis,
        f"measured share of {drawn:,}{total} series{names} (blue: all, orange: none, white: before start or after end)",
        max_title=2 * MAX_TITLE,
    )
    axis.tick_params(axis="y", labelsize=7)
    axis.grid(visible=False)
    axis.margins(y=0)
    format_times(axis, strip.times, ticks=9)


def _draw_correlation(axis: "Axes", correlation: Correlation) -> None:
    lags = np.arange(1, len(correlation.values) + 1)
    axis.axhspan(
        -correlation.noise_limit,
        correlation.noise_limit,
        color=INK,
        alpha=0.18,
        linewidth=0,
        label="95 % of noise",
    )
    label = "autocorrelation"
    if len(lags) > MAX_LAG_BARS:
        axis.fill_between(lags, 0, correlation.values, color=BASELINE, linewidth=0, label=label)
    else:
        width = min(3.0, 260 / len(lags))
        axis.vlines(lags, 0, correlation.values, color=BASELINE, linewidth=width, label=label)
    if correlation.raw is not None:
        axis.plot(lags, correlation.raw, color=INK, linewidth=1.1, label="autocorrelation, unadjusted")
    axis.axhline(0, color=INK, linewidth=0.8)
    for number, season in enumerate(correlation.seasons):
        if season > len(lags):
            continue
        label = "season" if not number else "_"
        axis.axvline(season, color=FORECAST, linewidth=1.2, linestyle="--", label=label)
        _write_label(axis, season, str(season), FORECAST)
    format_axis(axis, correlation.title, max_title=2 * MAX_TITLE)
    name_axes(axis, "lag in steps", "autocorrelation")
    axis.set_xlim(0, len(lags) + 1)


def _write_label(axis: "Axes", x: float, name: str, color: str) -> None:
    """Write a label at the top of a panel, to the right of a vertical line."""
    axis.text(x, 0.99, f" {name}", transform=axis.get_xaxis_transform(), fontsize=8, color=color, va="top")
