"""Numbers for pages: ticks of an axis, digits that a chart can show, and texts."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

RESOLUTION = 2_000  # steps of the range of a chart that its numbers keep apart
ENOUGH = 0.75  # share of the wished distance that is enough
MAX_DECIMALS = 12
MIN_TICKS = 3  # fewer do not show the scale
SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"))


def ticks(low: float, high: float, count: int) -> list[float]:
    """Return about `count` round numbers from `low` to `high`, and at least three where it is possible.

    Args:
        low: lower end.
        high: upper end, above `low`.
        count: wished number of ticks.

    >>> ticks(0.3, 9.7, 4)
    [2.0, 4.0, 6.0, 8.0]
    """
    result: list[float] = []
    for wished in range(count, count + 4):
        step = tick_step(low, high, wished)
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        result = [number * step for number in range(first, last + 1)]
        if len(result) >= MIN_TICKS:
            break
    return result


def tick_step(low: float, high: float, count: int) -> float:
    """Return the distance of `ticks`: 1, 2 or 5 times a power of ten.

    Args:
        low: lower end.
        high: upper end, above `low`.
        count: wished number of ticks.
    """
    rough = (high - low) / max(1, count)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= ENOUGH * rough)


def tick_texts(values: Sequence[float]) -> list[str]:
    """Return the texts of ticks, all with the decimals that their distance needs.

    >>> tick_texts([0.0, 0.25, 0.5]), tick_texts([0.0, 2e6])
    (['0', '0.25', '0.50'], ['0', '2M'])
    """
    largest = max((abs(value) for value in values), default=0.0)
    divisor, suffix = next(((size, text) for size, text in SUFFIXES if largest >= size), (1.0, ""))
    scaled = [value / divisor for value in values]
    gaps = [abs(after - before) for before, after in pairwise(scaled)]
    decimals = decimals_for(min(gaps, default=abs(largest / divisor)))
    if decimals > 6:
        return [f"{value:.2g}" if value else "0" for value in values]
    texts = (f"{value:,.{decimals}f}{suffix}" for value in scaled)
    return [
        "0" if value == 0 else text.replace("-", "\u2212") for value, text in zip(values, texts, strict=True)
    ]


def decimals_for(step: float) -> int:
    """Return the decimals that keep multiples of a step apart.

    >>> decimals_for(0.25), decimals_for(20.0), decimals_for(0.1)
    (2, 0, 1)
    """
    if not step > 0 or not math.isfinite(step):
        return 0
    return next(
        (
            count
            for count in range(12)
            if abs(step * 10**count - round(step * 10**count)) < 1e-6 * 10**count * step
        ),
        12,
    )


def chart_decimals(values: Iterable[np.ndarray]) -> int:
    """Return the decimals with which arrays can be drawn and read: those of a small part of their range."""
    finite = np.concatenate(
        [np.ravel(array)[np.isfinite(np.ravel(array))] for array in values] or [np.zeros(0)]
    )
    spread = float(np.ptp(finite)) if len(finite) else 0.0
    spread = spread or float(np.abs(finite).max(initial=0.0)) or 1.0
    return int(np.clip(math.ceil(-math.log10(spread / RESOLUTION)), 0, MAX_DECIMALS))


def rounded(values: np.ndarray, decimals: int) -> list[float | int | None]:
    """Return numbers [n] for JSON, rounded; None for NaN and infinity.

    >>> rounded(np.array([1.04, 2.0, np.nan]), 1)
    [1, 2, None]
    """
    finite = np.isfinite(values)
    near = np.round(np.where(finite, values, 0.0), decimals).tolist()
    return [
        None if not known else int(value) if value == int(value) and abs(value) < 1e15 else value
        for value, known in zip(near, finite.tolist(), strict=True)
    ]
