"""Plot of a hyperparameter search: importance of the settings, and each setting against the validation score."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.plots.style import (
    BASELINE,
    FORECAST,
    INK,
    TRUTH,
    draw_legend,
    encode_figure,
    format_axis,
    name_axes,
    new_figure,
    short_text,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 10.0  # inches
COLUMNS = 3
BAR_HEIGHT = 0.24  # inches
MAX_NAME = 24  # characters of a setting or a value
LEVEL_NAMES = 14  # characters of all values of a choice that fit side by side; longer ones are turned


@dataclass(frozen=True, kw_only=True)
class SettingPanel:
    """Searched setting: its importance, and its value in each trial."""

    title: str
    values: Sequence[float] | Sequence[str]  # [N] numbers or names
    log: bool
    order: Sequence[str] = ()  # names from left to right; () for numbers
    share: float | None = None  # of the scores' variance, 0 to 1; None: not known


def draw_search(panels: Sequence[SettingPanel], scores: Sequence[float], *, metric: str) -> bytes:
    """Return a PNG of the importance, and one panel per setting, the most important first. The best trial is marked.

    The same search gives the same bytes.

    Args:
        panels: Settings to draw.
        scores: Validation score of each trial.
        metric: Name of the score.
    """
    panels = sorted(panels, key=lambda panel: -(panel.share or 0.0))
    rows = -(-len(panels) // COLUMNS)
    heights = [0.7 + BAR_HEIGHT * len(panels), 2.7 * rows]
    figure = new_figure(WIDTH, sum(heights) + 0.5)
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=heights).flat
    _draw_importance(above.subplots(), panels)
    axes = below.subplots(rows, COLUMNS, squeeze=False, sharey=True)
    best = int(np.argmin(scores))
    for axis, panel in zip(axes.flat, panels, strict=False):
        _draw(axis, panel, scores, best)
    for axis in list(axes.flat)[len(panels) :]:
        axis.set_visible(False)
    for axis in axes[:, 0]:
        name_axes(axis, "", f"validation {metric}")
    draw_legend(figure, list(axes.flat)[: len(panels)])
    return encode_figure(figure)


def _draw_importance(axis: "Axes", panels: Sequence[SettingPanel]) -> None:
    """Draw a bar for each setting."""
    known = all(panel.share is not None for panel in panels)
    rows, shares = list(range(len(panels))), [100 * (panel.share or 0.0) for panel in panels]
    axis.barh(rows, shares, height=0.65, color=BASELINE)
    for row, share in zip(rows, shares, strict=True):
        axis.text(
            share + 0.7, row, f"{share:.0f} %" if known else "not known", va="center", fontsize=8, color=INK
        )
    format_axis(
        axis,
        "importance: share of the scores' variance that a setting explains alone"
        if known
        else "importance: too few different scores to tell",
        max_title=120,
    )
    axis.set_yticks(
        rows, [short_text(panel.title, MAX_NAME) for panel in panels], fontsize=8, parse_math=False
    )
    axis.invert_yaxis()
    axis.set_xlim(0, max(10.0, *shares) * 1.12)
    axis.grid(visible=False)
    axis.grid(axis="x", color=INK, alpha=0.25, linewidth=0.6)
    axis.set_axisbelow(True)
    name_axes(axis, "percent")


def _draw(axis: "Axes", panel: SettingPanel, scores: Sequence[float], best: int) -> None:
    positions: np.ndarray
    if panel.order:
        positions = np.array([panel.order.index(str(value)) for value in panel.values], dtype=float)
    else:
        positions = np.array(panel.values, dtype=float)
    axis.scatter(positions, scores, s=22, color=TRUTH, alpha=0.55, linewidths=0, label="trial")
    axis.scatter(
        positions[best],
        scores[best],
        s=70,
        color=FORECAST,
        edgecolors="white",
        zorder=3,
        label="best trial",
    )
    share = "" if panel.share is None else f" ({100 * panel.share:.0f} %)"
    format_axis(axis, short_text(panel.title, MAX_NAME) + share)
    axis.margins(x=0.06)
    if panel.order:
        _name_choices(axis, panel.order)
    elif panel.log:
        _log_axis(axis, positions)
    else:
        from matplotlib.ticker import MaxNLocator

        axis.xaxis.set_major_locator(MaxNLocator(5))


def _name_choices(axis: "Axes", names: Sequence[str]) -> None:
    """Write the values of a choice below their positions, turned if they do not fit side by side."""
    turned = len(names) * max(map(len, names)) > 3 * LEVEL_NAMES
    axis.set_xticks(
        range(len(names)),
        [short_text(name, MAX_NAME) for name in names],
        rotation=40 if turned else 0,
        ha="right" if turned else "center",
        rotation_mode="anchor",
        parse_math=False,
    )
    axis.set_xlim(-0.5, len(names) - 0.5)


def _log_axis(axis: "Axes", positions: np.ndarray) -> None:
    """Draw a logarithmic axis with few numbers, because those of a narrow range would collide."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axis.set_xscale("log")
    low, high = np.log10(positions.min()), np.log10(positions.max())
    steps = (1.0,) if high - low > 2 else (1.0, 3.0) if high - low > 0.7 else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
    decades = range(int(np.floor(low)) - 1, int(np.ceil(high)) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    every = -(-int(high - low) // 6) or 1 if len(steps) == 1 else 1
    axis.xaxis.set_major_locator(FixedLocator(ticks[::every]))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
