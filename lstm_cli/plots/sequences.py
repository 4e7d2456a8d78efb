"""Plot of labelled sequences: their lengths, and the number of each class."""

from collections.abc import Mapping

import numpy as np

from lstm_cli.plots.style import (
    BASELINE,
    FORECAST,
    INK,
    TRUTH,
    draw_legend,
    encode_figure,
    format_axis,
    new_figure,
    short_text,
)

MAX_BINS = 40
MAX_CLASSES = 30  # the largest classes
MAX_NAME = 18  # characters of a name
COLORS = {"train": BASELINE, "validation": FORECAST, "test": TRUTH, "all": BASELINE}


def draw_sequences(
    steps: np.ndarray,
    max_length: int | None,
    counts: Mapping[str, Mapping[str, int]],
    *,
    format: str = "png",
    of_documents: bool = False,
) -> bytes:
    """Return the file of a plot. The same numbers give the same bytes.

    Args:
        steps: number of steps [S] of each sequence.
        max_length: steps that a model reads; None: not known.
        counts: sequences of each class, by the name of a part such as `train`.
        format: `png`, `svg` or `pdf`.
        of_documents: whether the sequences are documents, whose steps are tokens.
    """
    noun, step = ("document", "token") if of_documents else ("sequence", "step")
    names = sorted(counts, key=lambda name: -sum(counts[name].values()))
    shown = names[:MAX_CLASSES]
    figure = new_figure(10.0, max(3.6, 1.4 + 0.26 * len(shown)))
    left, right = figure.subplots(1, 2)
    left.hist(steps, bins=_edges(steps), color=BASELINE)
    if max_length is not None:
        left.axvline(
            max_length + 0.5, color=INK, linewidth=1, linestyle="--", label=f"--max-length {max_length}"
        )
    left.set(xlabel=f"{step}s of a {noun}", ylabel=f"{noun}s")
    format_axis(left, "lengths")
    begins = np.zeros(len(shown))
    for part in dict.fromkeys(part for name in shown for part in counts[name]):
        widths = np.array([counts[name].get(part, 0) for name in shown])
        right.barh(
            range(len(shown)), widths, left=begins, color=COLORS[part], label=part if part != "all" else ""
        )
        begins += widths
    right.set_yticks(range(len(shown)), [short_text(name, MAX_NAME) for name in shown], parse_math=False)
    right.invert_yaxis()
    right.set(xlabel=f"{noun}s")
    more = "" if len(names) == len(shown) else f" ({len(shown)} largest of {len(names):,})"
    format_axis(right, f"classes{more}")
    right.grid(visible=False)
    draw_legend(figure, (left, right))
    return encode_figure(figure, format)


def _edges(steps: np.ndarray) -> np.ndarray:
    """Return the edges of bins of whole numbers of steps."""
    low, high = int(steps.min()), int(steps.max())
    width = -(-(high - low + 1) // MAX_BINS)
    return np.arange(low, high + width + 1, width) - 0.5
