"""Choice of the next token from the scores of a model: temperature, top-k and top-p.

Top-p is nucleus sampling (Holtzman et al. 2020, "The curious case of neural text degeneration"). The order is that of
other programs: the temperature first, then top-k, then top-p.
"""

from collections.abc import Callable

import numpy as np

from lstm_cli.text.vocabulary import UNKNOWN

COLDEST = (
    1e-4  # temperature below which the most probable token always wins; its inverse stays a small number
)
DRAWN_AT_ONCE = 1_024  # random numbers; one at a time costs more than the rest of a choice

Chooser = Callable[[np.ndarray], np.ndarray]


def make_sampler(
    *,
    temperature: float,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
    samples: range = range(1),
) -> Chooser:
    """Return a function from logits [B, V] of B samples to their next tokens [B]. It changes the logits.

    The token UNKNOWN is never chosen. Each sample has its own random numbers, so more samples do not change those of
    the first ones.

    Args:
        temperature: divisor of the logits; 0 chooses the most probable token.
        top_k: choose from the K most probable tokens, and those that are as probable as the last of them.
        top_p: choose from the most probable tokens that have the probability P together.
        seed: random seed.
        samples: numbers of the samples, which select their random numbers.
    """
    if temperature < COLDEST:
        return _most_probable
    draw = _uniform(seed, samples)

    def choose(logits: np.ndarray) -> np.ndarray:
        logits[:, UNKNOWN] = -np.inf
        logits -= logits.max(axis=1, keepdims=True)
        logits *= np.float32(1 / temperature)
        weights = np.exp(logits, out=logits)
        if top_k is not None and top_k < weights.shape[1]:
            weights[weights < np.partition(weights, -top_k, axis=1)[:, -top_k, None]] = 0
        if top_p is not None:
            _keep_nucleus(weights, top_p)
        sums = weights.cumsum(axis=1, dtype=np.float64)
        chosen: np.ndarray = (sums <= draw() * sums[:, -1:]).sum(axis=1)
        return chosen

    return choose


def _most_probable(logits: np.ndarray) -> np.ndarray:
    logits[:, UNKNOWN] = -np.inf
    chosen: np.ndarray = logits.argmax(axis=1)
    return chosen


def _keep_nucleus(weights: np.ndarray, share: float) -> None:
    """Set the weights [B, V] to 0 that do not belong to the most probable tokens with this share of the sum."""
    order = np.argsort(-weights, axis=1, kind="stable")
    sorted_weights = np.take_along_axis(weights, order, axis=1)
    before = sorted_weights.cumsum(axis=1, dtype=np.float64) - sorted_weights
    sorted_weights[before >= share * weights.sum(axis=1, keepdims=True, dtype=np.float64)] = 0
    np.put_along_axis(weights, order, sorted_weights, axis=1)


def _uniform(seed: int, samples: range) -> Callable[[], np.ndarray]:
    """Return a function that draws a number [B, 1] from 0 to below 1 for each sample."""
    generators = [np.random.default_rng([seed, sample]) for sample in samples]
    drawn, used = np.empty((DRAWN_AT_ONCE, len(samples), 1)), DRAWN_AT_ONCE

    def draw() -> np.ndarray:
        nonlocal used
        if used == DRAWN_AT_ONCE:
            for index, generator in enumerate(generators):
                drawn[:, index, 0] = generator.random(DRAWN_AT_ONCE)
            used = 0
        used += 1
        row: np.ndarray = drawn[used - 1]
        return row

    return draw
