"""Courses of nights on ETTh1: what the export holds on each night, and what came true."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

SAMPLE = Path(__file__).parents[1] / "sample_data" / "ETTh1.csv"
DAY = 24  # rows
FIRST = 300  # days of the first training
EVENT = 30  # night of the change
FIRST_ROW = (FIRST + EVENT) * DAY  # first changed row
UNIT = 1000.0
GAP, STUCK = 5, 2  # days without values, then with one value, in the course `outage`
STALE = (2, 3)  # nights after the event on which the export is that of the night before
BROKEN = {10: "column", 14: "text"}  # nights after the event with a broken export


@dataclass(frozen=True, kw_only=True)
class Course:
    """Nights that follow each other, one day apart."""

    name: str
    nights: int
    times: tuple[str, ...]
    measured: np.ndarray  # [T] values in the exports, NaN where missing
    truth: np.ndarray  # [T] values that come true
    unit: np.ndarray  # [T] factor of the unit of each row

    def known(self, night: int) -> int:
        """Return the number of rows that the export of a night holds; night 0 is the first training."""
        stale = night - EVENT in STALE and self.name == "outage"
        return (FIRST + (self.known_night(night - 1) if stale else night)) * DAY

    def known_night(self, night: int) -> int:
        """Return the night whose rows an export holds."""
        return self.known(night) // DAY - FIRST

    def export(self, night: int) -> str:
        """Return the text of the export of a night."""
        rows = self.known(night)
        broken = BROKEN.get(night - EVENT) if self.name == "outage" else None
        header = "date,kW" if broken == "column" else "date,OT"
        lines = [
            f"{time},{'' if np.isnan(value) else repr(float(value))}"
            for time, value in zip(self.times[:rows], self.measured[:rows], strict=True)
        ]
        if broken == "text":
            lines[-1] = f"{self.times[rows - 1]},#REF!"
        return "\n".join([header, *lines, ""])

    def first_forecast(self, night: int) -> str:
        """Return the time of the first hour after a night."""
        return self.times[(FIRST + night) * DAY]

    def mase(self, night: int, forecast: np.ndarray) -> float:
        """Return the MASE of a forecast [24] of the hours after a night.

        The error is divided by the unit of the hours, and by the mean absolute difference between two days in the rows
        of the first training. This divisor is the same for all courses and contestants.
        """
        rows = slice((FIRST + night) * DAY, (FIRST + night + 1) * DAY)
        error = np.abs(forecast - self.truth[rows]) / self.unit[rows]
        return float(error.mean() / mase_scale())


@cache
def load_sample() -> tuple[tuple[str, ...], np.ndarray]:
    """Return the times and the target OT of ETTh1."""
    lines = SAMPLE.read_text().splitlines()
    column = lines[0].split(",").index("OT")
    cells = [line.split(",") for line in lines[1:]]
    return tuple(row[0] for row in cells), np.array([float(row[column]) for row in cells])


@cache
def mase_scale() -> float:
    """Return the mean absolute difference between two days in the rows of the first training."""
    values = load_sample()[1][: FIRST * DAY]
    return float(np.abs(values[DAY:] - values[:-DAY]).mean())


def working_hours(times: tuple[str, ...]) -> np.ndarray:
    """Return 1 for each hour [T] from 8 to 18 on a weekday, else 0."""
    moments = np.array(times, dtype="datetime64[h]")
    hours = moments.astype(np.int64)
    weekday = (hours // DAY + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    hour = hours % DAY
    return ((weekday < 5) & (hour >= 8) & (hour < 18)).astype(np.float64)


def make_course(name: str, nights: int | None = None) -> Course:
    """Return a course.

    Args:
        name: plain, break, outage or unit.
        nights: number of nights; None: all.
    """
    times, values = load_sample()
    truth, measured, unit = values.copy(), values.copy(), np.ones(len(values))
    after = slice(FIRST_ROW, None)
    if name == "break":  # a machine is added that works on weekdays
        size = 2 * float(values[: FIRST * DAY].std())
        truth[after] += size * working_hours(times)[after]
        measured = truth.copy()
    elif name == "outage":
        end = FIRST_ROW + GAP * DAY
        measured[FIRST_ROW:end] = np.nan
        measured[end : end + STUCK * DAY] = measured[end - GAP * DAY - 1]
    elif name == "unit":
        unit[after] = UNIT
        truth *= unit
        measured = truth.copy()
    return Course(
        name=name,
        nights=nights or COURSES[name],
        times=times,
        measured=measured,
        truth=truth,
        unit=unit,
    )


COURSES = {"plain": 365, "break": 90, "outage": 90, "unit": 90}
