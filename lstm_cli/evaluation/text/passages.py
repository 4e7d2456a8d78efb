"""Scores of a text model over passages of a text, with intervals.

Neighbouring passages are alike, so the intervals are those of a time series (`evaluation/uncertainty.py`): the ratio of
two sums over the passages, such as nats and characters.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lstm_cli.evaluation.uncertainty import WindowTimes, ratio_of_sums, student_t_quantile
from lstm_cli.text.dataset import SplitCounts

METRICS: Mapping[str, str] = {
    "bpc": "bits/character",
    "bpb": "bits/byte",
    "perplexity": "perplexity",
    "loss": "nats/token",
}
LEVEL = 0.95
PASSAGE = 200  # characters of a passage, in the mean
MOST_PASSAGES = 2_000
FEWEST_PASSAGES = 4  # for an interval


@dataclass(frozen=True, kw_only=True)
class Passages:
    """Passages of a text: P parts with about the same number of tokens."""

    bounds: np.ndarray  # [P + 1] token at which each passage begins, and the end
    characters: np.ndarray  # [P]
    size: SplitCounts  # of the whole text

    @property
    def starts(self) -> np.ndarray:
        """Return the position of the first character of each passage [P]."""
        sums: np.ndarray = np.cumsum(self.characters) - self.characters
        return sums

    @property
    def tokens(self) -> np.ndarray:
        """Return the number of tokens in each passage [P]."""
        counts: np.ndarray = np.diff(self.bounds)
        return counts

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of values of tokens [N] over each passage [P]."""
        return np.add.reduceat(values, self.bounds[:-1])


@dataclass(frozen=True, kw_only=True)
class TextScores:
    """Loss of a model on a text."""

    passages: Passages
    losses: np.ndarray  # [N] nats of each token

    @cached_property
    def sums(self) -> np.ndarray:
        """Return the nats of each passage [P]."""
        return self.passages.sums(self.losses)

    def metrics(self) -> dict[str, float | None]:
        """Return all metrics of METRICS."""
        return text_metrics(float(self.losses.sum()), self.passages.size)

    def intervals(self) -> dict[str, list[float | None]]:
        """Return the 95 % interval of each metric; it is empty for a text with few passages."""
        size, passages = self.passages.size, self.passages
        characters = _interval(self.sums / math.log(2), passages.characters)
        tokens = _interval(self.sums, passages.tokens)
        if characters is None or tokens is None:
            return {}
        bpc, loss = ([max(0.0, end) for end in ends] for ends in (characters, tokens))
        share = size.characters / size.bytes
        return {
            "bpc": [*bpc],
            "bpb": [end * share for end in bpc],
            "perplexity": [_perplexity(end) for end in loss],
            "loss": [*loss],
        }

    def compare(self, other: "TextScores") -> dict[str, Any]:
        """Return the difference from another model in bits per character, negative if this one is better.

        `interval` is its 95 % interval, None for a text with few passages.
        """
        bits = (self.sums - other.sums) / math.log(2)
        difference = float(bits.sum()) / self.passages.size.characters
        return {
            "metric": "bpc",
            "difference": difference,
            "interval": _interval(bits, self.passages.characters),
        }


def text_metrics(nats: float, size: SplitCounts) -> dict[str, float | None]:
    """Return the metrics of METRICS for the loss of a whole text in nats. An infinite perplexity is None."""
    bits, loss = nats / math.log(2), nats / size.tokens
    return {
        "bpc": bits / size.characters,
        "bpb": bits / size.bytes,
        "perplexity": _perplexity(loss),
        "loss": loss,
    }


def divide_text(characters: np.ndarray, size: SplitCounts) -> Passages:
    """Return the passages of a text.

    Args:
        characters: characters that each token completes [N].
        size: length of the text.
    """
    count = max(1, min(MOST_PASSAGES, size.characters // PASSAGE, len(characters)))
    bounds = np.linspace(0, len(characters), count + 1).round().astype(np.int64)
    return Passages(bounds=bounds, characters=np.add.reduceat(characters, bounds[:-1]), size=size)


def _interval(top: np.ndarray, bottom: np.ndarray) -> list[float] | None:
    """Return the 95 % interval of sum(top) / sum(bottom) over passages [P] in their order; None for few of them."""
    count = len(top)
    if count < FEWEST_PASSAGES:
        return None
    passages = WindowTimes(moment=np.arange(count), count=count, disjoint=count, horizon=1.0)
    ratio, error, freedom = ratio_of_sums(top, bottom, passages)
    margin = student_t_quantile((1 + LEVEL) / 2, freedom) * error
    return [ratio - margin, ratio + margin]


def _perplexity(loss: float) -> float | None:
    return math.exp(loss) if loss < math.log(np.finfo(np.float64).max) else None
