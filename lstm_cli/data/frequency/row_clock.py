"""Clock of rows (`--gaps skip`): the times of the file count as consecutive steps, and missing rows do not count.

Beyond the known times the clock follows the weekly slots of the rows, or the usual step if there are none.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lstm_cli.data.frequency.step import DAY, MINUTE, WEEK, Step, most_common
from lstm_cli.data.frequency.weekly_slots import MONDAY

KIND = "rows"


@dataclass(frozen=True, kw_only=True)
class RowClock(Step):
    """Step from row to row. Two clocks are equal if their usual steps are, because each file has its own times."""

    kind: str = KIND
    usual: Step  # most common step between rows
    slots: np.ndarray = field(compare=False, repr=False)  # [P] int64, microseconds since Monday 00:00, rising
    known: np.ndarray = field(compare=False, repr=False)  # [U] int64, times of the rows of all series, rising

    @property
    def name(self) -> str:
        """Return the name of the usual step."""
        return self.usual.name

    @property
    def base(self) -> Step:
        """Return the usual step."""
        return self.usual

    @property
    def pattern_seasons(self) -> tuple[int, ...] | None:
        """Return the rows of a usual day and of a week; () for irregular rows, None for the seasons of `usual`."""
        if not len(self.slots) and self.usual.kind == "seconds":
            return ()
        if len(self.slots) < 2 or _spacing(self.usual) % MINUTE:
            return None
        of_day = most_common(np.unique(self.slots // DAY, return_counts=True)[1])
        return tuple(sorted({of_day, len(self.slots)} - {1}))

    def index(self, times_us: np.ndarray, origin_us: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]:
        """Return the number of rows from the origin to each time, and whether the clock has the time.

        Args:
            times_us: int64 microseconds of any shape.
            origin_us: one origin, or an origin for each time.
        """
        position, on_clock = self._positions(np.asarray(times_us))
        return position - self._positions(np.asarray(origin_us))[0], on_clock

    def times(self, index: np.ndarray, origin_us: np.ndarray | int) -> np.ndarray:
        """Return the times (int64 microseconds) that are `index` rows after the origin. Inverse of `index`."""
        position = np.asarray(self._positions(np.asarray(origin_us))[0] + index)
        times = np.array(self.known[np.clip(position, 0, len(self.known) - 1)])
        for outside, edge in ((position >= len(self.known), len(self.known) - 1), (position < 0, 0)):
            if outside.any():
                times[outside] = self._continue(int(self.known[edge]), position[outside] - edge)
        return times

    def rows_before(self, time_us: int, origin_us: np.ndarray) -> np.ndarray:
        """Return how many rows from the origins [S] on are earlier than a time, on or off the clock."""
        position, on_clock = self._positions(np.asarray(time_us))
        before = position + np.where(on_clock, 0, 1) - self._positions(origin_us)[0]
        return np.maximum(before, 0)

    def _positions(self, times_us: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the position in `known` of the last row at or before each time, and whether it has that time."""
        position = np.asarray(np.searchsorted(self.known, times_us, "right") - 1)
        on_clock = np.asarray(self.known[np.maximum(position, 0)] == times_us)
        for outside, edge in (
            (times_us > self.known[-1], len(self.known) - 1),
            (times_us < self.known[0], 0),
        ):
            if outside.any():
                steps, on_clock[outside] = self._steps(int(self.known[edge]), times_us[outside])
                position[outside] = edge + steps
        return position, on_clock

    def _continue(self, edge_us: int, steps: np.ndarray) -> np.ndarray:
        """Return the times that are `steps` [n] after the last known time (or before the first, if negative)."""
        if not len(self.slots):
            return self.usual.times(steps, edge_us)
        week, slot = np.divmod(self._edge_ordinal(edge_us, later=steps > 0) + steps, len(self.slots))
        return week * WEEK - MONDAY + self.slots[slot]

    def _steps(self, edge_us: int, times_us: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the number of steps from the first or the last known time to times [n]. Inverse of `_continue`."""
        if not len(self.slots):
            return self.usual.index(times_us, edge_us)
        ordinal = self._slot_ordinal(times_us, "right") - 1
        steps = ordinal - self._edge_ordinal(edge_us, later=times_us > edge_us)
        week, slot = np.divmod(ordinal, len(self.slots))
        return steps, (week * WEEK - MONDAY + self.slots[slot]) == times_us

    def _edge_ordinal(self, edge_us: int, *, later: np.ndarray) -> np.ndarray:
        """Return the ordinal [n] that stands for a known time, which may lie between two slots."""
        edge = np.array([edge_us])
        return np.where(later, self._slot_ordinal(edge, "right") - 1, self._slot_ordinal(edge, "left"))

    def _slot_ordinal(self, times_us: np.ndarray, side: Any) -> np.ndarray:
        """Return the number of slots before each time [n], or up to each time with side `right`."""
        week, within = np.divmod(times_us + MONDAY, WEEK)
        return np.asarray(week * len(self.slots) + np.searchsorted(self.slots, within, side))

    def to_dict(self) -> dict[str, Any]:
        spacing = _spacing(self.usual)
        runs = {"slots": _to_runs(self.slots, spacing), "known": _to_runs(self.known, spacing)}
        return {"kind": KIND, "usual": self.usual.to_dict(), **runs}


def restore_step(stored: dict[str, Any]) -> Step:
    """Return the step of its JSON: the inverse of `to_dict`."""
    if stored["kind"] != KIND:
        return Step.from_dict(stored)
    usual = Step.from_dict(stored["usual"])
    slots, known = (_from_runs(stored[name], _spacing(usual)) for name in ("slots", "known"))
    return RowClock(usual=usual, slots=slots, known=known)


def _spacing(usual: Step) -> int:
    """Return the usual microseconds between two rows; those of a day if months or weekends vary them."""
    return usual.count if usual.kind in ("seconds", "unit") else DAY


def _to_runs(times: np.ndarray, spacing: int) -> list[list[int]]:
    """Return rising times as runs of evenly spaced times: [first time, number of times] each."""
    begins = np.flatnonzero(np.diff(times, prepend=times[:1] - spacing - 1) != spacing)
    lengths = np.diff(np.append(begins, len(times)))
    return np.stack([times[begins], lengths], axis=1).tolist()


def _from_runs(runs: list[list[int]], spacing: int) -> np.ndarray:
    firsts, lengths = np.array(runs, dtype=np.int64).reshape(-1, 2).T
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.asarray(np.repeat(firsts, lengths) + spacing * within)
