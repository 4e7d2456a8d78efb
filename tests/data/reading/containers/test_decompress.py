"""Tests of decompression: the content comes back, and damaged data are refused."""

import bz2
import gzip
import io
import lzma
import random
import sys
from collections.abc import Callable

import pyarrow as pa
import pytest

from lstm_cli.data.reading.containers.decompress import BLOCK
from lstm_cli.data.reading.source import open_source
from lstm_cli.errors import DataError, UsageError

TEXT = "date,load\n" + "".join(f"2021-01-01,{random.Random(row).random()}\n" for row in range(4000))


def zstd(data: bytes) -> bytes:
    """Return a frame as the program zstd writes it: in blocks, without the size of the content."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "zstd": zstd,
}
KINDS = pytest.mark.parametrize("kind", PACK)


def content(data: bytes) -> bytes:
    with open_source("-", io.BytesIO(data)) as source:
        return b"".join(source.blocks)


def refusal(data: bytes) -> str:
    with pytest.raises(DataError) as caught:
        content(data)
    assert caught.value.hint
    return caught.value.message


@KINDS
@pytest.mark.parametrize("block", [7, 1 << 20])
def test_the_content_comes_back(kind: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lstm_cli.data.reading.source._BLOCK", block)
    assert content(PACK[kind](TEXT.encode())) == TEXT.encode()


@KINDS
def test_members_follow_one_another(kind: str) -> None:
    half = len(TEXT) // 2
    data = PACK[kind](TEXT[:half].encode()) + PACK[kind](TEXT[half:].encode())
    assert content(data) == TEXT.encode()


@KINDS
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.999])
def test_truncated_data_are_refused(kind: str, kept: float) -> None:
    data = PACK[kind](TEXT.encode())
    assert f"truncated: its {kind} data" in refusal(data[: max(20, int(len(data) * kept))])


@KINDS
def test_corrupt_data_are_refused(kind: str) -> None:
    data = bytearray(PACK[kind](TEXT.encode()))
    begin = 8 if kind == "zstd" else len(data) // 2  # this zstd has no checksum, so its head is damaged
    data[begin : begin + 8] = b"########"
    assert f"corrupt: its {kind} data" in refusal(bytes(data))
    assert "corrupt" in refusal(PACK[kind](TEXT.encode()) + b"trailing junk")


@KINDS
def test_data_packed_twice_or_empty_are_refused(kind: str) -> None:
    packed = PACK[kind](TEXT.encode())
    assert "compressed twice" in refusal(PACK[kind](packed))
    assert "empty after decompression" in refusal(PACK[kind](b""))
    assert "compressed Parquet" in refusal(PACK[kind](b"PAR1" + bytes(50)))


@KINDS
def test_a_bomb_is_decompressed_block_by_block(kind: str) -> None:
    with open_source("-", io.BytesIO(PACK[kind](b"0" * 30_000_000))) as source:
        sizes = [len(block) for block in source.blocks]
    assert max(sizes) <= BLOCK
    assert sum(sizes) == 30_000_000


def test_xz_that_needs_much_memory_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 29}]
    data = lzma.LZMACompressor(lzma.FORMAT_XZ, filters=filters)
    assert "more than 128 MiB of memory" in refusal(data.compress(TEXT.encode()) + data.flush())


def test_zstd_needs_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    data = PACK["zstd"](TEXT.encode())
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"zstd .* needs pyarrow") as caught:
        content(data)
    assert "pip install" in caught.value.hint
