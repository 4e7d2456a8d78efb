"""Tests of the limits: a small file fills neither the memory nor the disk."""

import collections
import io
import zipfile
from pathlib import Path

import pytest
from test_decompress import KINDS, PACK

from lstm_cli.data.reading import column_buffers
from lstm_cli.data.reading.containers import limits
from lstm_cli.data.reading.source import open_source, read_pipes
from lstm_cli.data.reading.table import read_table
from lstm_cli.errors import DataError, DeviceError

BOMB = b"t,y\n" + b"1,1\n" * 1_000_000
TEXT = b"t,y\n" + b"".join(b"%d,%d\n" % (row, row * 7919 % 1000) for row in range(100_000))


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use 900 KB in place of 1 GiB, so that a test needs a small bomb."""
    monkeypatch.setattr(limits, "ALWAYS_READ", 900_000)
    monkeypatch.setattr(limits, "_CHECKED_BYTES", 100_000)


def size_of(data: bytes, path: Path | None = None) -> int:
    if path is None:
        with open_source("-", io.BytesIO(data)) as source:
            return sum(map(len, source.blocks))
    path.write_bytes(data)
    with open_source(str(path)) as source:
        return sum(map(len, source.blocks))


@KINDS
def test_a_bomb_is_refused(kind: str, tmp_path: Path) -> None:
    data = PACK[kind](BOMB)
    assert len(BOMB) > 200 * len(data)
    for path in (None, tmp_path / "load.packed"):
        with pytest.raises(DataError, match="may be a decompression bomb") as caught:
            size_of(data, path)
        assert caught.value.rule == "D153"
    assert f"{tmp_path}/load.packed > table.csv" in caught.value.hint


def test_a_bomb_in_a_zip_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "load.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("load.csv", BOMB)
    with pytest.raises(DataError, match="may be a decompression bomb") as caught:
        size_of(path.read_bytes(), path)
    assert f"unzip {path}" in caught.value.hint


@KINDS
def test_neither_the_ratio_nor_the_size_alone_refuses(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert size_of(PACK[kind](TEXT)) == len(TEXT) > limits.ALWAYS_READ
    monkeypatch.setattr(limits, "ALWAYS_READ", len(BOMB))
    assert size_of(PACK[kind](BOMB)) == len(BOMB)


def test_a_pipe_that_fills_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_pipes(["-"], io.BytesIO(TEXT))[0].content == TEXT
    monkeypatch.setattr(limits, "available_memory", lambda: 300_000)
    monkeypatch.setattr("lstm_cli.data.reading.source._BLOCK", 100_000)
    with pytest.raises(DeviceError, match=r"does not fit in memory: 400\.0 KB are read") as caught:
        read_pipes(["-"], io.BytesIO(TEXT))
    assert "write it to a file" in caught.value.hint


def test_temporary_files_that_fill_the_disk_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, scratch = tmp_path / "load.csv", tmp_path / "scratch"
    path.write_bytes(TEXT)
    scratch.mkdir()
    monkeypatch.setattr(column_buffers, "MAX_MEMORY_BYTES", 10_000)
    usage = collections.namedtuple("usage", "free")
    free = limits._FREE_DISK + 500_000
    monkeypatch.setattr(limits.shutil, "disk_usage", lambda folder: usage(free))
    with pytest.raises(DeviceError, match="do not fit on the disk") as caught:
        read_table(str(path), targets=["y"], time=("t",), spill=lambda: scratch)
    assert caught.value.rule == "D902"
    written = sum(file.stat().st_size for file in scratch.iterdir())
    assert 700_000 < written < 1_200_000  # half as much again must fit for the values of the run
    monkeypatch.setattr(limits.shutil, "disk_usage", lambda folder: usage(free + 10_000_000))
    assert len(read_table(str(path), targets=["y"], time=("t",), spill=lambda: scratch).lines) == 100_000


def test_new_data_that_fill_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_bytes(TEXT)
    monkeypatch.setattr(column_buffers, "MAX_MEMORY_BYTES", 10_000)
    monkeypatch.setattr("lstm_cli.system_memory._machine_memory", lambda root: 400_000)
    with pytest.raises(DeviceError, match="reading the data needs about"):
        read_table(str(path), targets=["y"], time=("t",))
