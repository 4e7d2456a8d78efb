"""Plain CSV text to numbers, times and names of series, millions of rows a second, through pyarrow.

The rules are those of `rows.py`, `cells.py` and `times.py`. This engine answers for a stretch of lines only
where nothing in it asks for more than plain cells; else it says so, and the careful reader reads that stretch.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.data.cells import MISSING_WORDS, Place
from lstm_cli.data.columns import Columns
from lstm_cli.data.even_times import scan_even_times
from lstm_cli.data.series_names import Names, bare_names
from lstm_cli.data.times import TimePiece, scan_times
from lstm_cli.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import csv

CODECS = frozenset(
    ("utf-8", "utf-8-sig", "ascii", "iso8859-1", "cp1252")
)  # plain text looks alike in all of them
DELIMITERS = (",", ";", "\t", "|")
_WINDOW = 1 << 16  # bytes; csv.reader's cells are at most twice as long


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the chosen columns stand in a row, counted from 0."""

    codec: str
    delimiter: str
    width: int  # cells of a row
    time: int | None
    series: int | None
    numeric: tuple[int, ...]
    place: Place  # of the time column


def read_block(data: bytes, layout: Layout) -> Columns | None:
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
            convert_options=_conversion(layout),
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
    if _may_vanish(data, values, ends):
        return None
    if layout.time is None and np.isnan(values[-1]).all():
        return None  # rows of empty cells at the end of a file do not count
    try:
        times = None if layout.time is None else _times(_column(table, layout.time), layout.place)
    except DataError:
        return None
    codes: np.ndarray | None = None
    names: Names = ()
    if layout.series is not None:
        column = _column(table, layout.series)
        codes = column.indices.to_numpy().astype(np.int32, copy=False)
        found = bare_names(column.dictionary)
        if found is None:
            return None
        names = found
    lines = np.arange(1, rows + 1, dtype=np.int64)
    return Columns(lines=lines, values=values, ends=ends, times=times, codes=codes, names=names)


def is_plain(data: bytes, layout: Layout) -> bool:
    """Whether lines are text without comments, and quotes stand around whole cells only."""
    if b"\0" in data or (b"#" in data and b"\n#" in b"\n" + data):
        return False
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return False
    if any(data.find(b"\n", begin, begin + _WINDOW) < 0 for begin in range(0, len(data) - _WINDOW, _WINDOW)):
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
def _missing_words() -> list[str]:
    """The words for a missing cell in every mixture of small and capital letters."""
    return sorted(
        {"".join(one) for word in MISSING_WORDS for one in product(*((c, c.upper()) for c in word))}
    )


def _conversion(layout: Layout) -> "csv.ConvertOptions":
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
        null_values=_missing_words(),
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


def _may_vanish(data: bytes, values: np.ndarray, ends: np.ndarray) -> bool:
    """Whether one of the values [n, F], within `ends` [2, F], may be read as 0 and written as something else."""
    without_zero = (ends[0] > 0) | (ends[1] < 0)  # False, too, where a cell is missing
    return not without_zero.all() and (b"e-" in data or b"E-" in data) and bool((values == 0).any())


def _times(column: Any, place: Place) -> TimePiece:
    rows = len(column)
    _, offsets, characters = column.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[column.offset : column.offset + rows + 1]
    width = int(ends[1] - ends[0])
    if width and (np.diff(ends) == width).all():
        matrix = np.frombuffer(characters, dtype=np.uint8)[ends[0] : ends[-1]].reshape(rows, width)
        piece = scan_even_times(matrix)
        if piece is not None:
            return piece
    return scan_times(column.to_pylist(), np.arange(1, rows + 1), place)
