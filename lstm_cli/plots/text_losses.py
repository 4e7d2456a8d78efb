"""Plot of the loss along a text."""

from collections.abc import Mapping

import numpy as np

from lstm_cli.plots.style import (
    BASELINE,
    FORECAST,
    INK,
    draw_legend,
    encode_figure,
    format_axis,
    name_axes,
    new_figure,
)

POINTS = 150  # of a line; the passages of a longer text are averaged
COLORS = (FORECAST, BASELINE)


def draw_text_losses(
    positions: np.ndarray,
    characters: np.ndarray,
    bits: Mapping[str, np.ndarray],
    levels: Mapping[str, float],
    *,
    title: str,
    format: str = "png",
) -> bytes:
    """Return the file of a plot with bits per character along a text. The same numbers give the same bytes.

    Args:
        positions: position of the first character of each passage [P].
        characters: characters of each passage [P].
        bits: bits of each passage [P], by name of the model; at most two.
        levels: bits per character of the whole text, by name, drawn as horizontal lines.
        title: title.
        format: `png`, `svg` or `pdf`.
    """
    figure = new_figure(10.0, 4.2)
    axis = figure.subplots()
    begins = np.unique(np.linspace(0, len(positions), min(POINTS, len(positions)) + 1).astype(int))[:-1]
    lengths = np.add.reduceat(characters, begins)
    middles = positions[begins] + lengths / 2
    for color, (name, values) in zip(COLORS, bits.items(), strict=False):
        sums = np.add.reduceat(values, begins)
        axis.plot(middles, sums / np.maximum(lengths, 1), color=color, linewidth=1.3, label=name)
        axis.axhline(values.sum() / characters.sum(), color=color, linewidth=0.8, linestyle=":")
    for name, level in levels.items():
        axis.axhline(level, color=INK, linewidth=1, linestyle="--", label=name)
    format_axis(axis, title)
    name_axes(axis, "position in the text (characters)", "bits per character")
    axis.set_ylim(bottom=0)
    axis.ticklabel_format(axis="x", style="plain", useOffset=False)
    axis.xaxis.set_major_formatter("{x:,.0f}")
    draw_legend(figure, [axis])
    return encode_figure(figure, format)
