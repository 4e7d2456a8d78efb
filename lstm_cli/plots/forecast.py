"""Plot of forecasts and measured values."""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.plots.style import BASELINE, FORECAST, INK, TRUTH, use_temporary_cache

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_TITLE = 60  # characters that fit above a panel


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Panel of a window: the history (h rows), and over the horizon (H rows) the measured values and two forecasts."""

    title: str
    times: np.ndarray  # [h + H] datetime64, or row numbers
    history: np.ndarray  # [h]
    truth: np.ndarray  # [H], NaN where not measured
    forecast: np.ndarray  # [H]
    baseline: np.ndarray  # [H]
    baseline_name: str
    interval_ends: np.ndarray | None = None  # [4, H]: lo80, hi80, lo95, hi95 of the prediction intervals


def draw_forecast(panels: Sequence[Panel]) -> bytes:
    """Return a PNG of one or more panels. The same panels give the same bytes."""
    use_temporary_cache()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = 1 if len(panels) == 1 else 2
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(10, 1.0 + 2.9 * rows), layout="constrained", facecolor="white")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis, panel in zip(axes, panels, strict=False):
        _draw(axis, panel)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=5, frameon=False)
    file = io.BytesIO()
    with warnings.catch_warnings():
        # Characters that the font lacks are drawn as boxes, which needs no warning.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    return file.getvalue()


def _draw(axis: "Axes", panel: Panel) -> None:
    before, ahead = panel.times[: len(panel.history)], panel.times[len(panel.history) :]
    # One line for history and horizon, so that there is no gap at the origin.
    axis.plot(panel.times, [*panel.history, *panel.truth], color=TRUTH, linewidth=1.3, label="measured")
    marker = "o" if len(ahead) == 1 else ""  # a line through one point is invisible
    axis.plot(
        ahead,
        panel.baseline,
        color=BASELINE,
        linewidth=1.2,
        linestyle="--",
        marker=marker,
        label=panel.baseline_name,
    )
    if panel.interval_ends is not None:
        _draw_intervals(axis, ahead, panel.interval_ends)
    axis.plot(ahead, panel.forecast, color=FORECAST, linewidth=1.8, marker=marker, label="forecast")
    axis.axvspan(before[-1], panel.times[-1], color=INK, alpha=0.08, linewidth=0)
    title = panel.title if len(panel.title) <= MAX_TITLE else panel.title[: MAX_TITLE - 1] + "…"
    axis.set_title(title, loc="left", fontsize=10, parse_math=False)  # a '$' is not a formula
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", color=INK, alpha=0.25, linewidth=0.6)
    axis.tick_params(labelsize=8, color=INK)
    axis.margins(x=0.01)
    if np.issubdtype(panel.times.dtype, np.datetime64):
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(minticks=3, maxticks=7)
        axis.xaxis.set_major_locator(locator)
        axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _draw_intervals(axis: "Axes", ahead: np.ndarray, ends: np.ndarray) -> None:
    """Draw the intervals in faint colors, so that the lines in front of them stay visible."""
    if len(ahead) == 1:  # an area at one point is invisible
        axis.vlines(ahead, ends[2], ends[3], color=FORECAST, alpha=0.25, linewidth=3, label="95 % interval")
        axis.vlines(ahead, ends[0], ends[1], color=FORECAST, alpha=0.45, linewidth=3, label="80 % interval")
        return
    axis.fill_between(
        ahead, ends[2], ends[3], color=FORECAST, alpha=0.10, linewidth=0, zorder=1, label="95 % interval"
    )
    axis.fill_between(
        ahead, ends[0], ends[1], color=FORECAST, alpha=0.18, linewidth=0, zorder=1, label="80 % interval"
    )
