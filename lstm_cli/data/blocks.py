"""A text file as columns: small ones through the careful reader alone, large ones for the most part in bulk.

A large file is divided into a head, blocks of whole lines, and a tail. The careful reader (rows.py) takes the
head and the tail and every block that the other engine (bulk.py) will not answer for, so that all messages,
line numbers and values are the same whatever the size. Several blocks are read at once, on all cores.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from itertools import chain

import numpy as np

from lstm_cli.data.bulk import CODECS, DELIMITERS, Layout, quotes_are_plain, read_block
from lstm_cli.data.choose import SAMPLE
from lstm_cli.data.columns import Columns
from lstm_cli.data.decoding import codec_of, lines_of
from lstm_cli.data.in_order import usable
from lstm_cli.data.rows import Piece, Rows, open_rows
from lstm_cli.data.source import Source

LARGE = 8 << 20  # bytes from which on a file is read in bulk; below, loading pyarrow would take longer
HEAD = 1 << 20  # bytes at the beginning
BLOCK = 1 << 20  # bytes read at once
TAIL = 1 << 16  # bytes at the end, where notes and totals stand
AHEAD = 3  # blocks that are begun before the first of them is needed


class Blocks:
    """A text file, opened to its header."""

    def __init__(self, source: Source, encoding: str | None, delimiter: str | None) -> None:
        """Raises what `codec_of` and `open_rows` raise, and of the first rows what reading them does."""
        self._name = source.name
        self.codec = codec_of(source, encoding)
        self._unended: list[str] = []
        head, rest = _divided(source.blocks, self.codec)
        rows = open_rows(self._lines(head), source.name, delimiter, whole=rest is None, unended=self._unended)
        plain = rest is None or _goes_in_bulk(head, rows.delimiter)
        first = next(rows.pieces, None) if plain else None
        if rest is not None and first is None:
            rows = open_rows(self._lines(chain(head, rest)), source.name, delimiter, unended=self._unended)
            first, rest = next(rows.pieces, None), None
        self.rows: Rows = rows
        self.first: Piece | None = first  # the first rows; None: there are none
        self._rest = rest
        self.rows_per_byte = 0.0  # about; 0 where the file is small, or not plain
        if rest is not None:
            self.rows_per_byte = sum(data.count(b"\n") for data in head) / sum(map(len, head))

    def columns(self, layout: Layout, careful: Callable[[Piece], Columns]) -> Iterator[Columns]:
        """What follows the first rows. careful: the chosen columns of rows of text.

        Raises DataError with the line for what cannot be read.
        """
        yield from map(careful, self.rows.pieces)
        if self._rest is None:
            return
        waiting: deque[tuple[bytes, Future[Columns | None]]] = deque()
        with ThreadPoolExecutor(usable()) as pool:
            try:
                blocks = _cut(self._rest)
                for data, last in blocks:
                    if not last:
                        waiting.append((data, pool.submit(read_block, data, layout)))
                    while waiting and (last or len(waiting) > AHEAD):
                        block, future = waiting.popleft()
                        columns = future.result()
                        if (
                            columns is None
                            and b'"' in block
                            and not quotes_are_plain(block, layout.delimiter)
                        ):
                            # A cell may go on in the next block.
                            rest = chain((block,), (one for one, _ in waiting), (data,) * last)
                            yield from self._careful(
                                chain(rest, (one for one, _ in blocks)), careful, last=True
                            )
                            return
                        yield from (
                            self._careful((block,), careful)
                            if columns is None
                            else self._bulk(columns, careful)
                        )
                    if last:
                        yield from self._careful((data,), careful, last=True)
            finally:
                pool.shutdown(cancel_futures=True)

    def _bulk(self, columns: Columns, careful: Callable[[Piece], Columns]) -> Iterator[Columns]:
        before = self.rows.seen.line
        held = self.rows.passed(len(columns.lines))
        if held is not None:
            yield careful(held)
        yield columns.after(before)

    def _careful(
        self,
        blocks: Sequence[bytes] | Iterator[bytes],
        careful: Callable[[Piece], Columns],
        last: bool = False,
    ) -> Iterator[Columns]:
        return map(careful, self.rows.further(self._lines(blocks, before=self.rows.seen.line), last=last))

    def _lines(self, blocks: Sequence[bytes] | Iterator[bytes], before: int = 0) -> Iterator[str]:
        codec = "utf-8" if before and self.codec == "utf-8-sig" else self.codec
        return lines_of(blocks, self._name, codec, before=before, unended=self._unended)


def _divided(
    blocks: Iterator[bytes], codec: str
) -> tuple[Sequence[bytes] | Iterator[bytes], Iterator[bytes] | None]:
    """The head of a large file, to the end of a line, and the rest; of a small or foreign one all, and None."""
    first, size = [], 0
    for block in blocks:
        first.append(block)
        size += len(block)
        if size > LARGE:
            break
    else:
        return first, None
    data = b"".join(first)
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
    place = min(max(SAMPLE, int(np.searchsorted(ends, HEAD)), 1), len(ends) - 1)
    if codec not in CODECS or place < 1:
        return chain((data,), blocks), None
    cut = int(ends[place]) + 1
    return (data[:cut],), chain((data[cut:],), blocks)


def _goes_in_bulk(head: Sequence[bytes] | Iterator[bytes], delimiter: str) -> bool:
    """Return whether the bulk reader takes the file; without pyarrow (the light install) it takes none."""
    return (
        delimiter in DELIMITERS
        and find_spec("pyarrow") is not None
        and all(b'"' not in data or quotes_are_plain(data, delimiter) for data in head)
    )


def _cut(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Whole lines, about `BLOCK` bytes at a time, and whether they are the last, which are `TAIL` bytes or more.

    The last ones may be none.
    """
    waiting: deque[bytes] = deque()
    for data in _whole_lines(blocks):
        waiting.append(data)
        if len(waiting) > 2:
            yield waiting.popleft(), False
    data = b"".join(waiting)
    cut = data.rfind(b"\n", 0, max(0, len(data) - TAIL)) + 1
    if cut:
        yield data[:cut], False
    yield data[cut:], True


def _whole_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size, enough = 0, BLOCK
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
        enough = max(BLOCK, 2 * size)  # a line longer than a block
    if size:
        yield b"".join(held)
