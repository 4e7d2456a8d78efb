"""The chosen columns of a file as they are read, piece by piece, and what becomes of all pieces together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lstm_cli.data.cells import Place
from lstm_cli.data.choose import SAMPLE
from lstm_cli.data.doubts import Doubt, LargeNumbers, LateThousands, Sentinels, Totals
from lstm_cli.data.held import Held, Room
from lstm_cli.data.series_names import Names, SeriesNames
from lstm_cli.data.times import TimeColumn, TimeFormat, TimePiece, read_times


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The chosen columns of some consecutive rows."""

    lines: np.ndarray  # [n] int64
    values: np.ndarray  # [n, F] float64, NaN where missing
    ends: np.ndarray  # [2, F] the least and the greatest of each column, NaN where one is missing
    times: TimePiece | None
    codes: np.ndarray | None  # [n] int32, places in `names`
    names: Names  # of series, blanks and apostrophes taken off; one may stand twice

    def after(self, before: int) -> "Columns":
        """The same rows with so many lines before them."""
        times = self.times
        if times is not None:
            shapes = {shape: (line + before, count) for shape, (line, count) in times.shapes.items()}
            times = replace(times, shapes=shapes)
        return replace(self, lines=self.lines + before, times=times)


class Gathered:
    """Columns put together, in memory or in files where they are too many (held.py)."""

    def __init__(
        self, width: int, *, timed: bool, series: bool, text: bool, spill: Callable[[], Path] | None
    ) -> None:
        """width: F numeric columns. timed, series: whether there is a column of times, of names of series. text:
        whether the numbers were read from text."""
        self._width = width
        self._timed, self._series = timed, series
        self._room = Room(spill)
        self._held: dict[str, Held] = {}
        self._times: list[TimePiece] = []  # each one's values are in `_held`, but for days and months
        self._names = SeriesNames()
        # For each column what may be told of it.
        self._doubts: list[list[Doubt]] = [
            [
                Sentinels(),
                LargeNumbers(),
                *([LateThousands(SAMPLE)] if text else []),
                *([] if timed or series else [Totals()]),
            ]
            for _ in range(width)
        ]
        self.measured = np.zeros(width, dtype=bool)  # [F] whether a column has any number

    def expect(self, rows: int) -> None:
        """Make room for about so many rows. Called once, before the first rows come."""
        room = self._room
        self._held = {
            "values": Held(np.float64, (self._width,), rows=rows, room=room),
            "lines": Held(np.int64, (), rows=rows, room=room),
        }
        if self._timed:
            self._held["times"] = Held(np.int64, (), rows=rows, room=room)
        if self._series:
            self._held["codes"] = Held(np.int32, (), rows=rows, room=room)

    def add(self, columns: Columns) -> None:
        """The rows that follow those already there. Raises OutputError where a file cannot be written."""
        if not self._held:
            self.expect(0)
        self._held["lines"].append(columns.lines)
        self._held["values"].append(columns.values)
        if columns.times is not None:
            self._add_times(columns.times)
        if columns.codes is not None:
            self._held["codes"].append(self._names.numbers(columns.names)[columns.codes])
        for index, (least, greatest) in enumerate(columns.ends.T.tolist()):
            values = columns.values[:, index]
            self.measured[index] = self.measured[index] or not np.isnan(least) or not np.isnan(values).all()
            for doubt in self._doubts[index]:
                doubt.add(values, columns.lines, least, greatest)

    def _add_times(self, piece: TimePiece) -> None:
        self._held["times"].append(piece.values)
        last = self._times[-1] if self._times else None
        if last is None or last.kind != piece.kind or piece.kind == "day-month":
            self._times.append(
                piece if piece.kind == "day-month" else replace(piece, values=piece.values[:0])
            )
            return
        shapes = dict(last.shapes)
        for shape, (line, count) in piece.shapes.items():
            before = shapes.get(shape, (line, 0))
            shapes[shape] = (before[0], before[1] + count)
        self._times[-1] = replace(
            last,
            shapes=shapes,
            offsets=tuple(dict.fromkeys((*last.offsets, *piece.offsets))),
            padded=last.padded | piece.padded,
        )

    @property
    def rows(self) -> int:
        """R: rows so far."""
        return self._held["lines"].rows if self._held else 0

    def lines(self) -> np.ndarray:
        """[R] int64."""
        return self._held["lines"].whole()

    def values(self) -> np.ndarray:
        """[R, F] float64."""
        return self._held["values"].whole()

    def times(self, place: Place, like: TimeFormat | None) -> TimeColumn:
        """The column of times; unit steps where there is none. Raises what `read_times` does."""
        lines = self.lines()
        if not self._timed:
            return TimeColumn(times=np.arange(len(lines), dtype=np.int64), format=TimeFormat(), warnings=())
        pieces = self._times
        if len(pieces) == 1 and not len(pieces[0].values):
            pieces = [replace(pieces[0], values=self._held["times"].whole())]
        return read_times(pieces, lines, place, like=like)

    def series(self) -> tuple[np.ndarray, tuple[str, ...]]:
        """[R] int32 places in the names, and the names in order of first appearance."""
        if not self._series:
            return np.zeros(self.rows, dtype=np.int32), ("",)
        return self._held["codes"].whole(), tuple(self._names)

    def doubtful(self, places: Sequence[Place]) -> list[str]:
        """Warnings of numbers that may not be what they seem; places: of the numeric columns."""
        told = (
            doubt.tell(place) for doubts, place in zip(self._doubts, places, strict=True) for doubt in doubts
        )
        return [text for text in told if text is not None]

    def close(self) -> None:
        """Let the files go, where an error ended the reading."""
        for held in self._held.values():
            held.close()
