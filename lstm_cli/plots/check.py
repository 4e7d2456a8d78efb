"""Plot of `lstm check`: series with gaps, missing values and outliers, measured shares, and autocorrelation."""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lstm_cli.plots.forecast import MAX_TITLE
from lstm_cli.plots.style import BASELINE, FORECAST, INK, TRUTH, use_temporary_cache

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 10.0  # inches
BINS = 1_500  # horizontal bins of a line; longer series are drawn as minimum and maximum per bin
MAX_STRIP_SERIES = 300  # maximum number of series in the strip
MAX_VALUE = 1e300  # axes of matplotlib fail for larger values
GAP, MISSING = "#e9a23b", "#8f6fb3"


@dataclass(frozen=True, kw_only=True)
class SeriesLine:
    """Column of a series, T rows."""

    title: str
    times: np.ndarray  # [T] datetime64, or row numbers
    values: np.ndarray  # [T], NaN where not measured
    gaps: np.ndarray  # [T] bool: row is missing in the file
    outliers: np.ndarray  # row indices, int
    split_rows: tuple[int, ...] = ()  # first rows of validation and test


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
    lines: Sequence[SeriesLine], strip: MissingStrip | None, correlation: Correlation | None
) -> bytes:
    """Return a PNG of the series. The same data give the same bytes.

    Args:
        lines: Series to draw, at least one.
        strip: Measured shares of many series; None: not drawn.
        correlation: Autocorrelation; None: not drawn.
    """
    use_temporary_cache()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    heights = [2.1] * len(lines)
    heights += [min(3.0, 0.9 + 0.08 * len(strip.names))] if strip is not None else []
    heights += [2.3] if correlation is not None else []
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.5), layout="constrained", facecolor="white")
    axes = list(figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights).flat)
    for axis, line in zip(axes, lines, strict=False):
        _draw_line(axis, line)
    if strip is not None:
        _draw_strip(axes[len(lines)], strip)
        edges = _numbers(strip.times)
        for axis in axes[: len(lines) + 1]:  # aligns the time axes
            axis.set_xlim(edges[0], edges[-1])
    if correlation is not None:
        _draw_correlation(axes[-1], correlation)
    _legend(figure, axes)
    file = io.BytesIO()
    with warnings.catch_warnings():
        # Characters that the font lacks are drawn as boxes, which needs no warning.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    return file.getvalue()


def _legend(figure: "Figure", axes: Sequence["Axes"]) -> None:
    """Draw a legend with each label of all panels once."""
    handle_by_label: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handle_by_label.setdefault(label, handle)
    handles: list[Any] = list(handle_by_label.values())
    location: Literal["outside upper center"] = "outside upper center"
    figure.legend(handles, list(handle_by_label), loc=location, ncols=7, frameon=False, fontsize=9)


def _draw_line(axis: "Axes", line: SeriesLine) -> None:
    line = replace(line, values=np.clip(line.values, -MAX_VALUE, MAX_VALUE))
    x_values = _numbers(line.times)
    _mark_missing(axis, line, x_values)
    if len(line.values) <= 2 * BINS:
        axis.plot(x_values, line.values, color=TRUTH, linewidth=0.9, label="measured")
        _mark_single_values(axis, x_values, line.values)
    else:
        middle, minimum, maximum = _envelope(line.values)
        axis.fill_between(
            x_values[middle], minimum, maximum, color=TRUTH, linewidth=0.6, edgecolor=TRUTH, label="measured"
        )
    if len(line.outliers):
        axis.scatter(
            x_values[line.outliers],
            line.values[line.outliers],
            s=26,
            facecolors="none",
            edgecolors=FORECAST,
            linewidths=1.3,
            zorder=3,
            label="outlier",
        )
    for name, row in zip(("validation", "test"), line.split_rows, strict=False):
        if 0 < row < len(x_values):
            axis.axvline(x_values[row], color=INK, linewidth=0.8, linestyle=":")
            _write_label(axis, x_values[row], name, INK)
    _format_axis(axis, line.title)
    _time_axis(axis, line.times)


def _mark_missing(axis: "Axes", line: SeriesLine, x_values: np.ndarray) -> None:
    """Draw bands at gaps (missing rows) and at missing values."""
    for chosen, color, label in (
        (line.gaps, GAP, "missing rows"),
        (np.isnan(line.values) & ~line.gaps, MISSING, "missing values"),
    ):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
        if not len(edges):
            continue
        firsts, lasts = _join_bands(edges[::2], edges[1::2] - 1, len(line.values) // BINS)
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


def _envelope(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return middle row, minimum and maximum of each bin. A bin without measured values has NaN."""
    edges = np.linspace(0, len(values), BINS + 1).astype(np.int64)
    minimum, maximum = (extreme.reduceat(values, edges[:-1]) for extreme in (np.fmin, np.fmax))
    return (edges[:-1] + edges[1:]) // 2, minimum, maximum


def _draw_strip(axis: "Axes", strip: MissingStrip) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    colors = LinearSegmentedColormap.from_list("measured", [GAP, "#d9dde3", BASELINE])
    rows = np.arange(len(strip.names) + 1) - 0.5
    axis.pcolormesh(_numbers(strip.times), rows, strip.measured, cmap=colors, vmin=0, vmax=1, rasterized=True)
    axis.invert_yaxis()
    few = len(strip.names) <= 12
    axis.set_yticks(range(len(strip.names)) if few else [])
    if few:
        axis.set_yticklabels([_short(name, 18) for name in strip.names], fontsize=7, parse_math=False)
    drawn = len(strip.names)
    total = f" of {strip.total:,}" if strip.total > drawn else ""
    _format_axis(
        axis,
        f"measured share of {drawn}{total} series (blue: all, orange: none, white: before start or after end)",
    )
    axis.grid(visible=False)
    _time_axis(axis, strip.times)


def _draw_correlation(axis: "Axes", correlation: Correlation) -> None:
    lags = np.arange(1, len(correlation.values) + 1)
    axis.axhspan(
        -correlation.noise_limit,
        correlation.noise_limit,
        color=INK,
        alpha=0.18,
        linewidth=0,
        label="noise (95 %)",
    )
    axis.vlines(lags, 0, correlation.values, color=BASELINE, linewidth=max(0.8, min(3.0, 260 / len(lags))))
    if correlation.raw is not None:
        axis.plot(lags, correlation.raw, color=INK, linewidth=1.1, label="unadjusted")
    axis.axhline(0, color=INK, linewidth=0.8)
    for number, season in enumerate(correlation.seasons):
        if season > len(lags):
            continue
        label = "season" if not number else None
        axis.axvline(season, color=FORECAST, linewidth=1.2, linestyle="--", label=label)
        _write_label(axis, season, str(season), FORECAST)
    _format_axis(axis, correlation.title)
    axis.set_xlabel("lag in steps", fontsize=8, color=INK)
    axis.set_xlim(0, len(lags) + 1)


def _write_label(axis: "Axes", x: float, name: str, color: str) -> None:
    """Write a label at the top of a panel, to the right of a vertical line."""
    axis.text(x, 0.99, f" {name}", transform=axis.get_xaxis_transform(), fontsize=8, color=color, va="top")


def _format_axis(axis: "Axes", title: str) -> None:
    axis.set_title(
        _short(title, 2 * MAX_TITLE), loc="left", fontsize=10, parse_math=False
    )  # a '$' is not a formula
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", color=INK, alpha=0.25, linewidth=0.6)
    axis.tick_params(labelsize=8, color=INK)
    axis.margins(x=0.01)


def _numbers(times: np.ndarray) -> np.ndarray:
    """Return times as matplotlib numbers, and row numbers unchanged."""
    if not np.issubdtype(times.dtype, np.datetime64):
        return times
    from matplotlib.dates import date2num

    numbers: np.ndarray = date2num(times)
    return numbers


def _time_axis(axis: "Axes", times: np.ndarray) -> None:
    if not np.issubdtype(times.dtype, np.datetime64):
        return
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=9)
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _short(text: str, max_length: int) -> str:
    text = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * max_length])
    return text if len(text) <= max_length else text[: max_length - 1] + "…"
