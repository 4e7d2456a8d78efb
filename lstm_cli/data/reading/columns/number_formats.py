"""Format of the numbers of each column: as the options say, as the first rows show, or as new data have it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from lstm_cli.config.text import TextSettings
from lstm_cli.data.locations import CellLocation, is_missing, quote_cell
from lstm_cli.data.numbers.format import NumberFormat
from lstm_cli.data.numbers.na_codes import UnseenCodes
from lstm_cli.data.numbers.parse import read_numbers
from lstm_cli.data.numbers.units import ColumnUnit
from lstm_cli.data.reading.columns.samples import reads_as_times
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file
from lstm_cli.wording import is_number

RangeOf: TypeAlias = Callable[[str], tuple[float, float] | None]
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")


def number_format(text: TextSettings) -> NumberFormat:
    """Return the format of numbers that the options describe. With units, a comma separates thousands."""
    decimal = text.decimal or "."
    thousands = text.thousands or ("," if text.units and decimal != "," else "")
    return NumberFormat(decimal=decimal, thousands=thousands, units=text.units, na_values=text.na_value)


@dataclass(kw_only=True)
class NumberColumn:
    """Numbers of one column of a file: their format, and what was read so far."""

    format: NumberFormat
    unit: ColumnUnit
    unseen: UnseenCodes
    detected: bool = False  # the first rows showed the thousands separators; no option named them
    _grouped: int = 0  # cells with thousands separators, if detected
    _first_grouped: tuple[int, str] | None = None  # line and cell

    def read(self, cells: Sequence[str], lines: np.ndarray, location: CellLocation) -> np.ndarray:
        """Return cells as float64 [n], as `read_numbers` does.

        Args:
            cells: text cells [n].
            lines: line numbers [n].
            location: file and column, for messages.
        """
        if self.detected:
            rows = [row for row, cell in enumerate(cells) if "," in cell]
            self._grouped += len(rows)
            if rows and self._first_grouped is None:
                self._first_grouped = int(lines[rows[0]]), cells[rows[0]]
        values = read_numbers(cells, lines, location, self.format, self.unit)
        self.unseen.see_cells(cells, values, self.format)
        return values

    def finding(self, location: CellLocation) -> Finding | None:
        """Return the finding about detected thousands separators or units, after the last row."""
        if self._first_grouped is None:
            return self.unit.finding(location)
        line, cell = self._first_grouped
        number = self.format.split(cell)
        assert number is not None  # the cell was read
        return Finding.at(
            location.at(line),
            "D316",
            f"{quote_cell(cell)} was read as {number[0]}, because some numbers of the column have both a comma and "
            f"a decimal point, {self._grouped:,} cells with commas (use --thousands , to confirm it)",
            count=self._grouped,
            flags=("--thousands", "--decimal"),
        )


@dataclass(kw_only=True)
class NumberFormats:
    """Formats of the numbers of a data set, and the units of its columns, which its files share."""

    text: TextSettings
    plain_ok: bool = False  # new data: the format is that of the run, but plain numbers are fine too
    range_of: RangeOf | None = None  # new data: training range of a column; None if options give the marks
    units_of_run: Mapping[str, str] = field(default_factory=dict)  # new data: unit of each column of the run
    unseen: UnseenCodes = field(init=False)
    _units: dict[str, ColumnUnit] = field(default_factory=dict)  # by name of the column

    def __post_init__(self) -> None:
        """Begin with no code seen."""
        self.unseen = UnseenCodes(self.text.na_value)

    def columns(
        self, names: Sequence[str], sample: Sequence[Sequence[str]], is_text: Sequence[bool]
    ) -> list[NumberColumn]:
        """Return the format of each column of a file.

        Args:
            names: names of the columns.
            sample: first cells of each column.
            is_text: whether each column is text; the numbers of other Parquet columns have no marks.
        """
        requested = number_format(self.text)
        columns = []
        for name, cells, from_text in zip(names, sample, is_text, strict=True):
            unit = self.unit(name)
            if not from_text:
                columns.append(NumberColumn(format=_without_marks(requested), unit=unit, unseen=self.unseen))
            elif self._may_be_grouped(cells, requested):
                columns.append(
                    NumberColumn(
                        format=replace(requested, thousands=","), unit=unit, unseen=self.unseen, detected=True
                    )
                )
            else:
                columns.append(NumberColumn(format=requested, unit=unit, unseen=self.unseen))
        return columns

    def unit(self, name: str) -> ColumnUnit:
        """Return the unit of a column, which all files share. Without --units, no unit is compared."""
        if not self.text.units:
            return ColumnUnit()
        if name not in self._units:
            limits = None if self.range_of is None else self.range_of(name)
            of_run, is_confirmed = self.units_of_run.get(name), self.plain_ok and self.range_of is None
            self._units[name] = ColumnUnit(of_run, limits=limits, is_confirmed=is_confirmed)
        return self._units[name]

    @property
    def units(self) -> dict[str, str]:
        """Return the unit of each column whose numbers were read with --units; "" for none."""
        return {name: unit.unit for name, unit in self._units.items() if unit.unit is not None}

    @property
    def marks_are_known(self) -> bool:
        """Return whether an option says which mark is the decimal or the thousands mark."""
        return self.text.decimal is not None or self.text.thousands is not None

    def _may_be_grouped(self, cells: Sequence[str], requested: NumberFormat) -> bool:
        """Return whether the cells are numbers with thousands separators, such as 40,726.2, in any reading."""
        if self.marks_are_known or not requested.has_plain_numbers or "," not in "".join(cells):
            return False
        measured = [cell.strip() for cell in cells if not requested.is_missing(cell)]
        grouped = [cell for cell in measured if _GROUPED.fullmatch(cell)]
        return (
            len(grouped) > 1
            and any("." in cell for cell in grouped)
            and all(_GROUPED.fullmatch(cell) or is_number(cell) for cell in measured)
        )

    def settle(
        self,
        source: str,
        names: Sequence[str],
        columns: Sequence[NumberColumn],
        samples: Sequence[Sequence[str]],
    ) -> list[Finding]:
        """Choose the format of a file of new data: that of the run, or plain numbers if only those can be read.

        If both can be read and differ, the numbers inside the training range count.

        Args:
            source: name of the file.
            names: names of the columns.
            columns: numeric columns; their formats are changed.
            samples: first cells of each column, as written.

        Returns:
            A finding if plain numbers were chosen by the training range.

        Raises:
            DataError: both formats can be read, and the training range does not decide.
        """
        marked = [index for index, column in enumerate(columns) if not column.format.has_plain_numbers]
        if not self.plain_ok or not marked:
            return []
        cells = [cell for index in marked for cell in samples[index]]
        requested = number_format(self.text)
        plain = replace(_without_marks(requested), units=requested.units)
        numbers, plain_numbers = _try_numbers(cells, requested), _try_numbers(cells, plain)
        if plain_numbers is None:
            return []
        findings = []
        if numbers is not None:
            different = [row for row in range(len(cells)) if numbers[row] != plain_numbers[row]]
            if self.range_of is None or not different:
                return []
            of_cells = [names[index] for index in marked for _ in samples[index]]
            ranges = list(map(self.range_of, of_cells))
            inside, plain_inside = (
                _share_inside(readings, ranges, different) for readings in (numbers, plain_numbers)
            )
            row = different[0]
            readings = f"{numbers[row]:.15g} with {requested.flags}, or {plain_numbers[row]:.15g}"
            if 2 * min(inside, plain_inside) >= max(inside, plain_inside):
                raise _two_readings_error(source, of_cells[row], cells[row], readings, requested)
            if inside > plain_inside:
                return []
            findings = [_plain_finding(source, cells[row], readings, requested)]
        for index in marked:
            columns[index].format = plain
        return findings


def _share_inside(
    numbers: Sequence[float | None], ranges: Sequence[tuple[float, float] | None], rows: Sequence[int]
) -> float:
    """Return the share of the numbers at `rows` that are inside the range of their column."""
    inside = 0
    for row in rows:
        number, limits = numbers[row], ranges[row]
        inside += number is not None and limits is not None and limits[0] <= number <= limits[1]
    return inside / len(rows)


def _plain_finding(source: str, cell: str, readings: str, requested: NumberFormat) -> Finding:
    return Finding.at(
        in_file(source),
        "D319",
        f"{quote_cell(cell)} can be {readings} as a plain decimal; plain decimals were read, because they are inside "
        f"the training range (use {requested.flags} to read the others)",
        flags=("--decimal", "--thousands"),
    )


def _two_readings_error(
    source: str, column: str, cell: str, readings: str, requested: NumberFormat
) -> DataError:
    return DataError(
        f"{quote_cell(cell)} can be {readings} as a plain decimal, and the training range does not tell which",
        hint=f"use --decimal . for plain decimals, or {requested.flags} for the format of the run",
        rule="D321",
        at=CellLocation(source=source, column=column).file_only,
        flags=("--decimal", "--thousands"),
    )


def _without_marks(requested: NumberFormat) -> NumberFormat:
    """Return the format of plain numbers with the same codes for missing values."""
    return NumberFormat(na_values=requested.na_values)


def _try_numbers(cells: Iterable[str], requested: NumberFormat) -> list[float | None] | None:
    """Return the numbers, None where missing; None if a cell is not a number of the format."""
    numbers: list[float | None] = []
    for cell in cells:
        number = None if requested.is_missing(cell) else requested.split(cell)
        if number is None and not requested.is_missing(cell):
            return None
        numbers.append(None if number is None else float(number[0]))
    return numbers


def plain_sample(columns: Sequence[NumberColumn], sample: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Return the first cells of each column with plain decimals for its numbers, and "" for missing values.

    Times and other cells stay as written, so that the kind of each column is visible.
    """
    return [
        cells
        if column.format == NumberFormat() or reads_as_times(cells)
        else [_plain_cell(cell, column.format) for cell in cells]
        for column, cells in zip(columns, sample, strict=True)
    ]


def _plain_cell(cell: str, number_format: NumberFormat) -> str:
    if is_missing(cell):
        return cell
    if number_format.is_missing(cell):
        return ""
    number = number_format.split(cell)
    return cell if number is None else number[0]
