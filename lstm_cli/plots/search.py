"""Plot of a hyperparameter search: each searched setting against the validation score."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.plots.style import FORECAST, INK, TRUTH, use_temporary_cache

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, kw_only=True)
class SettingPanel:
    """Panel of a searched setting: its value in each trial."""

    title: str
    values: Sequence[float] | Sequence[str]  # [N] numbers or names
    log: bool
    order: Sequence[str] = ()  # names from left to right; () for numbers


def draw_search(panels: Sequence[SettingPanel], scores: Sequence[float], *, metric: str) -> bytes:
    """Return a PNG with one panel per setting and the best trial marked. The same search gives the same bytes.

    Args:
        panels: Panels to draw.
        scores: Validation score of each trial.
        metric: Name of the score.
    """
    use_temporary_cache()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(3.6 * columns + 0.6, 2.9 * rows + 0.6), layout="constrained", facecolor="white")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True)
    best = int(np.argmin(scores))
    for axis, panel in zip(axes.flat, panels, strict=False):
        _draw(axis, panel, scores, best)
    for axis in list(axes.flat)[len(panels) :]:
        axis.set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel(f"validation {metric}", fontsize=8, color=INK)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    return file.getvalue()


def _draw(axis: "Axes", panel: SettingPanel, scores: Sequence[float], best: int) -> None:
    positions: np.ndarray
    if panel.order:
        positions = np.array([panel.order.index(str(value)) for value in panel.values], dtype=float)
        axis.set_xticks(range(len(panel.order)), panel.order)
        axis.set_xlim(-0.5, len(panel.order) - 0.5)
    else:
        positions = np.array(panel.values, dtype=float)
        if panel.log:
            axis.set_xscale("log")
    axis.scatter(positions, scores, s=22, color=TRUTH, alpha=0.55, linewidths=0, label="trial")
    axis.scatter(
        positions[best],
        scores[best],
        s=70,
        color=FORECAST,
        edgecolors="white",
        zorder=3,
        label="the best trial",
    )
    axis.set_title(panel.title, loc="left", fontsize=10, parse_math=False)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", color=INK, alpha=0.25, linewidth=0.6)
    axis.tick_params(labelsize=8, color=INK)
