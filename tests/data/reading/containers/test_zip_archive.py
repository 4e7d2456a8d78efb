"""Tests of ZIP archives, from a file and from a pipe."""

import io
import shlex
import subprocess
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lstm_cli.data.reading.source import open_source
from lstm_cli.data.reading.table import read_table
from lstm_cli.errors import DataError

TEXT = b"date,load\n" + b"2021-01-01,5\n" * 5000


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return sink.getvalue()


def content(data: bytes, path: Path | None) -> bytes:
    if path is not None:
        path.write_bytes(data)
    with open_source("-" if path is None else str(path), io.BytesIO(data)) as source:
        return b"".join(source.blocks)


@pytest.fixture(params=["a file", "a pipe"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "my data.zip" if request.param == "a file" else None


def refusal(data: bytes, path: Path | None) -> DataError:
    with pytest.raises(DataError) as caught:
        content(data, path)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_only_file_is_read(method: int, path: Path | None) -> None:
    hidden = {"__MACOSX/._a.csv": b"x", "data/.DS_Store": b"x", "data/": b""}
    assert content(packed({"data/a.csv": TEXT, **hidden}, method), path) == TEXT


def test_the_checksum_is_that_of_the_archive(tmp_path: Path) -> None:
    from hashlib import sha256

    data = packed({"a.csv": TEXT})
    (tmp_path / "a.zip").write_bytes(data)
    with open_source(str(tmp_path / "a.zip")) as source:
        assert b"".join(source.blocks) == TEXT
        assert source.reader.checksum_and_size() == {"sha256": sha256(data).hexdigest(), "size": len(data)}


def test_several_files_are_listed_with_the_command_that_extracts_them(tmp_path: Path) -> None:
    error = refusal(packed({"a.csv": TEXT, "b c.csv": TEXT}), tmp_path / "my data.zip")
    assert error.message.endswith("is a ZIP archive of 2 files: a.csv, 'b c.csv'")
    command = error.hint.partition(": ")[2]
    subprocess.run(shlex.split(command), check=True, cwd=tmp_path, stdout=subprocess.DEVNULL)
    assert (tmp_path / "b c.csv").read_bytes() == TEXT


def test_archives_without_a_file_are_refused(path: Path | None) -> None:
    assert "empty ZIP" in refusal(packed({}), path).message
    assert "empty ZIP" in refusal(packed({"data/": b""}), path).message
    assert "empty after" in refusal(packed({"a.csv": b""}), path).message
    assert "compressed twice" in refusal(packed({"a.zip": packed({"a.csv": TEXT})}), path).message


def test_corrupt_and_truncated_archives_are_refused(path: Path | None) -> None:
    data = packed({"a.csv": TEXT})
    assert "corrupt" in refusal(data[:-30], path).message
    assert "corrupt" in refusal(data[:60] + b"####" + data[64:], path).message
    wrong_sum = bytearray(packed({"a.csv": TEXT}, zipfile.ZIP_STORED))
    wrong_sum[1000] ^= 1
    assert "corrupt" in refusal(bytes(wrong_sum), path).message


def test_encrypted_and_unusual_archives_are_refused(path: Path | None) -> None:
    encrypted = bytearray(packed({"a.csv": TEXT}))
    for begin in (6, encrypted.rindex(b"PK\x01\x02") + 8):  # the flags of the member
        encrypted[begin] |= 1
    assert "encrypted" in refusal(bytes(encrypted), path).message
    assert "unusual" in refusal(packed({"a.csv": TEXT}, zipfile.ZIP_BZIP2), path).message


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        (["[Content_Types].xml", "xl/workbook.xml"], "an Excel workbook"),
        (["mimetype", "content.xml"], "an OpenDocument table"),
        (["word/document.xml"], "a Word document"),
        (["x.npy", "y.npy"], "an archive of NumPy arrays"),
    ],
)
def test_documents_are_named(members: list[str], kind: str, path: Path | None) -> None:
    assert f"is {kind}" in refusal(packed(dict.fromkeys(members, b"x")), path).message


def test_a_bomb_is_decompressed_block_by_block(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed({"a.csv": b"0" * 30_000_000}))
    with open_source(str(tmp_path / "a.zip")) as source:
        assert max(map(len, source.blocks)) <= 1 << 20


@pytest.mark.parametrize(
    ("member", "kind"), [("b/a.xlsx", "an Excel workbook"), ("a.XLS", "an old Excel workbook")]
)
def test_a_document_in_an_archive_is_named(member: str, kind: str, path: Path | None) -> None:
    error = refusal(packed({member: b"PK\x03\x04" + bytes(99)}), path)
    assert f"holds {member}, which is {kind}" in error.message
    assert (
        f"extract it and convert it: python -c \"import pandas; pandas.read_excel('{member}')" in error.hint
    )


def test_parquet_in_an_archive_is_read(path: Path | None) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"date": ["2021-01-01", "2021-01-02"], "load": [5.0, 6.5]}), sink)
    data = packed({"a.parquet": sink.getvalue()})
    if path is not None:
        path.write_bytes(data)
    table = read_table("-" if path is None else str(path), targets=["load"], stdin=io.BytesIO(data))
    assert table.values[:, 0].tolist() == [5, 6.5]
