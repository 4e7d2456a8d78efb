"""Fast reader for CSV files: small files with `csv_rows.py`, large files mostly with pyarrow.

A large file has a head, blocks of whole lines, and a tail. `csv_rows.py` reads the head, the tail, and each block
that pyarrow may read differently. So values, line numbers and messages do not depend on the file size. All cores
read blocks in parallel. The rules are those of `csv_rows.py`, `data/numbers/parse.py` and `data/times/parse.py`.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from itertools import chain, product
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.config.text import TextSettings
from lstm_cli.data.locations import MISSING_WORDS, CellLocation
from lstm_cli.data.numbers.format import NumberFormat
from lstm_cli.data.numbers.na_codes import UnseenCodes
from lstm_cli.data.numbers.parse import codes_to_missing
from lstm_cli.data.parallel import ordered_map, usable_workers
from lstm_cli.data.reading.arrow_columns import Names, to_numpy, unescape_names
from lstm_cli.data.reading.column_buffers import ColumnBatch
from lstm_cli.data.reading.columns.roles import SAMPLE_ROWS
from lstm_cli.data.reading.csv_rows import CsvRows, RowBatch, open_rows
from lstm_cli.data.reading.dialect.last_row import MAX_COMPARED
from lstm_cli.data.reading.dialect.row_errors import RowRules
from lstm_cli.data.reading.dialect.whitespace import squeeze_block
from lstm_cli.data.reading.source import Source
from lstm_cli.data.reading.text_format import codec_name, decode_lines
from lstm_cli.data.times.codes import INFERRED, TimeOptions
from lstm_cli.data.times.parse import scan_times
from lstm_cli.data.times.patterns import TimePiece, scan_fixed_width_times
from lstm_cli.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import csv

# ASCII text has the same bytes in all of these encodings.
CODECS = frozenset(("utf-8", "utf-8-sig", "ascii", "iso8859-1", "cp1252"))
DELIMITERS = (",", ";", "\t", "|")
_MAX_WINDOW_BYTES = 1 << 16  # below this, no cell reaches the limit of csv.reader (twice as long)
BULK_MIN_BYTES = 8 << 20  # smaller files are read as text, because loading pyarrow would take longer
HEAD_BYTES = 1 << 20  # bytes at the beginning, read as text
BLOCK_BYTES = 4 << 20  # bytes read at once
TAIL_BYTES = 1 << 16  # bytes at the end, read as text because notes and totals are there
BLOCKS_AHEAD = 3  # blocks started beyond the current one


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Positions of the selected columns in a row, counted from 0."""

    codec: str
    delimiter: str
    width: int  # cells per row
    time: int | None
    series: int | None
    numeric: tuple[int, ...]
    number_format: (
        NumberFormat  # of all numeric columns; only its decimal mark and codes can differ from plain
    )
    time_location: CellLocation  # of the time column
    times: TimeOptions = INFERRED  # how times are read
    unseen: UnseenCodes = field(default_factory=UnseenCodes)


def read_block(data: bytes, layout: Layout) -> ColumnBatch | None:
    """Return whole lines as columns, with lines counted from 1; None if pyarrow may read them differently."""
    import pyarrow as pa
    from pyarrow import csv

    if not is_plain(data, layout) or (layout.width == 1 and b"\n\n" in b"\n" + data):
        return None
    try:
        table = csv.read_csv(
            pa.py_buffer(data),
            read_options=csv.ReadOptions(
                use_threads=False,
                block_size=len(data) + 1,
                column_names=[str(index) for index in range(layout.width)],
            ),
            parse_options=csv.ParseOptions(delimiter=layout.delimiter, ignore_empty_lines=False),
            convert_options=_convert_options(layout),
        )
    except pa.ArrowInvalid:
        return None
    layout.unseen.see_block(data, layout.number_format)
    rows = table.num_rows
    values: list[np.ndarray] = []
    extremes = np.empty((2, len(layout.numeric)))
    for position, index in enumerate(layout.numeric):
        column = _column(table, index)
        numbers = to_numpy(column)
        extremes[:, position] = numbers.min(), numbers.max()
        if not _are_finite(numbers, extremes[:, position], missing=column.null_count):
            return None
        layout.unseen.see_numbers(numbers, layout.number_format)
        if layout.number_format.na_numbers:
            numbers = codes_to_missing(numbers, layout.number_format)
            extremes[:, position] = numbers.min(), numbers.max()
        values.append(numbers)
    if _may_underflow(data, values, extremes):
        return None
    if layout.time is None and all(np.isnan(numbers[-1]) for numbers in values):
        return None  # rows of empty cells at the end of a file do not count
    try:
        times = None if layout.time is None else _times(_column(table, layout.time), layout)
    except DataError:
        return None
    codes: np.ndarray | None = None
    names: Names = ()
    if layout.series is not None:
        column = _column(table, layout.series)
        codes = to_numpy(column.indices)
        unescaped = unescape_names(column.dictionary)
        if unescaped is None:
            return None
        names = unescaped
    lines = np.arange(1, rows + 1, dtype=np.int64)
    return ColumnBatch(lines=lines, values=values, extremes=extremes, times=times, codes=codes, names=names)


def is_plain(data: bytes, layout: Layout) -> bool:
    """Return whether a block has no comments or odd line ends, and quotes only around whole cells."""
    if b"\0" in data or (b"#" in data and b"\n#" in b"\n" + data):
        return False
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return False
    if any(
        data.find(b"\n", begin, begin + _MAX_WINDOW_BYTES) < 0
        for begin in range(0, len(data) - _MAX_WINDOW_BYTES, _MAX_WINDOW_BYTES)
    ):
        return False
    if not data.isascii():
        if not layout.codec.startswith("utf-8"):
            return False
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return False
    return b'"' not in data or quotes_are_plain(data, layout.delimiter)


def quotes_are_plain(data: bytes, delimiter: str) -> bool:
    """Return whether each quote opens or closes a whole cell on one line."""
    padded = np.frombuffer(b"\n" + data + b"\n", dtype=np.uint8)
    quotes = np.flatnonzero(padded == ord('"'))
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    before = np.isin(padded[opening - 1], np.frombuffer(f"{delimiter}\n".encode(), dtype=np.uint8))
    after = np.isin(padded[closing + 1], np.frombuffer(f"{delimiter}\r\n".encode(), dtype=np.uint8))
    ends = np.flatnonzero(padded == ord("\n"))
    same_line = np.searchsorted(ends, opening) == np.searchsorted(ends, closing)
    return bool(before.all() and after.all() and same_line.all())


def _continues(data: bytes, delimiter: str) -> bool:
    """Return whether the last line of a block may continue in the next block."""
    return not data.endswith(b"\n") or (b'"' in data and not quotes_are_plain(data, delimiter))


@cache
def _missing_word_cases() -> list[str]:
    """Return the words for a missing value in all combinations of upper and lower case."""
    return sorted(
        {"".join(letters) for word in MISSING_WORDS for letters in product(*((c, c.upper()) for c in word))}
    )


def _missing_words(number_format: NumberFormat) -> list[str]:
    """Return the texts of missing values; codes that are numbers are found by their value."""
    return [*_missing_word_cases(), *number_format.na_words]


def _convert_options(layout: Layout) -> "csv.ConvertOptions":
    import pyarrow as pa
    from pyarrow import csv

    kinds: dict[str, pa.DataType] = {str(index): pa.float64() for index in layout.numeric}
    if layout.time is not None:
        kinds[str(layout.time)] = pa.string()
    if layout.series is not None:
        kinds[str(layout.series)] = pa.dictionary(pa.int32(), pa.string())
    return csv.ConvertOptions(
        column_types=kinds,
        include_columns=list(kinds),
        null_values=_missing_words(layout.number_format),
        strings_can_be_null=False,
        decimal_point=layout.number_format.decimal,
    )


def _column(table: "pa.Table", index: int) -> Any:
    return table.column(str(index)).combine_chunks()


def _are_finite(numbers: np.ndarray, extremes: np.ndarray, *, missing: int) -> bool:
    """Return whether all numbers [n] except the missing ones are finite. extremes: [2] minimum and maximum."""
    if missing:
        return bool(np.count_nonzero(np.isfinite(numbers)) == len(numbers) - missing)
    return bool(np.isfinite(extremes).all())


def _may_underflow(data: bytes, values: Sequence[np.ndarray], extremes: np.ndarray) -> bool:
    """Return whether a value of the F columns may be 0 only because its exponent is too small."""
    without_zero = (extremes[0] > 0) | (extremes[1] < 0)  # also False if a column has a missing value
    return (
        not without_zero.all()
        and (b"e-" in data or b"E-" in data)
        and any((numbers == 0).any() for numbers in values)
    )


def _times(column: Any, layout: Layout) -> TimePiece:
    rows = len(column)
    _, offsets, characters = column.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[column.offset : column.offset + rows + 1]
    width = int(ends[1] - ends[0])
    if width and (np.diff(ends) == width).all():
        matrix = np.frombuffer(characters, dtype=np.uint8)[ends[0] : ends[-1]].reshape(rows, width)
        piece = None if layout.times.is_integer else scan_fixed_width_times(matrix, layout.times.codes)
        if piece is not None:
            return piece
    return scan_times(column.to_pylist(), np.arange(1, rows + 1), layout.time_location, layout.times)


class FastCsvReader:
    """Reader for a text file, opened up to its header."""

    def __init__(
        self,
        source: Source,
        text: TextSettings,
        *,
        other_delimiter_ok: bool = False,
        several_lines_ok: bool = False,
    ) -> None:
        """Read the first rows. Raises the errors of `codec_name`, `open_rows` and of reading the rows."""
        self._name, self._delimiter = source.name, text.delimiter
        self.codec = codec_name(source, text.encoding)
        head, rest = _split_head(source.blocks, self.codec, text.skip_rows)
        rows = open_rows(
            self._decode(head),
            source.name,
            text,
            is_complete=rest is None,
            other_delimiter_ok=other_delimiter_ok,
            several_lines_ok=several_lines_ok,
        )
        plain = rest is None or _can_read_in_bulk(head, rows.rules)
        first = next(rows.batches, None) if plain else None
        if rest is not None and first is None:
            whole = self._decode(chain(head, rest))
            rows = open_rows(
                whole,
                source.name,
                text,
                other_delimiter_ok=other_delimiter_ok,
                several_lines_ok=several_lines_ok,
            )
            first, rest = next(rows.batches, None), None
        self.rows: CsvRows = rows
        self.first: RowBatch | None = first  # the first rows; None if the file has no rows
        self._rest = rest
        self.rows_per_byte = 0.0  # approximate; 0 if the file is small or not plain
        if rest is not None:
            self.rows_per_byte = sum(data.count(b"\n") for data in head) / sum(map(len, head))

    def batches(self) -> Iterator[RowBatch]:
        """Yield the rows after the first ones as text. Raises DataError with the line of an invalid row."""
        yield from self.rows.batches
        if self._rest is not None:
            yield from self.rows.read_more(self._decode(self._rest, before=self.rows.state.line), last=True)

    def columns(
        self, layout: Layout | None, convert: Callable[[RowBatch], ColumnBatch]
    ) -> Iterator[ColumnBatch]:
        """Yield the rows after the first ones as columns. `convert` makes columns of rows of text.

        Without a layout, all rows are read as text.

        Raises DataError with the line of an invalid row.
        """
        yield from map(convert, self.rows.batches)
        if self._rest is None:
            return
        if layout is None:
            yield from self._read_as_text(self._rest, convert, last=True)
            return
        is_joined = False  # a cell may continue in the next block, so blocks depend on each other

        def read(block: tuple[bytes, bool]) -> tuple[bytes, bool, ColumnBatch | None]:
            data, last = block
            if last or is_joined or not data.endswith(b"\n"):
                return data, last, None
            squeezed = squeeze_block(data) if self.rows.rules.squeezed else data
            return data, last, None if squeezed is None else read_block(squeezed, layout)

        blocks = ordered_map(read, _split_blocks(self._rest), workers=usable_workers(), ahead=BLOCKS_AHEAD)
        with closing(blocks):
            for data, last, columns in blocks:
                if columns is not None:
                    yield from self._add_block(columns, convert)
                elif not last and _continues(data, layout.delimiter):
                    is_joined = True
                    rest = (data for data, *_ in blocks)
                    yield from self._read_as_text(chain((data,), rest), convert, last=True)
                    return
                else:
                    yield from self._read_as_text((data,), convert, last=last)

    def _add_block(
        self, columns: ColumnBatch, convert: Callable[[RowBatch], ColumnBatch]
    ) -> Iterator[ColumnBatch]:
        before = self.rows.state.line
        empty_rows = self.rows.skip_lines(len(columns.lines))
        if empty_rows is not None:
            yield convert(empty_rows)
        yield columns.with_line_offset(before)

    def _read_as_text(
        self,
        blocks: Sequence[bytes] | Iterator[bytes],
        convert: Callable[[RowBatch], ColumnBatch],
        last: bool = False,
    ) -> Iterator[ColumnBatch]:
        return map(convert, self.rows.read_more(self._decode(blocks, before=self.rows.state.line), last=last))

    def _decode(self, blocks: Sequence[bytes] | Iterator[bytes], before: int = 0) -> Iterator[str]:
        codec = "utf-8" if before and self.codec == "utf-8-sig" else self.codec
        return decode_lines(blocks, self._name, codec, before=before, delimiter=self._delimiter)


def _split_head(
    blocks: Iterator[bytes], codec: str, skip_rows: int
) -> tuple[Sequence[bytes] | Iterator[bytes], Iterator[bytes] | None]:
    """Return the head of a large file (whole lines) and the rest. For other files, return all blocks and None."""
    first, size = [], 0
    for block in blocks:
        first.append(block)
        size += len(block)
        if size > BULK_MIN_BYTES:
            break
    else:
        return first, None
    data = b"".join(first)
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
    last_line = min(max(SAMPLE_ROWS, int(np.searchsorted(ends, HEAD_BYTES)), 1), len(ends) - 1)
    if codec not in CODECS or last_line < 1 + skip_rows:
        return chain((data,), blocks), None
    cut = int(ends[last_line]) + 1
    return (data[:cut],), chain((data[cut:],), blocks)


def _can_read_in_bulk(head: Sequence[bytes] | Iterator[bytes], rules: RowRules) -> bool:
    """Return whether pyarrow can read the blocks of the file. It is missing in the light install."""
    return (
        (rules.squeezed or rules.delimiter in DELIMITERS)
        and find_spec("pyarrow") is not None
        and all(b'"' not in data or quotes_are_plain(data, rules.delimiter) for data in head)
    )


def _split_blocks(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield blocks of whole lines of about `BLOCK_BYTES`, and whether a block is the last.

    The last block has at least `TAIL_BYTES` and the lines that are compared with the last line, if the text has them.
    It may be empty.
    """
    waiting: deque[bytes] = deque()
    for data in _whole_lines(blocks):
        waiting.append(data)
        if len(waiting) > 2:
            yield waiting.popleft(), False
    data = b"".join(waiting)
    cut = end = len(data)
    for _ in range(MAX_COMPARED + 2):
        cut = data.rfind(b"\n", 0, max(0, cut - 1)) + 1
    cut = min(cut, data.rfind(b"\n", 0, max(0, end - TAIL_BYTES)) + 1)
    if cut:
        yield data[:cut], False
    yield data[cut:], True


def _whole_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces of whole lines of at least `BLOCK_BYTES`, and then the rest.

    A much longer line is yielded in pieces: it may be refused, so it is not read far ahead.
    """
    waiting: list[bytes] = []
    size, min_size = 0, BLOCK_BYTES
    for block in blocks:
        size += len(block)
        cut = block.rfind(b"\n") + 1 if size >= min_size else 0
        is_whole = cut > 0
        if is_whole or size >= 2 * min_size:
            cut = cut or len(block)
            yield b"".join((*waiting, memoryview(block)[:cut]))
            waiting, block = [], block[cut:]
            size, min_size = len(block), BLOCK_BYTES if is_whole else 0
        waiting.append(block)
    if size:
        yield b"".join(waiting)
