"""Tests of the reader of data files: errors, gzip and encodings."""

import codecs
import gzip
import io
import os
import socket
import tempfile
import threading
from pathlib import Path

import pytest

from lstm_cli.data.reading import text_format
from lstm_cli.data.reading.source import InMemory, is_pipe, open_source, read_pipes
from lstm_cli.errors import DataError, UsageError

TEXT = "date,wärme\n2020-01-01,1.5\n2020-01-02,2\n"


def lines_of(data: bytes, encoding: str | None = None) -> list[str]:
    with open_source("-", io.BytesIO(data)) as source:
        codec = text_format.codec_name(source, encoding)
        return list(text_format.decode_lines(source.blocks, source.name, codec))


def refusal(data: bytes, encoding: str | None = None) -> DataError:
    with pytest.raises(DataError) as caught:
        lines_of(data, encoding)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_show_the_encoding(encoding):
    assert "".join(lines_of(TEXT.encode(encoding))) == TEXT


def test_a_named_encoding_is_used_and_removes_the_mark():
    assert "".join(lines_of(TEXT.encode("cp1252"), "cp1252")) == TEXT
    assert "".join(lines_of(TEXT.encode("utf-16-be"), "utf-16-be")) == TEXT
    assert "".join(lines_of(codecs.BOM_UTF8 + TEXT.encode(), "utf-8")) == TEXT


def test_a_byte_outside_the_encoding_is_an_error_with_its_line():
    data = b"a\n" * 700_000 + "é\n".encode("cp1252")  # in the second block
    error = refusal(data)
    assert "line 700001: byte 0xe9 is not valid utf-8" in error.message
    assert "--encoding" in error.hint


def test_a_text_cut_within_a_character_is_refused():
    assert "line 2: the file is truncated" in refusal("a\né".encode()[:-1]).message


def test_utf16_without_its_mark_is_refused_with_the_flag():
    error = refusal(TEXT.replace("ä", "a").encode("utf-16-le"))
    assert "NUL" in error.message
    assert "--encoding utf-16-le" in error.hint


def test_a_nul_is_an_error_with_its_line():
    assert "line 3: invalid NUL" in refusal(b"a\nb\nc\0\n").message


@pytest.mark.parametrize("name", ["klingon", "base64", "rot13"])
def test_an_unknown_encoding_is_a_usage_error(name):
    with pytest.raises(UsageError):
        lines_of(b"a\n", name)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_ends_a_line(end):
    assert lines_of(f"a{end}b{end}c".encode()) == ["a\n", "b\n", "c"]


def test_line_ends_and_characters_may_straddle_blocks(monkeypatch):
    monkeypatch.setattr("lstm_cli.data.reading.source._BLOCK", 1)
    monkeypatch.setattr("lstm_cli.data.reading.source._HEAD", 4)
    assert lines_of("é\r\nö\r\r\n".encode()) == ["é\n", "ö\n", "\n"]
    assert lines_of(gzip.compress("é\r\nö".encode())) == ["é\n", "ö"]


def test_only_line_ends_end_a_line():
    assert lines_of("a\x0bb\x1c\u2028c\n".encode()) == ["a\x0bb\x1c\u2028c\n"]


def test_gzip_is_known_by_its_bytes_and_members_follow_one_another():
    assert "".join(lines_of(gzip.compress(TEXT.encode()))) == TEXT
    assert lines_of(gzip.compress(b"a\n") + gzip.compress(b"b\n") + b"\0" * 600) == ["a\n", "b\n"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[:-9], "truncated"),
        (lambda data: data[:15], "truncated"),
        (lambda data: data + b"junk", "corrupt"),
        (lambda data: data[:-5] + bytes([data[-5] ^ 1]) + data[-4:], "corrupt"),
        (lambda data: gzip.compress(data), "twice"),
        (lambda data: gzip.compress(b""), "empty"),
        (lambda data: gzip.compress(b"PAR1" + b"x" * 50), "compressed Parquet file"),
    ],
)
def test_corrupt_gzip_is_refused(damage, words):
    assert words in refusal(damage(gzip.compress(TEXT.encode()))).message


def test_a_gzip_bomb_is_decompressed_block_by_block():
    with open_source("-", io.BytesIO(gzip.compress(b"0" * 50_000_000))) as source:
        assert max(map(len, source.blocks)) <= 1 << 20


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "empty"),
        (b"PK\x03\x04rest", "corrupt: its ZIP data"),
        (b"\xd0\xcf\x11\xe0rest", "Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"\xfd7zXZ\x00", "truncated: its xz data"),
        (b"\n <!DOCTYPE html><html>", "HTML"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (b'[{"date": 1}]', "JSON"),
        (b'\xef\xbb\xbf{"date": [1]}', "JSON"),
        (b"SQLite format 3\0", "SQLite"),
    ],
)
def test_other_formats_are_named(data, kind):
    assert kind in refusal(data).message


@pytest.mark.parametrize("header", ["[MW],date", "{load},date", "<1>,date"])
def test_brackets_in_a_header_are_accepted(header):
    assert lines_of(f"{header}\n".encode()) == [f"{header}\n"]


def test_a_missing_file_is_refused_with_the_nearest_name(tmp_path):
    (tmp_path / "load.csv").write_text(TEXT)
    with (
        pytest.raises(DataError, match="file not found") as caught,
        open_source(str(tmp_path / "laod.csv")),
    ):
        pass
    assert str(tmp_path / "load.csv") in caught.value.hint


@pytest.mark.parametrize("data", [TEXT.encode(), gzip.compress(TEXT.encode())], ids=["text", "gzip"])
def test_a_pipe_is_read_as_it_comes(piped, data):
    path = piped(data)
    with open_source(path) as source:
        assert (source.name, source.path) == (path, None)
        assert b"".join(source.blocks) == TEXT.encode()


def test_a_fifo_is_read_as_it_comes(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_text, args=(TEXT,))
    writer.start()
    with open_source(str(fifo)) as source:
        assert b"".join(source.blocks) == TEXT.encode()
    writer.join()


def test_an_empty_pipe_is_refused(piped):
    with pytest.raises(DataError, match="is empty"), open_source(piped(b"")):
        pass


def test_pipes_that_are_read_twice_are_kept_in_memory(tmp_path, piped):
    (tmp_path / "a.csv").write_text(TEXT)
    path = piped(TEXT.encode())
    file, held, stdin = read_pipes([str(tmp_path / "a.csv"), path, "-"], io.BytesIO(b"x"))
    assert (file, isinstance(file, InMemory)) == (str(tmp_path / "a.csv"), False)
    assert (stdin, stdin.content) == ("-", b"x")
    assert not is_pipe(held)
    for _ in range(2):
        with open_source(held) as source:
            assert (source.name, b"".join(source.blocks)) == (path, TEXT.encode())


def test_folders_sockets_and_devices_are_refused_at_once(tmp_path):
    sock = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(sock))
        for path, kind in ((tmp_path, "folder"), (sock, "socket"), ("/dev/null", "device")):
            with pytest.raises(DataError, match=kind) as caught, open_source(str(path)):
                pass
            assert path == tmp_path or "'-'" in caught.value.hint


def test_a_file_without_read_permission_is_refused():
    """Root can read each file, so the test changes its user. Other users cannot enter the folders of pytest."""
    with tempfile.TemporaryDirectory(prefix="lstm-test-") as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "a.csv"
        path.write_text(TEXT)
        with open_source(str(path)):  # everything is loaded
            pass
        path.chmod(0)
        root = os.geteuid() == 0
        try:
            if root:
                os.seteuid(65534)
            with pytest.raises(DataError, match="permission denied"), open_source(str(path)):
                pass
        finally:
            if root:
                os.seteuid(0)


def test_a_closed_or_failing_standard_input_is_refused(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(DataError, match="closed"), open_source("-"):
        pass

    class Failing(io.RawIOBase):
        def readinto(self, buffer):
            raise OSError(5, "Input/output error")

    with pytest.raises(DataError, match="input/output error"), open_source("-", Failing()):
        pass


def test_the_file_is_closed_also_after_an_error(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"PK\x03\x04")
    before = list(Path("/proc/self/fd").iterdir())
    for _ in range(3):
        with pytest.raises(DataError), open_source(str(path)):
            pass
    assert len(list(Path("/proc/self/fd").iterdir())) == len(before)
