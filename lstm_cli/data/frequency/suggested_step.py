"""Steps that messages suggest for irregular times: round ones that leave most of the grid filled."""

import numpy as np

from lstm_cli.data.frequency.step import WEEK, Step
from lstm_cli.data.times.formats import DAY, HOUR, MINUTE, SECOND

_SECONDS = (
    *(1_000 * number for number in (1, 10, 100)),
    *(SECOND * number for number in (1, 5, 10, 15, 30)),
    *(MINUTE * number for number in (1, 5, 10, 15, 30)),
    *(HOUR * number for number in (1, 3, 6, 12)),
    DAY,
    WEEK,
)
ROUND_STEPS = (
    *(Step(kind="seconds", count=count) for count in _SECONDS),
    *(Step(kind="months", count=count) for count in (1, 3, 12)),
)
NEAR_SHARE = 0.8  # jitter leaves this share of the differences near the step
ROUND_NUMBERS = tuple(
    Step(kind="unit", count=first * 10**power) for power in range(17) for first in (1, 2, 5)
)
MAX_MISSING = 0.5  # a grid with a larger share of missing rows is not what the file measures


def step_length(step: Step) -> int:
    """Return the longest time between two rows of a step, in microseconds."""
    if step.kind in ("seconds", "unit"):
        return step.count
    slot = {"weeks": WEEK, "business": 3 * DAY, "half-months": 17 * DAY}.get(step.kind, 31 * DAY)
    return step.count * slot if step.count < 12 or not step.in_months else step.count * 366 * DAY // 12


def missing_share(step: Step, gaps: np.ndarray, counts: np.ndarray) -> float:
    """Return the approximate share of the grid of a step, 0 to 1, that holds no row.

    Args:
        step: step of the grid.
        gaps: distinct time differences between rows, in microseconds.
        counts: how often each of them occurs.
    """
    steps = gaps / step_length(step)
    return 1 - float((np.minimum(steps, 1) * counts).sum() / (steps * counts).sum())


def suggested_step(gaps: np.ndarray, counts: np.ndarray, *, whole: bool) -> Step:
    """Return the shortest round step that is not below the median difference, and leaves most of its grid filled.

    Args:
        gaps: distinct time differences between rows, in microseconds, rising.
        counts: how often each of them occurs.
        whole: times are whole numbers.
    """
    steps = ROUND_NUMBERS if whole else ROUND_STEPS
    median = _median(gaps, counts)
    long_enough = [step for step in steps if step_length(step) >= median] or [steps[-1]]
    filled = (step for step in long_enough if missing_share(step, gaps, counts) <= MAX_MISSING)
    return next(filled, long_enough[-1])


def jittered_step(gaps: np.ndarray, counts: np.ndarray) -> Step | None:
    """Return the round step around which most differences vary by less than a third; None without one.

    Args:
        gaps: distinct time differences between rows, in microseconds, rising.
        counts: how often each of them occurs.
    """
    median = _median(gaps, counts)
    for step in ROUND_STEPS:
        near = np.abs(gaps - step.count) < step.count / 3
        if (
            step.kind == "seconds"
            and abs(median - step.count) <= step.count / 10
            and counts[near].sum() >= NEAR_SHARE * counts.sum()
        ):
            return step
    return None


def _median(gaps: np.ndarray, counts: np.ndarray) -> int:
    """Return the median of differences that occur `counts` times."""
    total = np.cumsum(counts)
    return int(gaps[np.searchsorted(total, total[-1] / 2)])
