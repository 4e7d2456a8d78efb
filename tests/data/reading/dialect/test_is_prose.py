"""Tests of which text files are prose, not a table."""

from pathlib import Path

import pytest
from small_text import story

from lstm_cli.data.reading.dialect.prose import is_prose
from lstm_cli.errors import UsageError

TABLES = {
    "comma": "time,load\n" + "2020-01-01,1.5\n" * 9,
    "semicolon": "time;load\n" + "2020-01-01;1,5\n" * 9,
    "blanks": "1.0  2.0\n3.0  4.0\n" * 9,
    "tab": "name\tvalue\n" + "a b\t7\n" * 9,
    "one column": "load\n" + "3\n" * 9,
    "units": "day|price\n" + "Monday|$ 1,234.50\n" * 9,
    "a broken row": "a,b\n" + "x,1\n" * 9 + "x,y,z\n",
    "words and numbers": "Berlin rain 4.5\nAachen rain 5.5\nBonn sun 9\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_a_file_with_a_column_of_numbers_is_a_table(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.txt").write_text(TABLES[name])
    assert not is_prose(str(tmp_path / "a.txt"))


@pytest.mark.parametrize(
    "text",
    [
        story(),
        "First Citizen:\nBefore we proceed, hear me speak.\n\nAll:\nSpeak, speak; we 2 hear.\n" * 5,
        "In 1815, M. Charles-François-Bienvenu was Bishop. He was 75, or so; and old.\n",
        "one line",
        "7 He said something, and then left. 7\n" * 300,
        "1 In the beginning\n2 And the earth\n3 And God said\n",
    ],
)
def test_sentences_are_prose(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    assert is_prose(str(tmp_path / "a.txt"))


def test_prose_may_have_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(story(), encoding="utf-16")
    assert is_prose(str(path))
    path.write_bytes("time,l\xf6ad\n".encode("latin-1") + b"2020-01-01,1\n" * 9)
    assert not is_prose(str(path))
    with pytest.raises(UsageError, match="--encoding"):
        is_prose(str(path), encoding="none")


def test_a_file_that_cannot_be_read_is_left_to_its_reader(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "blank.txt").write_text("\n\n")
    for name in ("absent.txt", "empty.txt", "blank.txt"):
        assert not is_prose(str(tmp_path / name))
    assert not is_prose("-")
