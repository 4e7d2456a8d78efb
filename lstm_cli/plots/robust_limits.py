"""Limits of an axis that a few extreme values do not flatten."""

from dataclasses import dataclass

import numpy as np

from lstm_cli.wording import count_noun, short_number

EXCLUDED_SHARE = 0.005  # values on each side that do not count for the usual range, at least one
MAX_SPAN = 1.0  # usual ranges that fit above and below the usual range


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of an axis; None where all values fit."""

    low: float | None = None
    high: float | None = None
    below: int = 0  # values below the lower limit
    above: int = 0
    least: float = 0.0
    greatest: float = 0.0

    @property
    def notes(self) -> list[str]:
        """Return a sentence for each side with values outside."""
        sides = (("above", self.above, self.greatest, "up to"), ("below", self.below, self.least, "down to"))
        return [
            f"{count_noun(count, 'value')} {side} this range, {end} {short_number(value)}"
            for side, count, value, end in sides
            if count
        ]

    def clip(self, values: np.ndarray) -> np.ndarray:
        """Return values [T] cut at the limits."""
        return np.clip(
            values, -np.inf if self.low is None else self.low, np.inf if self.high is None else self.high
        )


def robust_limits(values: np.ndarray) -> Limits:
    """Return the limits for values [T]; NaN is ignored.

    The usual range is that of all values but the half percent (at least one) largest and smallest. The axis ends one
    usual range above and below it. So the usual range fills at least a third of the axis. If all values are within
    these limits, or nothing but single values varies, there are no limits.

    >>> limits = robust_limits(np.array([1.0, 2.0, 3.0, 2.0, 1.0, 3.0, 1e6]))
    >>> limits.high, limits.notes
    (5.0, ['1 value above this range, up to 1,000,000'])
    """
    known = np.sort(values[np.isfinite(values)])
    excluded = max(1, int(EXCLUDED_SHARE * len(known)))
    if len(known) < 2 * excluded + 3:
        return Limits()
    usual_low, usual_high = float(known[excluded]), float(known[-1 - excluded])
    span = MAX_SPAN * (usual_high - usual_low)
    if not 0 < span < np.inf:
        return Limits()
    low, high = usual_low - span, usual_high + span
    below, above = (
        int(np.searchsorted(known, low)),
        int(len(known) - np.searchsorted(known, high, side="right")),
    )
    if not below and not above:
        return Limits()
    return Limits(
        low=low if below else None,
        high=high if above else None,
        below=below,
        above=above,
        least=float(known[0]),
        greatest=float(known[-1]),
    )
