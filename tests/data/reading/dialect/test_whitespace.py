"""Tests of blanks and tabs as delimiter."""

import csv

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_cli.data.reading.dialect.whitespace import squeeze_blanks, squeeze_block

CELL = st.text("abc1.-'", min_size=1, max_size=4)
QUOTED = st.text('ab \t"\n', max_size=5).map(lambda text: '"' + text.replace('"', '""') + '"')


@pytest.mark.parametrize(
    ("lines", "squeezed"),
    [
        (["  1 \t 2\n"], ["1 2\n"]),
        (["1  2"], ["1 2"]),
        ([" \t\n", "\n"], ["\n", "\n"]),
        (['"a  b"  2 \n'], ['"a  b" 2\n']),
        (['1   "a  b"\n'], ['1 "a  b"\n']),
        (['5"  2\n'], ['5" 2\n']),  # a quote within a cell
        (['1  "a  \n', '  b"  2  \n', "3   4\n"], ['1 "a  \n', '  b" 2\n', "3 4\n"]),
        (['"a ""x""  b"   2\n'], ['"a ""x""  b" 2\n']),
    ],
)
def test_blanks_outside_of_quotes_become_one(lines: list[str], squeezed: list[str]) -> None:
    assert list(squeeze_blanks(lines)) == squeezed


@given(
    rows=st.lists(st.lists(st.one_of(CELL, QUOTED), min_size=2, max_size=2), min_size=1, max_size=5),
    between=st.sampled_from([" ", "\t", " \t  "]),
    around=st.sampled_from(["", " ", "\t "]),
)
def test_cells_come_back_as_they_were(rows: list[list[str]], between: str, around: str) -> None:
    text = "".join(around + between.join(row) + around + "\n" for row in rows)
    lines = [line + "\n" for line in text.removesuffix("\n").split("\n")]
    expected = [[cell[1:-1].replace('""', '"') if cell[0] == '"' else cell for cell in row] for row in rows]
    assert list(csv.reader(squeeze_blanks(lines), delimiter=" ", strict=True)) == expected


def test_rows_are_those_of_pandas(tmp_path) -> None:
    text = ' 1  "a b"\t-2.5 \n\t30 c  4\n'
    (tmp_path / "a.txt").write_text(text)
    frame = pd.read_csv(tmp_path / "a.txt", sep=r"\s+", header=None, dtype=str)
    assert list(csv.reader(squeeze_blanks(text.splitlines(True)), delimiter=" ")) == frame.to_numpy().tolist()


@given(st.text("ab1 \t\n", max_size=40), st.sampled_from(["\n", "\r\n"]))
def test_blocks_are_squeezed_like_lines(text: str, end: str) -> None:
    lines = squeeze_blanks(line + "\n" for line in text.split("\n"))
    data = squeeze_block((text + "\n").replace("\n", end).encode())
    assert data == "".join(lines).replace("\n", end).encode()


def test_blocks_with_quotes_are_left_to_the_other_reader() -> None:
    assert squeeze_block(b'"a  b"  1\n') is None
