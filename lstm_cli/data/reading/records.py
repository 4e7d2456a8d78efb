"""Records in memory, such as those of a JSON request, with the interface of an open file."""

from collections.abc import Iterator

import numpy as np

from lstm_cli.data.reading.column_buffers import ColumnBatch
from lstm_cli.data.reading.columns.names import column_labels, refuse_many_columns
from lstm_cli.data.reading.columns.number_formats import NumberFormats, plain_sample
from lstm_cli.data.reading.columns.requests import ColumnRoles
from lstm_cli.data.reading.columns.roles import SAMPLE_ROWS
from lstm_cli.data.reading.file_columns import (
    Cells,
    as_text,
    cell_locations,
    column_order,
    number_findings,
    read_text,
    to_batch,
)
from lstm_cli.data.reading.source import Cell, Source
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding


class RecordsFile:
    """Records with the interface of an open file. A column of numbers has plain numbers, whatever the run has."""

    unit = "record"
    delimiter = ""
    header_line = 0

    def __init__(self, source: Source, formats: NumberFormats) -> None:
        """Take the rows. Raise DataError if there are none."""
        assert source.records is not None
        self.source = source.name
        refuse_many_columns(source.name, len(source.records))
        self.names = self.header = column_labels(source.records)
        self._cells = [list(map(_cell_text, column)) for column in source.records.values()]
        self.lines = max(map(len, self._cells), default=0)
        if not self.lines:
            raise DataError(f"{source.name} has no records", hint="add one record for each time", rule="D114")
        is_text = [
            any(isinstance(value, str | bool) for value in column) for column in source.records.values()
        ]
        self._raw_sample = [column[:SAMPLE_ROWS] for column in self._cells]
        self._formats = formats
        self.unit_of = formats.unit
        self.marks_are_known = formats.marks_are_known
        self.numbers = formats.columns(self.names, self._raw_sample, is_text)
        self.sample = plain_sample(self.numbers, self._raw_sample)
        self.findings: list[Finding] = []
        self.first = self.sample, self._line_numbers[:SAMPLE_ROWS]
        self.sample_is_complete = self.lines <= SAMPLE_ROWS

    @property
    def _line_numbers(self) -> np.ndarray:
        return np.arange(1, self.lines + 1, dtype=np.int64)

    def expected_rows(self, size: int) -> int:
        """Return the number of records."""
        return self.lines

    def cells(self) -> Iterator[Cells]:
        """Yield all cells in one batch."""
        yield self._line_numbers, self._cells

    def columns(self, roles: ColumnRoles) -> Iterator[ColumnBatch]:
        """Yield all records in one batch. Raise DataError for a cell that cannot be read."""
        locations = cell_locations(self.source, self.names, roles, self.unit)
        numbers = [self.numbers[index] for index in roles.numeric]
        self.findings = self._formats.settle(
            self.source,
            [self.names[index] for index in roles.numeric],
            numbers,
            [self._raw_sample[index] for index in roles.numeric],
        )
        cells = [self._cells[index] for index in column_order(roles)]
        yield to_batch(self._line_numbers, cells, roles, locations, numbers, read_text, as_text)
        self.findings += number_findings(numbers, locations)


def _cell_text(value: Cell) -> str:
    """Return a value as a file would write it; "" for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)
