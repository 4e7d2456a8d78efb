"""Files that are no table of text, known by their first bytes, and what is to be done with them."""

import codecs
import re

from lstm_cli.errors import DataError

_SAVE_AS_CSV = "save the table as CSV (UTF-8) and read that"

# What a file is by its first bytes, where it is none of text, gzip and Parquet.
_FOREIGN = (
    (b"PK\x03\x04", "an Excel workbook or ZIP archive"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
    (b"{\\rtf", "a rich text document"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"\x04\x22\x4d\x18", "compressed with lz4"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x89HDF", "an HDF5 file"),
    (b"CDF", "a NetCDF file"),
    (b"ARROW1", "an Arrow file"),
    (b"FEA1", "a Feather file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x7fELF", "a program"),
)


def refuse_foreign(head: bytes, name: str) -> None:
    """Raises DataError where a file begins as something else than CSV, gzip or Parquet does."""
    kind = next((kind for mark, kind in _FOREIGN if head.startswith(mark)), None)
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:200]
    if kind is None and re.match(rb"<[A-Za-z!?]", start):
        html = re.match(rb"<!doctype html|<html|<head|<body", start, re.IGNORECASE)
        kind = "a web page (HTML)" if html else "XML"
    if kind is None and re.match(rb'\{\s*["}]|\[\s*[\[{"\]\d-]', start):
        kind = "JSON"
    if kind is not None:
        raise DataError(f"{name} is {kind}, not a table of text", hint=_SAVE_AS_CSV)
    if start.startswith(b"version https://git-lfs.github.com/spec/"):
        raise DataError(
            f"{name} is a Git LFS pointer, and the data it stands for are elsewhere",
            hint="fetch them: 'git lfs pull'",
        )
    if head[:2] == b"\x1f\x8b":
        raise DataError(f"{name} is compressed twice", hint="decompress it once")
