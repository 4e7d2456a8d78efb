"""N-gram model of tokens, the baseline of a text model.

The estimate is interpolated Kneser-Ney with three discounts (Chen and Goodman 1999, "An empirical study of smoothing
techniques for language modeling"): the highest order counts occurrences, and each lower order counts the distinct
tokens in front of an n-gram. Below the lowest order is the uniform distribution, so each token has a probability.
"""

from dataclasses import dataclass

import numpy as np

ORDER = 5
SMALLEST_DISCOUNT = (
    1e-3  # without a discount, an unseen token after a known context would have no probability
)


@dataclass(frozen=True, kw_only=True)
class _Level:
    """Estimates of one order. The row of a context is that of the order below; order 1 has one context, row 0."""

    keys: np.ndarray  # [G] ascending: row of the context * number of tokens + token
    shares: np.ndarray  # [G] discounted probability of each n-gram
    backoff: np.ndarray  # [contexts] weight of the order below; 1 for a context that nothing follows

    def rows(self, context: np.ndarray, tokens: np.ndarray, size: int) -> np.ndarray:
        """Return the row [N] of each n-gram; -1 if it is unknown.

        Args:
            context: row of the context [N]; -1 if it is unknown.
            tokens: tokens [N].
            size: number of tokens in the vocabulary.
        """
        wanted = context * size + tokens
        found = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where((context >= 0) & (self.keys[found] == wanted), found, -1)


@dataclass(frozen=True, kw_only=True)
class NGramModel:
    """Fitted model of one order and all lower ones."""

    size: int  # of the vocabulary, V
    levels: tuple[_Level, ...]

    @property
    def order(self) -> int:
        """Return the number of tokens in the longest n-gram."""
        return len(self.levels)

    def losses(self, tokens: np.ndarray) -> np.ndarray:
        """Return the negative log-probability in nats [N] of each token [N], which knows the tokens before it.

        The first tokens have a shorter context.
        """
        tokens = tokens.astype(np.int64)
        probability = np.full(len(tokens), 1 / self.size)
        context = np.zeros(
            len(tokens), dtype=np.int64
        )  # row of the tokens before, as an n-gram of the order below
        for level in self.levels:
            rows = level.rows(context, tokens, self.size)
            known = context >= 0
            weight = np.where(known, level.backoff[np.maximum(context, 0)], 1.0)
            probability = np.where(rows >= 0, level.shares[rows], 0.0) + weight * probability
            context = np.concatenate([[-1], rows[:-1]])  # the n-gram that ends at the token before
        return -np.log(probability)


def fit_n_grams(tokens: np.ndarray, size: int, *, order: int = ORDER) -> NGramModel:
    """Return the n-gram model of a text.

    Args:
        tokens: tokens [N] of the training text, at least one.
        size: number of tokens in the vocabulary.
        order: tokens in the longest n-gram; a shorter text has a lower order.
    """
    tokens = tokens.astype(np.int64)
    keys: list[np.ndarray] = []  # of the n-grams of each order
    counts: list[np.ndarray] = []
    contexts = np.zeros(len(tokens), dtype=np.int64)  # row of the n-gram before each token
    ends = np.empty(0, dtype=np.int64)  # row of the n-gram of the order below that ends at each token
    for number in range(min(order, len(tokens))):
        distinct, first, rows, occurrences = np.unique(
            contexts * size + tokens[number:], return_index=True, return_inverse=True, return_counts=True
        )
        if number:  # distinct tokens in front of each n-gram of the order below
            counts[-1] = np.bincount(ends[1:][first], minlength=len(keys[-1]))
        keys.append(distinct)
        counts.append(occurrences)
        contexts, ends = rows[:-1], rows
    rows_below = [1, *(len(each) for each in keys[:-1])]
    levels = map(_level, keys, counts, rows_below, [size] * len(keys))
    return NGramModel(size=size, levels=tuple(levels))


def _level(keys: np.ndarray, counts: np.ndarray, contexts: int, size: int) -> _Level:
    """Return the estimates of one order from the counts [G] of its n-grams.

    Args:
        keys: keys of the n-grams [G].
        counts: occurrences, or distinct tokens in front.
        contexts: rows of the order below.
        size: number of tokens in the vocabulary.
    """
    context = keys // size
    discount = _discounts(counts)[np.minimum(counts, 3)]
    totals = np.bincount(context, weights=counts, minlength=contexts)
    removed = np.bincount(context, weights=discount, minlength=contexts)
    known = totals > 0
    backoff = np.where(known, removed / np.where(known, totals, 1.0), 1.0)
    shares = (counts - discount) / np.where(known, totals, 1.0)[context]
    return _Level(keys=keys, shares=shares, backoff=backoff)


def _discounts(counts: np.ndarray) -> np.ndarray:
    """Return the discount [4] of n-grams that were counted 0, 1, 2 and at least 3 times."""
    once, twice, thrice, four = (int((counts == number).sum()) for number in (1, 2, 3, 4))
    if not once or not twice:
        return np.array([0.0, *[0.5] * 3])
    scale = once / (once + 2 * twice)
    ratios = (twice / once, thrice / twice, four / thrice if thrice else 0.0)
    raw = [number - (number + 1) * scale * ratio for number, ratio in enumerate(ratios, 1)]
    return np.array(
        [0.0, *(min(max(value, SMALLEST_DISCOUNT), number) for number, value in enumerate(raw, 1))]
    )
