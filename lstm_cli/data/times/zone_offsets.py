"""Offsets of a time zone from UTC, as arrays: conversion between UTC and the zone's local clock."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np

from lstm_cli.errors import UsageError
from lstm_cli.time_zones import EXAMPLES, load_zone

SECOND = 1_000_000  # microseconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(days=1)  # no zone changes its offset twice a day
_YEARS = 10  # tables are made for whole decades, so that few are made


@dataclass(frozen=True, kw_only=True)
class ZoneOffsets:
    """Offsets of a time zone between two times."""

    changes: np.ndarray  # [N - 1] int64, microseconds in UTC at which the offset changes, rising
    offsets: np.ndarray  # [N] int64, microseconds east of UTC before, between and after the changes

    @staticmethod
    def spanning(zone: str, times_us: np.ndarray) -> "ZoneOffsets":
        """Return the offsets of a zone that are needed for some times [n], in UTC or local.

        Raises:
            UsageError: the zone is not known on this machine.
        """
        if not times_us.size:
            return _zone_offsets(zone, 1970, 1971)
        ends = np.array([times_us.min(), times_us.max()], dtype="datetime64[us]").astype("datetime64[Y]")
        first, last = (int(year) + 1970 for year in ends.astype(np.int64))
        return _zone_offsets(zone, first // _YEARS * _YEARS, last // _YEARS * _YEARS + _YEARS)

    def at(self, utc_us: np.ndarray) -> np.ndarray:
        """Return the offset at each time in UTC."""
        return np.asarray(self.offsets[np.searchsorted(self.changes, utc_us, "right")])

    def to_local(self, utc_us: np.ndarray) -> np.ndarray:
        """Return times in UTC on the local clock."""
        return np.asarray(utc_us + self.at(utc_us))

    def to_utc(self, local_us: np.ndarray, *, later: np.ndarray | bool = False) -> np.ndarray:
        """Return times of the local clock in UTC.

        Args:
            local_us: local times of any shape. A time that does not exist becomes the moment of the change.
            later: whether a repeated local time means its second occurrence, as one bool or for each time.
        """
        first, second = self._readings(local_us)
        reading = np.where(later, np.maximum(first, second), np.minimum(first, second))
        utc = local_us - self.offsets[reading]
        if not len(self.changes):
            return np.asarray(utc)
        changes = self.changes[np.clip(second, 0, len(self.changes) - 1)]
        return np.asarray(np.where(first > second, changes, utc))

    def is_repeated(self, local_us: np.ndarray) -> np.ndarray:
        """Return which local times occur twice, because the clock goes back."""
        first, second = self._readings(local_us)
        return np.asarray(first < second)

    def is_skipped(self, local_us: np.ndarray) -> np.ndarray:
        """Return which local times do not exist, because the clock goes forward."""
        first, second = self._readings(local_us)
        return np.asarray(first > second)

    def _readings(self, local_us: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the number of changes before each local time, as the clocks before and after a change count."""
        first = np.searchsorted(self.changes + self.offsets[:-1], local_us, "right")
        second = np.searchsorted(self.changes + self.offsets[1:], local_us, "right")
        return np.asarray(first), np.asarray(second)


def zone_with_change(local_us: int, *, repeated: bool) -> str:
    """Return a zone for a hint, in which a local time occurs twice, or is skipped; "" if no example has that change.

    Args:
        local_us: local time.
        repeated: the time occurs twice; False: it is skipped.
    """
    time = np.array([local_us])
    for zone in EXAMPLES:
        try:
            offsets = ZoneOffsets.spanning(zone, time)
        except UsageError:  # a machine without time zones
            break
        if (offsets.is_repeated(time) if repeated else offsets.is_skipped(time))[0]:
            return zone
    return ""


@lru_cache(maxsize=64)
def _zone_offsets(zone: str, first_year: int, last_year: int) -> ZoneOffsets:
    """Return the offsets of a zone between the first days of two years."""
    info = load_zone(zone)

    def offset(utc: datetime) -> timedelta:
        return utc.astimezone(info).utcoffset() or timedelta(0)

    begin = datetime(min(max(first_year, 2), 9997), 1, 1, tzinfo=UTC) - _STEP
    end = datetime(min(max(last_year, 3), 9998), 1, 1, tzinfo=UTC) + _STEP
    changes, offsets = [], [offset(begin)]
    while begin < end:
        after = begin + _STEP
        if offset(after) != offsets[-1]:
            early, late = begin, after
            while late - early > timedelta(seconds=1):
                middle = early + (late - early) // 2
                early, late = (middle, late) if offset(middle) == offsets[-1] else (early, middle)
            late = late.replace(microsecond=0)
            changes.append(late)
            offsets.append(offset(after))
        begin = after
    return ZoneOffsets(
        changes=np.array([_microseconds(change - _EPOCH) for change in changes], dtype=np.int64),
        offsets=np.array([_microseconds(one) for one in offsets], dtype=np.int64),
    )


def _microseconds(span: timedelta) -> int:
    return (span.days * 86_400 + span.seconds) * SECOND + span.microseconds
