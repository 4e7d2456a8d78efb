"""Read a CSV file fast: small files by `csv_rows.py` alone, large ones for the most part through pyarrow.

A large file is divided into a head, blocks of whole lines, and a tail. `csv_rows.py` reads the head, the tail, and
every block that pyarrow may read differently. So values, line numbers and messages do not depend on the size. Several
blocks are read at once, on all cores. The rules are those of `csv_rows.py`, `numbers.py` and `data/times/parse.py`.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import chain, product
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.data.locations import MISSING_WORDS, CellLocation
from lstm_cli.data.parallel import ordered_map, usable_workers
from lstm_cli.data.reading.column_buffers import ColumnBatch, Names, unescape_names
from lstm_cli.data.reading.column_roles import SAMPLE_ROWS
from lstm_cli.data.reading.csv_rows import CsvRows, RowBatch, open_rows
from lstm_cli.data.reading.source import Source
from lstm_cli.data.reading.text_format import codec_name, decode_lines
from lstm_cli.data.times.parse import scan_times
from lstm_cli.data.times.patterns import TimePiece, scan_fixed_width_times
from lstm_cli.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import csv

CODECS = frozenset(
    ("utf-8", "utf-8-sig", "ascii", "iso8859-1", "cp1252")
)  # plain text looks alike in all of them
DELIMITERS = (",", ";", "\t", "|")
_MAX_LINE_BYTES = 1 << 16  # bytes; csv.reader's cells are at most twice as long
BULK_MIN_BYTES = (
    8 << 20
)  # bytes from which on a file is read in bulk; below, loading pyarrow would take longer
HEAD_BYTES = 1 << 20  # bytes at the beginning
BLOCK_BYTES = 1 << 20  # bytes read at once
TAIL_BYTES = 1 << 16  # bytes at the end, where notes and totals stand
BLOCKS_AHEAD = 3  # blocks that are begun beyond the one that is needed


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the chosen columns stand in a row, counted from 0."""

    codec: str
    delimiter: str
    width: int  # cells of a row
    time: int | None
    series: int | None
    numeric: tuple[int, ...]
    time_location: CellLocation  # of the time column


def read_block(data: bytes, layout: Layout) -> ColumnBatch | None:
    """Whole lines, each a row, as columns, the lines counted from 1; None where it cannot vouch for them."""
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
    rows = table.num_rows
    values = np.empty((rows, len(layout.numeric)), dtype=np.float64)
    ends = np.empty((2, len(layout.numeric)))
    for place, index in enumerate(layout.numeric):
        numbers = _numbers(_column(table, index))
        if numbers is None:
            return None
        values[:, place] = numbers
        ends[:, place] = numbers.min(), numbers.max()
    if _may_underflow(data, values, ends):
        return None
    if layout.time is None and np.isnan(values[-1]).all():
        return None  # rows of empty cells at the end of a file do not count
    try:
        times = None if layout.time is None else _times(_column(table, layout.time), layout.time_location)
    except DataError:
        return None
    codes: np.ndarray | None = None
    names: Names = ()
    if layout.series is not None:
        column = _column(table, layout.series)
        codes = column.indices.to_numpy().astype(np.int32, copy=False)
        found = unescape_names(column.dictionary)
        if found is None:
            return None
        names = found
    lines = np.arange(1, rows + 1, dtype=np.int64)
    return ColumnBatch(lines=lines, values=values, extremes=ends, times=times, codes=codes, names=names)


def is_plain(data: bytes, layout: Layout) -> bool:
    """Whether lines are text without comments, and quotes stand around whole cells only."""
    if b"\0" in data or (b"#" in data and b"\n#" in b"\n" + data):
        return False
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return False
    if any(
        data.find(b"\n", begin, begin + _MAX_LINE_BYTES) < 0
        for begin in range(0, len(data) - _MAX_LINE_BYTES, _MAX_LINE_BYTES)
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
    """Whether every quote opens or closes a whole cell of one line, and none stands within a cell."""
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


@cache
def _missing_word_cases() -> list[str]:
    """The words for a missing cell in every mixture of small and capital letters."""
    return sorted(
        {"".join(one) for word in MISSING_WORDS for one in product(*((c, c.upper()) for c in word))}
    )


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
        null_values=_missing_word_cases(),
        strings_can_be_null=False,
    )


def _column(table: "pa.Table", index: int) -> Any:
    return table.column(str(index)).combine_chunks()


def _numbers(column: Any) -> np.ndarray | None:
    """Numbers [n], NaN where missing; None where one of them is infinite or no number."""
    numbers: np.ndarray = column.to_numpy(zero_copy_only=False)
    if column.null_count:
        finite = np.count_nonzero(np.isfinite(numbers)) == len(numbers) - column.null_count
    else:
        finite = bool(np.isfinite(numbers.min()) and np.isfinite(numbers.max()))
    return numbers if finite else None


def _may_underflow(data: bytes, values: np.ndarray, ends: np.ndarray) -> bool:
    """Whether one of the values [n, F], within `ends` [2, F], may be read as 0 and written as something else."""
    without_zero = (ends[0] > 0) | (ends[1] < 0)  # False, too, where a cell is missing
    return not without_zero.all() and (b"e-" in data or b"E-" in data) and bool((values == 0).any())


def _times(column: Any, location: CellLocation) -> TimePiece:
    rows = len(column)
    _, offsets, characters = column.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[column.offset : column.offset + rows + 1]
    width = int(ends[1] - ends[0])
    if width and (np.diff(ends) == width).all():
        matrix = np.frombuffer(characters, dtype=np.uint8)[ends[0] : ends[-1]].reshape(rows, width)
        piece = scan_fixed_width_times(matrix)
        if piece is not None:
            return piece
    return scan_times(column.to_pylist(), np.arange(1, rows + 1), location)


class FastCsvReader:
    """A text file, opened to its header."""

    def __init__(self, source: Source, encoding: str | None, delimiter: str | None) -> None:
        """Raises what `codec_of` and `open_rows` raise, and of the first rows what reading them does."""
        self._name = source.name
        self.codec = codec_name(source, encoding)
        head, rest = _split_head(source.blocks, self.codec)
        rows = open_rows(self._decode(head), source.name, delimiter, is_complete=rest is None)
        plain = rest is None or _can_read_in_bulk(head, rows.delimiter)
        first = next(rows.batches, None) if plain else None
        if rest is not None and first is None:
            rows = open_rows(self._decode(chain(head, rest)), source.name, delimiter)
            first, rest = next(rows.batches, None), None
        self.rows: CsvRows = rows
        self.first: RowBatch | None = first  # the first rows; None: there are none
        self._rest = rest
        self.rows_per_byte = 0.0  # about; 0 where the file is small, or not plain
        if rest is not None:
            self.rows_per_byte = sum(data.count(b"\n") for data in head) / sum(map(len, head))

    def batches(self) -> Iterator[RowBatch]:
        """The rows that follow the first ones, as text. Raises DataError with the line for what cannot be read."""
        yield from self.rows.batches
        if self._rest is not None:
            yield from self.rows.read_more(self._decode(self._rest, before=self.rows.state.line), last=True)

    def columns(self, layout: Layout, convert: Callable[[RowBatch], ColumnBatch]) -> Iterator[ColumnBatch]:
        """What follows the first rows. careful: the chosen columns of rows of text.

        Raises DataError with the line for what cannot be read.
        """
        yield from map(convert, self.rows.batches)
        if self._rest is None:
            return
        goes_on = False  # a cell may go on in the next block, so that no block can be read by itself

        def read(block: tuple[bytes, bool]) -> tuple[bytes, bool, ColumnBatch | None]:
            data, last = block
            return data, last, None if last or goes_on else read_block(data, layout)

        blocks = ordered_map(read, _split_blocks(self._rest), workers=usable_workers(), ahead=BLOCKS_AHEAD)
        with closing(blocks):
            for data, last, columns in blocks:
                if columns is not None:
                    yield from self._add_block(columns, convert)
                elif not last and b'"' in data and not quotes_are_plain(data, layout.delimiter):
                    goes_on = True
                    rest = (one for one, *_ in blocks)
                    yield from self._read_as_text(chain((data,), rest), convert, last=True)
                    return
                else:
                    yield from self._read_as_text((data,), convert, last=last)

    def _add_block(
        self, columns: ColumnBatch, convert: Callable[[RowBatch], ColumnBatch]
    ) -> Iterator[ColumnBatch]:
        before = self.rows.state.line
        held = self.rows.skip_lines(len(columns.lines))
        if held is not None:
            yield convert(held)
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
        return decode_lines(blocks, self._name, codec, before=before)


def _split_head(
    blocks: Iterator[bytes], codec: str
) -> tuple[Sequence[bytes] | Iterator[bytes], Iterator[bytes] | None]:
    """The head of a large file, to the end of a line, and the rest; of a small or foreign one all, and None."""
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
    place = min(max(SAMPLE_ROWS, int(np.searchsorted(ends, HEAD_BYTES)), 1), len(ends) - 1)
    if codec not in CODECS or place < 1:
        return chain((data,), blocks), None
    cut = int(ends[place]) + 1
    return (data[:cut],), chain((data[cut:],), blocks)


def _can_read_in_bulk(head: Sequence[bytes] | Iterator[bytes], delimiter: str) -> bool:
    """Return whether the bulk reader takes the file; without pyarrow (the light install) it takes none."""
    return (
        delimiter in DELIMITERS
        and find_spec("pyarrow") is not None
        and all(b'"' not in data or quotes_are_plain(data, delimiter) for data in head)
    )


def _split_blocks(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Whole lines, about `BLOCK` bytes at a time, and whether they are the last, which are `TAIL` bytes or more.

    The last ones may be none.
    """
    waiting: deque[bytes] = deque()
    for data in _whole_lines(blocks):
        waiting.append(data)
        if len(waiting) > 2:
            yield waiting.popleft(), False
    data = b"".join(waiting)
    cut = data.rfind(b"\n", 0, max(0, len(data) - TAIL_BYTES)) + 1
    if cut:
        yield data[:cut], False
    yield data[cut:], True


def _whole_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size, enough = 0, BLOCK_BYTES
    for block in blocks:
        held.append(block)
        size += len(block)
        if size < enough:
            continue
        data = b"".join(held)
        cut = data.rfind(b"\n") + 1
        if cut:
            yield data[:cut]
        held, size = [data[cut:]], len(data) - cut
        enough = max(BLOCK_BYTES, 2 * size)  # a line longer than a block
    if size:
        yield b"".join(held)
