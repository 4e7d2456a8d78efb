"""Reader of documents: one row of a CSV or Parquet file per document, with its label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from lstm_cli.config.text import TextSettings
from lstm_cli.data.locations import (
    CellLocation,
    FileLines,
    LocationFormatter,
    dataset_name,
    quote_cell,
    quote_name,
)
from lstm_cli.data.reading.columns.names import find_column
from lstm_cli.data.reading.columns.number_formats import NumberFormats
from lstm_cli.data.reading.file_readers import File, open_file
from lstm_cli.data.reading.source import open_source
from lstm_cli.data.spreadsheet_safety import unescape_formula
from lstm_cli.errors import DataError
from lstm_cli.events import Listener, Progressed, ignore_events
from lstm_cli.findings import Finding
from lstm_cli.wording import count_noun, is_number

TEXT, LABEL, GROUP, SEQUENCE = "--text", "--label", "--group", "--sequence"


@dataclass(frozen=True, kw_only=True)
class Documents:
    """S documents, in the order of the files."""

    texts: list[str]
    names: list[str]  # ids, or the numbers of the rows from 1
    labels: list[str]  # [] for new data
    groups: list[str]  # [] without groups
    source: str  # name of the files in messages
    findings: tuple[Finding, ...] = ()
    read: Mapping[str, dict[str, Any]] = field(default_factory=dict)  # sha256 and size of each file


def read_documents(
    paths: Sequence[str],
    columns: Mapping[str, str],
    *,
    text: TextSettings,
    stdin: BinaryIO | None,
    is_new: bool = False,
    listen: Listener = ignore_events,
) -> Documents:
    """Return the documents of files.

    Args:
        paths: files.
        columns: name of each column, by the option that names it: TEXT, and if given LABEL, GROUP and SEQUENCE.
        text: how text is read.
        stdin: standard input.
        is_new: the files are new data of a model, so no option names the columns.
        listen: receives progress events.

    Raises:
        DataError: a file cannot be read, a document, label, group or id is missing, an id is there twice, or the
            documents are numbers.
    """
    reader = _DocumentReader(columns, is_new=is_new)
    read = {}
    for path in paths:
        with open_source(path, stdin) as opened:
            try:
                file = open_file(opened, NumberFormats(text=text), several_lines_ok=True)
            except DataError as error:
                if error.rule == "D114":  # no rows
                    error.hint = "add one row for each document"
                raise
            reader.add(file, listen)
            if opened.path is not None or opened.content is not None:
                read[path] = opened.reader.checksum_and_size()
    return reader.documents(dataset_name([str(path) for path in paths]), read)


class _DocumentReader:
    """Cells of the columns of several files."""

    def __init__(self, columns: Mapping[str, str], *, is_new: bool) -> None:
        self._columns, self._is_new = columns, is_new
        self._cells: dict[str, list[str]] = {flag: [] for flag in columns}
        self._lines: list[np.ndarray] = []
        self._names: list[str] = []  # of the files
        self._begins: list[int] = []  # lines before each file
        self._done = 0  # lines of the files
        self._width = 0
        self._delimiter = ""
        self._unit = "line"
        self._findings: list[Finding] = []

    def add(self, file: File, listen: Listener) -> None:
        """Add the cells of a file. Raise DataError for a column that is not found, or a row that cannot be read."""
        places = {
            flag: find_column(file.source, file.names, "" if self._is_new else flag, name)
            for flag, name in self._columns.items()
        }
        self._names.append(file.source)
        self._begins.append(self._done)
        self._unit, self._width, self._delimiter = file.unit, len(file.names), file.delimiter
        for lines, columns in file.cells():
            for flag, place in places.items():
                location = CellLocation(source=file.source, column=file.names[place], unit=file.unit)
                self._cells[flag] += _as_text(columns[place], location)
            self._lines.append(lines + self._done)
            listen(Progressed(stage="reading", done=len(self._cells[TEXT]), total=None, unit="documents"))
        self._done += file.lines
        self._findings += file.findings

    def documents(self, source: str, read: Mapping[str, dict[str, Any]]) -> Documents:
        """Return the documents. Raise DataError for missing or duplicate cells, or documents that are numbers."""
        lines = np.concatenate(self._lines)
        several = FileLines(names=tuple(self._names), begins=tuple(self._begins))
        files = several if len(self._names) > 1 else None
        locate = LocationFormatter(source=source, unit=self._unit, files=files)
        texts = [cell.strip() for cell in self._cells[TEXT]]
        others = {
            flag: list(map(unescape_formula, cells)) for flag, cells in self._cells.items() if flag != TEXT
        }
        self._require_texts(texts, lines, locate)
        for flag, cells in others.items():
            self._require_values(flag, cells, lines, locate)
        names = others.get(SEQUENCE)
        if names is not None:
            self._require_unique(names, lines, locate)
        labels = others.get(LABEL, [])
        return Documents(
            texts=texts,
            names=names or [str(number) for number in range(1, len(texts) + 1)],
            labels=labels,
            groups=others.get(GROUP, []),
            source=source,
            findings=(*self._findings, *self._swallowed_rows(texts, labels, lines, locate)),
            read=read,
        )

    def _require_texts(self, texts: Sequence[str], lines: np.ndarray, locate: LocationFormatter) -> None:
        column = self._columns[TEXT]
        empty = [row for row, document in enumerate(texts) if not document]
        if empty:
            raise DataError(
                f"{count_noun(len(empty), 'document')} of {len(texts):,} without text: the cell is empty",
                hint="write the text, or delete the rows",
                rule="D257",
                at=locate.at(int(lines[empty[0]]), column),
            )
        if all(map(is_number, texts)) and not self._is_new:
            raise DataError(
                f"the column holds numbers, such as {quote_cell(texts[0])}, and not documents",
                hint="name the column of the documents with --text, or value columns with --sequence and --value",
                rule="D258",
                at=locate.at(int(lines[0]), column),
                flags=(TEXT,),
            )

    def _require_values(
        self, flag: str, cells: Sequence[str], lines: np.ndarray, locate: LocationFormatter
    ) -> None:
        empty = [row for row, cell in enumerate(cells) if not cell]
        if empty:
            raise DataError(
                f"the value is missing for {count_noun(len(empty), 'document')}",
                hint="fill in the cell, or delete the rows",
                rule="D251",
                at=locate.at(int(lines[empty[0]]), self._columns[flag]),
            )

    def _require_unique(self, names: Sequence[str], lines: np.ndarray, locate: LocationFormatter) -> None:
        first: dict[str, int] = {}
        for row, name in enumerate(names):
            if first.setdefault(name, row) != row:
                count = len(names) - len(set(names))
                leave_out = "" if self._is_new else ", or leave out --sequence to number the rows"
                raise DataError(
                    f"duplicate id {quote_name(name)}, which is that of {locate.row(int(lines[first[name]]))} too: "
                    f"{count_noun(count, 'such row')} in all",
                    hint=f"write one row per document{leave_out}",
                    rule="D259",
                    at=locate.at(int(lines[row]), self._columns[SEQUENCE]),
                    flags=() if self._is_new else (SEQUENCE,),
                )

    def _swallowed_rows(
        self, texts: Sequence[str], labels: Sequence[str], lines: np.ndarray, locate: LocationFormatter
    ) -> list[Finding]:
        """Return the warning about documents with a line that has the cells and a label of a row."""
        if not self._delimiter or not labels:
            return []
        known = set(labels)
        swallowed = [row for row, text in enumerate(texts) if self._looks_like_rows(text, known)]
        if not swallowed:
            return []
        text = (
            f"the document continues over lines that look like rows of the file, "
            f"{count_noun(len(swallowed), 'such document')} (close the quote where the document ends, or delete it)"
        )
        return [
            Finding.at(
                locate.at(int(lines[swallowed[0]]), self._columns[TEXT]), "D134", text, count=len(swallowed)
            )
        ]

    def _looks_like_rows(self, text: str, labels: set[str]) -> bool:
        parts = (line.split(self._delimiter) for line in text.split("\n")[1:])
        return any(
            len(cells) == self._width and not labels.isdisjoint(map(str.strip, cells)) for cells in parts
        )


def _as_text(cells: Any, location: CellLocation) -> list[str]:
    """Return cells of a text file, of records, or of a Parquet file as text."""
    if isinstance(cells, tuple | list):
        return list(cells)
    from lstm_cli.data.reading.parquet import column_text

    return column_text(cells, location)
