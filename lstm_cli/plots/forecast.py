"""Plot of forecasts: after the last row for `predict`, over measured windows for `evaluate` and `train`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

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
    time_numbers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 10.0  # inches
LONG_HORIZON = 60  # steps; longer horizons get panels over the whole width
SMALL_PANELS = 4  # more panels are drawn in three columns
PATHS_SHOWN = 20  # sample paths; more are a block
WIDEST_ALPHA, NARROWEST_ALPHA = 0.14, 0.32  # of prediction intervals, which must not hide the lines


@dataclass(frozen=True, kw_only=True)
class Band:
    """Prediction interval over the horizon."""

    name: str  # e.g. "80 % interval"
    low: np.ndarray  # [H]
    high: np.ndarray  # [H]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Panel of a forecast: h measured rows before it, and its H steps."""

    title: str
    target: str
    time_name: str
    times: np.ndarray  # [h + H] datetime64, or whole numbers
    history: np.ndarray  # [h], NaN where not measured
    forecast: np.ndarray  # [H]
    forecast_name: str = "forecast"
    truth: np.ndarray | None = None  # [H], NaN where not measured; None: not known yet
    baseline: np.ndarray | None = None  # [H]
    baseline_name: str = ""
    bands: Sequence[Band] = ()  # widest first
    quantiles: np.ndarray | None = None  # [Q, H]
    quantiles_name: str = ""
    paths: np.ndarray | None = None  # [P, H] sample paths


def draw_forecast(panels: Sequence[Panel], *, title: str = "", format: str = "png") -> bytes:
    """Return the file of one or more panels. The same panels give the same bytes.

    Args:
        panels: Panels to draw.
        title: Text above all panels; "" for none.
        format: `png`, `svg` or `pdf`.
    """
    long = len(panels[0].forecast) > LONG_HORIZON
    columns = 1 if len(panels) == 1 else 3 if len(panels) > SMALL_PANELS else 1 if long else 2
    rows = -(-len(panels) // columns)
    height = 3.6 if len(panels) == 1 else 2.2 if columns == 3 else 2.4 if long else 2.9
    figure = new_figure(WIDTH, 0.6 + 0.3 * bool(title) + height * rows)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for number, (axis, panel) in enumerate(zip(axes, panels, strict=False)):
        _draw(axis, panel, columns=columns)
        last = number + columns >= len(panels)  # of its column
        name_axes(axis, panel.time_name if last else "", panel.target, max_length=int(11 * height))
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    if title:
        figure.suptitle(title, fontsize=11, x=0.01, ha="left", parse_math=False)
    draw_legend(figure, axes[: len(panels)])
    return encode_figure(figure, format)


def _draw(axis: "Axes", panel: Panel, *, columns: int) -> None:
    times = time_numbers(panel.times)
    origin = len(panel.history)
    before, ahead = times[:origin], times[origin:]
    single = len(ahead) == 1  # a line or an area at one point is invisible
    if origin:
        axis.axvspan((before[-1] + ahead[0]) / 2, ahead[-1], color=INK, alpha=0.07, linewidth=0, zorder=0)
    # The legend has the order of the calls. What lies in front is decided by zorder.
    _draw_measured(axis, times, panel)
    marker = "o" if single else ""
    # Wide and behind the measured values, so that both are visible where they agree.
    axis.plot(
        ahead,
        panel.forecast,
        color=FORECAST,
        linewidth=2.4,
        marker=marker,
        label=panel.forecast_name,
        zorder=2.5,
    )
    if panel.baseline is not None:
        style: Any = {"color": BASELINE, "linewidth": 1.1, "linestyle": "--", "marker": marker, "zorder": 2}
        axis.plot(ahead, panel.baseline, label=panel.baseline_name, **style)
    if panel.quantiles is not None:
        lines = axis.plot(
            ahead,
            panel.quantiles.T,
            color=FORECAST,
            linewidth=0.9,
            linestyle=":",
            marker="_" if single else "",
        )
        lines[0].set_label(panel.quantiles_name)
    if panel.paths is not None:
        shown = panel.paths[:PATHS_SHOWN]
        lines = axis.plot(
            ahead, shown.T, color=FORECAST, linewidth=0.6, alpha=0.45, marker="." if single else ""
        )
        lines[0].set_label(f"sample paths ({len(shown):,} of {len(panel.paths):,})")
    alphas = np.linspace(NARROWEST_ALPHA, WIDEST_ALPHA, len(panel.bands)).tolist()
    for band, alpha in zip(reversed(panel.bands), alphas, strict=True):
        _draw_band(axis, ahead, band, _with_white(FORECAST, alpha), zorder=1 + alpha)
    format_axis(axis, panel.title, max_title={1: 2 * MAX_TITLE, 2: MAX_TITLE, 3: 2 * MAX_TITLE // 3}[columns])
    format_times(axis, panel.times, ticks={1: 9, 2: 7, 3: 4}[columns])


def _draw_measured(axis: "Axes", times: np.ndarray, panel: Panel) -> None:
    """Draw the measured values of history and horizon as one line, so that there is no gap at the origin."""
    values = panel.history if panel.truth is None else np.concatenate([panel.history, panel.truth])
    axis.plot(times[: len(values)], values, color=TRUTH, linewidth=1.1, label="measured", zorder=3)
    known = ~np.isnan(values)
    alone = known & ~np.append(False, known[:-1]) & ~np.append(known[1:], False)
    if (
        panel.truth is not None and len(panel.truth) == 1
    ):  # the only measured step, to compare with the forecast
        alone[-1] = known[-1]
    if alone.any():  # a value between two missing ones has no line
        axis.plot(times[: len(values)][alone], values[alone], ".", color=TRUTH, markersize=5, zorder=3)


def _draw_band(axis: "Axes", ahead: np.ndarray, band: Band, color: str, *, zorder: float) -> None:
    if len(ahead) == 1:
        axis.vlines(ahead, band.low, band.high, color=color, linewidth=8, label=band.name, zorder=zorder)
    else:
        axis.fill_between(
            ahead, band.low, band.high, color=color, linewidth=0, label=band.name, zorder=zorder
        )


def _with_white(color: str, alpha: float) -> str:
    """Return a color on a white ground, so that areas over each other do not add up.

    >>> _with_white("#d1495b", 0.5)
    '#e8a4ad'
    """
    parts = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return "#" + "".join(f"{round(255 - alpha * (255 - part)):02x}" for part in parts)
