"""Tests of the reader of documents: text in several lines, wrong quotes, several files, and missing cells."""

from pathlib import Path

import pytest

from lstm_cli.config.text import PLAIN_TEXT
from lstm_cli.data.reading.documents import GROUP, LABEL, SEQUENCE, TEXT, Documents, read_documents
from lstm_cli.errors import DataError

COLUMNS = {TEXT: "review", LABEL: "mood"}


def read(*paths: Path, columns: dict[str, str] = COLUMNS, is_new: bool = False) -> Documents:
    return read_documents([str(path) for path in paths], columns, text=PLAIN_TEXT, stdin=None, is_new=is_new)


def file(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_document_keeps_its_lines_quotes_and_delimiters(tmp_path: Path) -> None:
    text = 'review,mood\n"It was ""good"", he said.\nIn May, 2019 we saw it",up\nsö lala ,down\n'
    documents = read(file(tmp_path / "a.csv", text))
    # The second line has as many cells as a row, and one of them is a number.
    assert documents.texts == ['It was "good", he said.\nIn May, 2019 we saw it', "sö lala"]
    assert (documents.labels, documents.names, documents.groups) == (["up", "down"], ["1", "2"], [])
    assert documents.findings == ()


def test_a_wrong_quote_that_joins_rows_is_reported(tmp_path: Path) -> None:
    text = 'review,mood\nfine,up\n"bad film,down\nfine,up\nsad",down\n'
    [finding] = read(file(tmp_path / "a.csv", text)).findings
    assert (finding.rule, finding.count) == ("D134", 1)
    assert "line 3" in finding.text or finding.lines == (3,)


def test_several_files_have_one_order_and_their_own_lines(tmp_path: Path) -> None:
    one = file(tmp_path / "a.csv", 'id,review,mood\n1,"fine\nfilm",up\n2,bad,down\n')
    other = file(tmp_path / "b.csv", "mood;review;id\nup;good;3\ndown;;4\n")
    with pytest.raises(DataError) as caught:
        read(one, other)
    assert (caught.value.rule, str(caught.value.at)) == ("D257", f"{other}, line 3, column 'review'")
    other.write_text(other.read_text().replace("down;;4", "down;sad;4"))
    documents = read(one, other, columns={**COLUMNS, SEQUENCE: "id"})
    assert (documents.names, documents.texts[2:]) == (["1", "2", "3", "4"], ["good", "sad"])
    other.write_text(other.read_text().replace("sad;4", "sad;2"))
    with pytest.raises(DataError) as caught:
        read(one, other, columns={**COLUMNS, SEQUENCE: "id"})
    assert (caught.value.rule, str(caught.value.at)) == ("D259", f"{other}, line 3, column 'id'")
    assert f"line 4 of {one}" in caught.value.message


@pytest.mark.parametrize(
    ("rows", "rule", "column"),
    [
        ("fine,up,p\n ,down,p\n", "D257", "review"),
        ("fine,up,p\nbad, ,p\n", "D251", "mood"),
        ("fine,up,p\nbad,down,\n", "D251", "person"),
    ],
)
def test_a_missing_cell_is_refused_with_its_line(tmp_path: Path, rows: str, rule: str, column: str) -> None:
    path = file(tmp_path / "a.csv", f"review,mood,person\n{rows}")
    with pytest.raises(DataError) as caught:
        read(path, columns={**COLUMNS, GROUP: "person"})
    assert (caught.value.rule, str(caught.value.at)) == (rule, f"{path}, line 3, column '{column}'")


def test_numbers_are_not_documents(tmp_path: Path) -> None:
    path = file(tmp_path / "a.csv", "review,mood\n1,up\n2.5,down\n")
    with pytest.raises(DataError) as caught:
        read(path)
    assert (caught.value.rule, caught.value.flags) == ("D258", ("--text",))
    # A new document may be a number: the model was trained on others.
    assert read(path, columns={TEXT: "review"}, is_new=True).texts == ["1", "2.5"]


def test_new_documents_need_the_columns_of_the_model(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(file(tmp_path / "a.csv", "body\nfine\n"), columns={TEXT: "review"}, is_new=True)
    assert caught.value.rule == "D202"
    assert "which the model needs" in caught.value.message


def test_parquet_has_the_same_documents(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"mood": ["up", "down"], "review": ["fine, and\nshort", "bad"], "id": [7, 8]})
    pq.write_table(table, tmp_path / "a.parquet")
    documents = read(tmp_path / "a.parquet", columns={**COLUMNS, SEQUENCE: "id"})
    assert documents.texts == ["fine, and\nshort", "bad"]
    assert (documents.names, documents.labels) == (["7", "8"], ["up", "down"])


def test_a_large_file_with_documents_of_several_lines_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lstm_cli.data.reading import csv_fast

    monkeypatch.setattr(csv_fast, "BULK_MIN_BYTES", 1 << 16)
    monkeypatch.setattr(csv_fast, "HEAD_BYTES", 1 << 14)
    texts = [f"line {number}\nanother, {number}\nend" for number in range(5_000)]
    rows = "".join(f'"{text}",{"up" if len(text) % 2 else "down"}\n' for text in texts)
    assert read(file(tmp_path / "a.csv", f"review,mood\n{rows}")).texts == texts
