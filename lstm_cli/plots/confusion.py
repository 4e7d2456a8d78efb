"""Plot of a confusion matrix, next to the calibration of the probabilities."""

from collections.abc import Mapping, Sequence

import numpy as np

from lstm_cli.plots.style import FORECAST, INK, encode_figure, new_figure

MAX_NUMBERS = 15  # classes; the cells of more have no numbers
MAX_NAMES = 40  # classes; the axes of more have no names
MAX_NAME = 16  # characters of a name
COLORS = "Blues"


def draw_confusion(
    matrix: np.ndarray,
    classes: Sequence[str],
    reliability: Sequence[Mapping[str, float]],
    *,
    format: str = "png",
) -> bytes:
    """Return the file of a plot. The same numbers give the same bytes.

    Args:
        matrix: counts [K, K]; rows are true classes, columns are predictions.
        classes: names of the K classes.
        reliability: share, confidence and accuracy of each bin of probabilities.
        format: `png`, `svg` or `pdf`.
    """
    figure = new_figure(10.0, 4.8)
    left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": [1.3, 1]})
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    left.imshow(shares, cmap=COLORS, vmin=0, vmax=1, aspect="auto")
    names = [_shortened(name) for name in classes] if len(classes) <= MAX_NAMES else []
    places = range(len(names))
    turned = max(map(len, names), default=0) > 4 and len(names) > 3
    left.set_xticks(places, names, rotation=45 if turned else 0, ha="right" if turned else "center")
    left.set_yticks(places, names)
    left.set(xlabel="predicted", ylabel="true", title="share of the true class")
    if len(classes) <= MAX_NUMBERS:
        for row, column in np.ndindex(matrix.shape):
            color = "white" if shares[row, column] > 0.6 else "black"
            left.text(
                column, row, f"{matrix[row, column]:,}", ha="center", va="center", color=color, fontsize=9
            )
    right.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle="--")
    sizes = [20 + 180 * row["share"] for row in reliability]
    right.scatter(
        [row["confidence"] for row in reliability],
        [row["accuracy"] for row in reliability],
        s=sizes,
        color=FORECAST,
    )
    right.set(
        xlabel="probability of the predicted class",
        ylabel="share that is correct",
        title="calibration",
        xlim=(0, 1.03),
        ylim=(-0.03, 1.05),
    )
    return encode_figure(figure, format)


def _shortened(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
