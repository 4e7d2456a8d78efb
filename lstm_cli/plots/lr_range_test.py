"""Plot of a learning rate range test."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.plots.style import (
    BASELINE,
    FORECAST,
    TRUTH,
    draw_legend,
    encode_figure,
    format_axis,
    name_axes,
    new_figure,
)

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
    figure = new_figure(5.2 * len(curves) + 0.6, 3.9)
    axes = list(figure.subplots(1, len(curves), squeeze=False)[0])
    for axis, curve in zip(axes, curves, strict=True):
        _draw(axis, curve)
    draw_legend(figure, axes, columns=3)
    return encode_figure(figure)


def _draw(axis: "Axes", curve: RateCurve) -> None:
    axis.set_xscale("log")
    axis.plot(curve.lr, curve.loss, color=BASELINE, alpha=0.4, linewidth=0.8, label="loss of a batch")
    axis.plot(curve.lr, curve.smoothed, color=TRUTH, linewidth=1.8, label="smoothed")
    if curve.suggestion is not None:
        axis.axvline(
            curve.suggestion, color=FORECAST, linewidth=1.4, linestyle="--", label="suggested learning rate"
        )
    format_axis(axis, curve.title)
    name_axes(axis, "learning rate", "training loss")
    axis.set_ylim(0, MAX_RELATIVE_LOSS * float(curve.loss[:20].max()))
