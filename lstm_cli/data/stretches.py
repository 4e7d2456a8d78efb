"""Stretches of a series whose rows follow one another in a longer step than the rest."""

import numpy as np

from lstm_cli.data.grid import Step

LEAST = 10  # so many gaps alike, one after another, are another step and no holes


def coarser_stretch(gaps: np.ndarray) -> int | None:
    """The first row whose next rows follow in a step longer than 1; None where there is no such stretch.

    gaps: [R - 1] steps from each row to the next one, 0 between series.
    """
    begins = (
        np.flatnonzero(np.append(True, gaps[1:] != gaps[:-1])) if len(gaps) else np.zeros(0, dtype=np.int64)
    )
    lengths = np.diff(np.append(begins, len(gaps)))
    long = begins[(gaps[begins] > 1) & (lengths >= LEAST)]
    return int(long[0]) if len(long) else None


def stretched(step: Step, times: int) -> str:
    """The name of a step so many times as long.

    >>> stretched(Step(kind="months", count=1, day=31), 3)
    'QE'
    """
    if step.kind in ("business", "unit"):
        return f"{times} {'business days' if step.kind == 'business' else 'rows'}"
    return Step(kind=step.kind, count=step.count * times, day=step.day).name
