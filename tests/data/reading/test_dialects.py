"""Tests of dialects: a table of finite numbers in any accepted dialect is read back exactly."""

import gzip
import io
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_cli.config.text import TextSettings
from lstm_cli.data.reading.table import read_table

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
WRITTEN = (repr, "{:.17g}".format, "{:.17E}".format, "{:+.17g}".format)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252")
LETTERS = st.text(
    st.characters(codec="cp1252", exclude_categories=("C", "Z"), exclude_characters="'\""), min_size=1
)


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """Format of a written table."""

    delimiter: str
    quoted: bool  # True: all cells have quotes
    end: str  # line end
    ends_last_line: bool  # True: the last line has a line end
    encoding: str
    zipped: bool
    before: str  # blanks around cells
    after: str
    number: int  # index into WRITTEN

    def cell(self, text: str) -> str:
        must = any(mark in text for mark in (self.delimiter, '"', "\n"))
        inner = '"' + text.replace('"', '""') + '"' if self.quoted or must else text
        return self.before + inner + self.after

    def encode(self, rows: list[list[str]]) -> bytes:
        text = self.end.join(self.delimiter.join(map(self.cell, row)) for row in rows)
        data = (text + (self.end if self.ends_last_line else "")).encode(self.encoding)
        return gzip.compress(data, mtime=0) if self.zipped else data


def dialects() -> st.SearchStrategy[Dialect]:
    blanks = st.sampled_from(["", " ", "   "])
    return st.builds(
        Dialect,
        delimiter=st.sampled_from([",", ";", "\t", "|"]),
        quoted=st.booleans(),
        end=st.sampled_from(["\n", "\r\n", "\r"]),
        ends_last_line=st.booleans(),
        encoding=st.sampled_from(ENCODINGS),
        zipped=st.booleans(),
        before=blanks,
        after=blanks,
        number=st.integers(0, len(WRITTEN) - 1),
    )


@settings(max_examples=100)
@given(
    names=st.lists(LETTERS.map(lambda name: "n" + name), min_size=1, max_size=3, unique_by=str.lower),
    cells=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=12),
    dialect=dialects(),
    named=st.booleans(),
)
def test_any_table_of_numbers_comes_back_equal(
    names: list[str], cells: list[tuple[float, ...]], dialect: Dialect, named: bool
) -> None:
    values = np.array(cells)[:, : len(names)]
    rows = [[f"s{row}", *map(WRITTEN[dialect.number], value)] for row, value in enumerate(values.tolist())]
    named |= dialect.delimiter == "|" or any(mark in name for name in names for mark in ",;\t")
    table = read_table(
        "-",
        targets=names,
        series=("step",),
        text=TextSettings(
            encoding=None if dialect.encoding.startswith("utf") else dialect.encoding,
            delimiter=dialect.delimiter if named else None,
        ),
        stdin=io.BytesIO(dialect.encode([["step", *names], *rows])),
    )
    assert table.columns == tuple(names)
    assert table.series_names == tuple(row[0] for row in rows)
    assert table.values.tobytes() == values.tobytes()
