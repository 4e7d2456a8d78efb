"""Tests of very long cells, lines and headers: they are refused before they are read to their end."""

import gzip
import io

import pytest

from lstm_cli.data.reading import csv_fast, source, text_format
from lstm_cli.data.reading.table import read_table
from lstm_cli.errors import DataError

CELL = text_format.MAX_CELL_CHARS
ROWS = b"t,y\n" + b"".join(b"%d,%d\n" % (row, row % 7) for row in range(40_000))


class Endless(io.RawIOBase):
    """Stream of a text and a filler that never ends, which counts the bytes that are read."""

    def __init__(self, text: bytes, filler: bytes) -> None:
        self._text, self._filler, self.count = text, filler, 0

    def isatty(self) -> bool:
        return False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data, self._text = self._text[:size], self._text[size:]
        data = data or self._filler * (size // len(self._filler))
        self.count += len(data)
        assert self.count < 200_000_000, "the line is read to its end"
        return data


@pytest.fixture(params=["text", "large blocks"], autouse=True)
def small_files_are_large(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read all files as text, or most of their lines in blocks."""
    monkeypatch.setattr("lstm_cli.data.reading.source._BLOCK", 1 << 16)
    if request.param == "large blocks":
        for name, size in (("BULK_MIN_BYTES", 1 << 17), ("BLOCK_BYTES", 1 << 17), ("HEAD_BYTES", 1 << 12)):
            monkeypatch.setattr(csv_fast, name, size)


def refusal(text: bytes, filler: bytes, **options: object) -> tuple[DataError, int]:
    stream = Endless(text, filler)
    with pytest.raises(DataError) as caught:
        read_table("-", stdin=stream, targets=["y"], time=("t",), **options)
    return caught.value, stream.count


def test_a_cell_without_end_is_refused_with_its_line() -> None:
    error, count = refusal(ROWS, b"1")
    assert (error.rule, error.at.lines) == ("D138", (40_002,))
    assert count < 20_000_000  # a few blocks
    assert refusal(ROWS + b"5,", b"x")[0].rule == "D138"


def test_a_line_without_end_is_refused_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_format, "MAX_LINE_CHARS", 1 << 20)
    error, count = refusal(ROWS, b"1,")
    assert (error.rule, error.at.lines) == ("D139", (40_002,))
    assert count < 20_000_000  # a few blocks


@pytest.mark.parametrize("end", [b"\n", b"\r"])
def test_a_pipe_is_kept_up_to_a_line_without_end(end: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """`check` reads a pipe twice, so it keeps the bytes."""
    monkeypatch.setattr(source, "MAX_LINE_BYTES", 1 << 20)
    stream = Endless(ROWS.replace(b"\n", end), b"1,")
    (held,) = source.read_pipes(["-"], stream)
    assert len(ROWS) + (1 << 20) <= len(held.content) < len(ROWS) + (1 << 20) + 200_000
    monkeypatch.setattr(text_format, "MAX_LINE_CHARS", 1 << 18)
    with pytest.raises(DataError) as caught:
        read_table(held, targets=["y"], time=("t",))
    assert caught.value.rule == "D139"
    packed = gzip.compress(b"") + bytes(2 << 20)
    assert source.read_pipes(["-"], io.BytesIO(packed))[0].content == packed


def test_a_header_without_end_is_refused() -> None:
    assert refusal(b"", b"a")[0].rule == "D138"


@pytest.mark.parametrize(("length", "rule"), [(CELL, "D302"), (CELL + 1, "D138")])
@pytest.mark.parametrize("end", [b"", b"\n6,1\n"])
def test_the_longest_cell_is_read(length: int, rule: str, end: bytes) -> None:
    with pytest.raises(DataError) as caught:
        read_table("-", stdin=io.BytesIO(ROWS + b"5," + b"x" * length + end), targets=["y"], time=("t",))
    assert caught.value.rule == rule


def test_long_lines_of_short_cells_are_read() -> None:
    columns = 100_000
    header = ",".join(["t", *(f"c{number}" for number in range(1, columns))])
    rows = [",".join([str(row), *["1.5"] * (columns - 1)]) for row in range(4)]
    data = "\n".join([header, *rows, ""]).encode()
    table = read_table("-", stdin=io.BytesIO(data), targets=["c99999"], time=("t",))
    assert table.values.tolist() == [[1.5]] * 4


def test_a_million_columns_are_refused() -> None:
    data = b"c," * 999_999 + b"d\n" + b"1," * 999_999 + b"1\n"
    with pytest.raises(DataError, match="1,000,000 columns") as caught:
        read_table("-", stdin=io.BytesIO(data), targets=["d"])
    assert caught.value.rule == "D146"
