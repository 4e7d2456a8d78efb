"""Plot of a learning rate range test."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.plots.style import BASELINE, FORECAST, INK, TRUTH, use_temporary_cache

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_RELATIVE_LOSS = 1.5  # of the untrained loss; larger losses are cut off, so that the decrease is visible


@dataclass(frozen=True, kw_only=True)
class RateCurve:
    """Losses of a network over the learning rate."""

    title: str
    lr: np.ndarray  # [S], ascending
    loss: np.ndarray  # [S], per batch
    smoothed: np.ndarray  # [S]
    suggestion: float | None


def draw_range_test(curves: Sequence[RateCurve]) -> bytes:
    """Return a PNG of one or more curves. The same curves give the same bytes."""
    use_temporary_cache()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 * len(curves) + 0.6, 3.9), layout="constrained", facecolor="white")
    axes = figure.subplots(1, len(curves), squeeze=False)[0]
    for axis, curve in zip(axes, curves, strict=True):
        _draw(axis, curve)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    return file.getvalue()


def _draw(axis: "Axes", curve: RateCurve) -> None:
    axis.set_xscale("log")
    axis.plot(curve.lr, curve.loss, color=BASELINE, alpha=0.4, linewidth=0.8, label="loss of a batch")
    axis.plot(curve.lr, curve.smoothed, color=TRUTH, linewidth=1.8, label="smoothed")
    if curve.suggestion is not None:
        axis.axvline(curve.suggestion, color=FORECAST, linewidth=1.4, linestyle="--", label="suggestion")
    axis.set_title(curve.title, loc="left", fontsize=10, parse_math=False)
    axis.set_xlabel("learning rate", fontsize=8, color=INK)
    axis.set_ylabel("training loss", fontsize=8, color=INK)
    axis.set_ylim(0, MAX_RELATIVE_LOSS * float(curve.loss[:20].max()))
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", color=INK, alpha=0.25, linewidth=0.6)
    axis.tick_params(labelsize=8, color=INK)
