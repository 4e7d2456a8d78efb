"""Formats that are not read: their names, and the commands that convert them."""

import codecs
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lstm_cli.errors import DataError

STDIN_NAME = "standard input"
_SAVE_AS_CSV = "save the table as CSV (UTF-8) and read that"


@dataclass(frozen=True, kw_only=True)
class Format:
    """Format that is refused."""

    name: str  # with its article
    ending: str = ""  # usual ending of a file
    convert: Callable[[str, str], str] | None = (
        None  # from the path, and that without ending; None: save as CSV
    )
    note: str = ""  # what to know about the command


def _python(code: str) -> Callable[[str, str], str]:
    """Return a function that makes a Python command. `IN` and `OUT` stand for the paths, `OUT` without its ending."""

    def command(source: str, target: str) -> str:
        line = re.sub(r"\bIN\b", lambda _: repr(source), code)
        line = re.sub(r"\bOUT(\.\w+)", lambda match: repr(target + match.group(1)), line)
        return f'python -c "{line}"' if not re.search(r'["$`\\!]', line) else f"python -c {shlex.quote(line)}"

    return command


def _shell(text: str) -> Callable[[str, str], str]:
    """Return a function that makes a shell command. `IN` and `OUT` stand for the paths, `OUT` without its ending."""

    def command(source: str, target: str) -> str:
        line = re.sub(r"\bIN\b", lambda _: shlex.quote(source), text)
        return re.sub(r"\bOUT(\.\w+)?", lambda match: shlex.quote(target + (match.group(1) or "")), line)

    return command


def _pandas(reader: str, *, index: bool = False) -> Callable[[str, str], str]:
    """Return a function that makes a command with pandas. index: the index may hold times or names; else it counts."""
    if not index:
        return _python(f"import pandas; pandas.{reader}.to_csv(OUT.csv, index=False)")
    keep = "t.index.name is not None or t.index.dtype.kind not in 'iu'"
    return _python(f"import pandas; t = pandas.{reader}; t.to_csv(OUT.csv, index={keep})")


def _duckdb(source: str, target: str) -> str:
    literal = (target + ".csv").replace("'", "''")
    query = f"COPY TABLE_NAME TO '{literal}'"
    quoted = f'"{query}"' if not re.search(r'["$`\\!]', query) else shlex.quote(query)
    return f"duckdb {shlex.quote(source)} -c {quoted}"


_EXCEL = Format(name="an Excel workbook", ending="xlsx", convert=_pandas("read_excel(IN)"))
_OLD_EXCEL = Format(name="an old Excel workbook", ending="xls", convert=_pandas("read_excel(IN)"))
_ODS = Format(name="an OpenDocument table", ending="ods", convert=_pandas("read_excel(IN)"))
_WORD = Format(name="a Word document", ending="docx")
_ARROW = Format(
    name="an Arrow or Feather file",
    ending="feather",
    convert=_python(
        "from pyarrow import feather, parquet; parquet.write_table(feather.read_table(IN), OUT.parquet)"
    ),
)
_ARROW_STREAM = Format(
    name="an Arrow stream",
    ending="arrows",
    convert=_python(
        "from pyarrow import ipc, parquet; parquet.write_table(ipc.open_stream(IN).read_all(), OUT.parquet)"
    ),
)
_ORC = Format(
    name="an ORC file",
    ending="orc",
    convert=_python("from pyarrow import orc, parquet; parquet.write_table(orc.read_table(IN), OUT.parquet)"),
)
_SQLITE = Format(
    name="an SQLite database",
    ending="db",
    convert=_shell("sqlite3 -csv -header IN 'SELECT * FROM TABLE_NAME' > OUT.csv"),
    note="'.tables' lists the tables",
)
_PICKLE = Format(
    name="a Python pickle",
    ending="pkl",
    convert=_pandas("read_pickle(IN)", index=True),
    note="it can run code, so use it only for a file that you trust",
)
_NUMPY = Format(
    name="a NumPy array",
    ending="npy",
    convert=_python("import numpy; numpy.savetxt(OUT.csv, numpy.load(IN), delimiter=',')"),
    note="then add --no-header",
)
_NUMPY_ARCHIVE = Format(name="an archive of NumPy arrays", ending="npz")
_HDF5 = Format(name="an HDF5 file", ending="h5", convert=_pandas("read_hdf(IN)", index=True))
_NETCDF = Format(
    name="a NetCDF file",
    ending="nc",
    convert=_python("import xarray; xarray.open_dataset(IN).to_dataframe().to_csv(OUT.csv)"),
)
_DUCKDB = Format(
    name="a DuckDB database", ending="duckdb", convert=_duckdb, note="-c 'SHOW TABLES' lists the tables"
)
_JSON = Format(name="JSON", ending="json", convert=_pandas("read_json(IN)"))
_JSON_LINES = Format(name="JSON", ending="jsonl", convert=_pandas("read_json(IN, lines=True)"))
_STATA = Format(name="a Stata file", ending="dta", convert=_pandas("read_stata(IN)"))
_SPSS = Format(name="an SPSS file", ending="sav", convert=_pandas("read_spss(IN)"))
_SAS = Format(name="a SAS file", ending="sas7bdat", convert=_pandas("read_sas(IN)"))
_LZ4 = Format(name="compressed with lz4", ending="lz4", convert=_shell("lz4 -d IN OUT"))
_COMPRESS = Format(name="compressed with compress", ending="Z", convert=_shell("gzip -dc IN > OUT"))
_SEVEN_ZIP = Format(name="a 7z archive", ending="7z", convert=_shell("7z x IN"))
_RAR = Format(name="a RAR archive", ending="rar", convert=_shell("unrar x IN"))
_TAR = Format(name="a tar archive", ending="tar", convert=_shell("tar -xf IN"))
_R = Format(name="a data file of R")
_PICTURE = Format(name="a picture")

# First bytes of formats other than text, containers and Parquet.
_MAGIC = (
    (b"\xd0\xcf\x11\xe0", _OLD_EXCEL),
    (b"%PDF", Format(name="a PDF")),
    (b"{\\rtf", Format(name="a rich text document")),
    (b"\x04\x22\x4d\x18", _LZ4),
    (b"\x1f\x9d", _COMPRESS),
    (b"7z\xbc\xaf\x27\x1c", _SEVEN_ZIP),
    (b"Rar!", _RAR),
    (b"\x89HDF", _HDF5),
    (b"CDF\x01", _NETCDF),
    (b"CDF\x02", _NETCDF),
    (b"CDF\x05", _NETCDF),
    (b"ARROW1", _ARROW),
    (b"FEA1", _ARROW),
    (b"\xff\xff\xff\xff", _ARROW_STREAM),
    (b"ORC", _ORC),
    (b"Obj\x01", Format(name="an Avro file")),
    (b"SQLite format 3", _SQLITE),
    (b"\x93NUMPY", _NUMPY),
    (b"<stata_dta>", _STATA),
    (b"$FL2", _SPSS),
    (b"$FL3", _SPSS),
    (b"\x00" * 12 + b"\xc2\xea\x81\x60", _SAS),
    (b"RDX2\n", _R),
    (b"RDX3\n", _R),
    (b"MATLAB 5.0 MAT-file", Format(name="a MATLAB file")),
    (b"\x89PNG", _PICTURE),
    (b"\xff\xd8\xff", _PICTURE),
    (b"GIF8", _PICTURE),
    (b"\x7fELF", Format(name="a program")),
    *((b"\x80" + bytes([protocol]), _PICKLE) for protocol in range(2, 6)),
    *(
        (magic, _PICKLE)
        for magic in (b"ccopy_reg\n", b"ccopyreg\n", b"cpandas.", b"cnumpy.", b"(dp0\n", b"(lp0\n")
    ),
)
_OLD_PICKLES = (b"c", b"(", b"]", b"}")  # first bytes of protocols 0 and 1, which texts have too
_MAGIC_AT = ((8, b"DUCK", _DUCKDB), (257, b"ustar", _TAR))  # offset and bytes
_DOCUMENTS = {"xlsx": _EXCEL, "ods": _ODS, "docx": _WORD, "npz": _NUMPY_ARCHIVE}  # stored as ZIP archives


def refuse_foreign(head: bytes, name: str) -> None:
    """Raise DataError unless the first bytes are of text or Parquet.

    Args:
        head: first bytes, after decompression.
        name: name of the file.
    """
    kind = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
    kind = kind or next((kind for offset, magic, kind in _MAGIC_AT if head[offset:].startswith(magic)), None)
    if kind is None and name.lower().endswith((".pkl", ".pickle")) and head.startswith(_OLD_PICKLES):
        kind = _PICKLE
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    kind = kind or _markup(start)
    if kind is not None:
        raise foreign_error(kind, name)
    if start.startswith(b"version https://git-lfs.github.com/spec/"):
        raise DataError(
            f"{name} is a Git LFS pointer, not the data itself",
            hint="fetch the data with 'git lfs pull'",
            rule="D102",
        )


def refuse_archived_document(member: str, archive: str) -> None:
    """Raise DataError if the only file of an archive is a document, as its ending says.

    Args:
        member: path of the file in the archive.
        archive: path of the archive, or the name of standard input.
    """
    kind = (_DOCUMENTS | {"xls": _OLD_EXCEL}).get(Path(member).suffix[1:].lower())
    if kind is None:
        return
    inner = foreign_error(kind, member)
    raise DataError(
        f"{archive} holds {shlex.quote(member)}, which is {kind.name}, not a table of text",
        hint=f"extract it and {inner.hint}",
        rule="D101",
    )


def refuse_document(ending: str, name: str) -> None:
    """Raise DataError for a document that is stored as a ZIP archive.

    Args:
        ending: usual ending of the document.
        name: name of the file.
    """
    raise foreign_error(_DOCUMENTS[ending], name)


def _markup(start: bytes) -> Format | None:
    """Return the format of XML, HTML or JSON, or None. start: first bytes, without blanks before them."""
    if re.match(rb"<[A-Za-z!?]", start):
        html = re.match(rb"<!doctype html|<html|<head|<body", start, re.IGNORECASE)
        return Format(name="a web page (HTML)" if html else "XML")
    if re.match(rb'\{\s*["}]|\[\s*[\[{"\]\d-]', start):
        return _JSON_LINES if re.match(rb"\{[^\n]*\}\s*\n\s*\{", start) else _JSON
    return None


def foreign_error(kind: Format, name: str) -> DataError:
    """Return the error for a file of a format that is not read, with the command that converts it.

    Args:
        kind: format of the file.
        name: path of the file, or the name of standard input.
    """
    hint = _SAVE_AS_CSV
    if kind.convert is not None:
        source = f"data.{kind.ending}" if name == STDIN_NAME else name
        hint = f"convert it: {kind.convert(source, str(Path(source).with_suffix('')))}"
        hint += f" ({kind.note})" if kind.note else ""
    return DataError(f"{name} is {kind.name}, not a table of text", hint=hint, rule="D101")
