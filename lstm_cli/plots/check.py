"""A data file as one PNG: its series with what is missing and what stands out, and the autocorrelation."""

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
BINS = 1_500  # places of a line beside each other; more rows are drawn as least and greatest of each
MAX_STRIP_SERIES = 300  # series of the strip at most
MAX_VALUE = 1e300  # no axis reaches further
GAP, MISSING = "#e9a23b", "#8f6fb3"


@dataclass(frozen=True, kw_only=True)
class SeriesLine:
    """One column of one series, T rows."""

    title: str
    times: np.ndarray  # [T] datetime64, or row numbers
    values: np.ndarray  # [T], NaN where not measured
    gaps: np.ndarray  # [T] bool: the file has no such row
    outliers: np.ndarray  # rows, int
    split_rows: tuple[int, ...] = ()  # the first rows of validation and test


@dataclass(frozen=True, kw_only=True)
class MissingStrip:
    """Which share of many series was measured, over their common time."""

    total: int  # series that there are; not all need be drawn
    names: Sequence[str]  # [S]
    times: np.ndarray  # [W + 1] datetime64 or row numbers, the edges of the bins
    measured: np.ndarray  # [S, W] share from 0 to 1; NaN before a series begins and after it ends


@dataclass(frozen=True, kw_only=True)
class Correlation:
    """The autocorrelation at lags 1 to K."""

    title: str
    values: np.ndarray  # [K] of what stands beside a moving mean, NaN where undefined
    raw: np.ndarray | None  # [K] of the values themselves; None where those are drawn already
    noise_limit: float  # what noise stays within, 19 times in 20
    seasons: tuple[int, ...]


def draw_check(
    lines: Sequence[SeriesLine], strip: MissingStrip | None, correlation: Correlation | None
) -> bytes:
    """The PNG of at least one line; the same bytes for the same data."""
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
        for axis in axes[: len(lines) + 1]:  # the same time below the same time
            axis.set_xlim(edges[0], edges[-1])
    if correlation is not None:
        _draw_correlation(axes[-1], correlation)
    _legend(figure, axes)
    file = io.BytesIO()
    with warnings.catch_warnings():
        # A name in letters that the font lacks is drawn with boxes; that is no news for a terminal.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    return file.getvalue()


def _legend(figure: "Figure", axes: Sequence["Axes"]) -> None:
    """Each mark once, whatever panel shows it."""
    found: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    handles: list[Any] = list(found.values())
    place: Literal["outside upper center"] = "outside upper center"
    figure.legend(handles, list(found), loc=place, ncols=7, frameon=False, fontsize=9)


def _draw_line(axis: "Axes", line: SeriesLine) -> None:
    line = replace(line, values=np.clip(line.values, -MAX_VALUE, MAX_VALUE))
    across = _numbers(line.times)
    _mark_missing(axis, line, across)
    if len(line.values) <= 2 * BINS:
        axis.plot(across, line.values, color=TRUTH, linewidth=0.9, label="measured")
        _mark_lone(axis, across, line.values)
    else:
        middle, least, most = _envelope(line.values)
        axis.fill_between(
            across[middle], least, most, color=TRUTH, linewidth=0.6, edgecolor=TRUTH, label="measured"
        )
    if len(line.outliers):
        axis.scatter(
            across[line.outliers],
            line.values[line.outliers],
            s=26,
            facecolors="none",
            edgecolors=FORECAST,
            linewidths=1.3,
            zorder=3,
            label="outlier",
        )
    for name, row in zip(("validation", "test"), line.split_rows, strict=False):
        if 0 < row < len(across):
            axis.axvline(across[row], color=INK, linewidth=0.8, linestyle=":")
            _name_at(axis, across[row], name, INK)
    _dress(axis, line.title)
    _time_axis(axis, line.times)


def _mark_missing(axis: "Axes", line: SeriesLine, across: np.ndarray) -> None:
    """Bands where the file has no row, and where it has one without a value."""
    for chosen, color, label in (
        (line.gaps, GAP, "no row"),
        (np.isnan(line.values) & ~line.gaps, MISSING, "no value"),
    ):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
        if not len(edges):
            continue
        firsts, lasts = _joined(edges[::2], edges[1::2] - 1, len(line.values) // BINS)
        # From the row before to the row after, and with an edge, so that a single hole can be seen.
        low, high = across[np.maximum(firsts - 1, 0)], across[np.minimum(lasts + 1, len(across) - 1)]
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


def _joined(firsts: np.ndarray, lasts: np.ndarray, apart: int) -> tuple[np.ndarray, np.ndarray]:
    """Bands that stand so close that no eye parts them, as one."""
    new = np.append(True, firsts[1:] - lasts[:-1] > max(1, apart))
    begins = np.flatnonzero(new)
    return firsts[begins], lasts[np.append(begins[1:], len(firsts)) - 1]


def _mark_lone(axis: "Axes", across: np.ndarray, values: np.ndarray) -> None:
    """A value between two missing ones has no line, so it gets a dot."""
    known = ~np.isnan(values)
    alone = known & ~np.append(False, known[:-1]) & ~np.append(known[1:], False)
    if alone.any():
        axis.plot(across[alone], values[alone], ".", color=TRUTH, markersize=2.5)


def _envelope(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The middle row, least and greatest value of each of so many runs of rows; NaN where none was measured."""
    edges = np.linspace(0, len(values), BINS + 1).astype(np.int64)
    least, most = (extreme.reduceat(values, edges[:-1]) for extreme in (np.fmin, np.fmax))
    return (edges[:-1] + edges[1:]) // 2, least, most


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
    of = f" of {strip.total:,}" if strip.total > drawn else ""
    _dress(
        axis, f"what {drawn}{of} series measured: blue all of it, orange none of it, white not begun or over"
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
        label="within chance",
    )
    axis.vlines(lags, 0, correlation.values, color=BASELINE, linewidth=max(0.8, min(3.0, 260 / len(lags))))
    if correlation.raw is not None:
        axis.plot(lags, correlation.raw, color=INK, linewidth=1.1, label="with the moving mean")
    axis.axhline(0, color=INK, linewidth=0.8)
    for number, season in enumerate(correlation.seasons):
        if season > len(lags):
            continue
        label = "season" if not number else None
        axis.axvline(season, color=FORECAST, linewidth=1.2, linestyle="--", label=label)
        _name_at(axis, season, str(season), FORECAST)
    _dress(axis, correlation.title)
    axis.set_xlabel("steps apart", fontsize=8, color=INK)
    axis.set_xlim(0, len(lags) + 1)


def _name_at(axis: "Axes", across: float, name: str, color: str) -> None:
    """A word at the top of a panel, right of an upright line."""
    axis.text(
        across, 0.99, f" {name}", transform=axis.get_xaxis_transform(), fontsize=8, color=color, va="top"
    )


def _dress(axis: "Axes", title: str) -> None:
    axis.set_title(
        _short(title, 2 * MAX_TITLE), loc="left", fontsize=10, parse_math=False
    )  # a '$' is no formula
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", color=INK, alpha=0.25, linewidth=0.6)
    axis.tick_params(labelsize=8, color=INK)
    axis.margins(x=0.01)


def _numbers(times: np.ndarray) -> np.ndarray:
    """Times as matplotlib counts them, rows as they are."""
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


def _short(text: str, letters: int) -> str:
    text = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * letters])
    return text if len(text) <= letters else text[: letters - 1] + "…"
