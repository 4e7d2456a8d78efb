"""Spoiled files: one case a line, what was done to a good file and what must come of it.

The good file holds 40 days of load, in plain CSV. A case is either read, and then every guess and repair is told in
a warning that says so (`told`, one for each warning, and none where the file is plain), or refused, with the words
that the message must hold (`says`). `test_spoiled.py` runs them all through `lstm prepare --json`.
"""

import codecs
import gzip
import json
import random
import string
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import BytesIO
from unicodedata import normalize

ROWS = 40
VALUES = [(row * 37 % 101) / 4 + 3 for row in range(400)]
TOTAL = sum(VALUES[:ROWS])
START, END = "2021-01-04T00:00:00", "2021-02-12T00:00:00"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file, the options beside it, and what must come of them."""

    name: str
    data: bytes
    options: tuple[str, ...]
    says: tuple[str, ...] = ()  # words of the refusal; empty: it is read
    code: int = 3
    told: tuple[str, ...] = ()  # words of each warning
    rows: int = ROWS
    total: float = TOTAL
    series: int = 1
    start: str | None = START
    end: str | None = END


def read(name: str, data: str | bytes, *options: str, told: Iterable[str] = (), **expected: object) -> Case:
    return Case(name=name, data=_bytes(data), options=options, told=tuple(told), **expected)  # type: ignore[arg-type]


def refuse(name: str, data: str | bytes, *words: str, options: Sequence[str] = (), code: int = 3) -> Case:
    return Case(name=name, data=_bytes(data), options=tuple(options), says=words, code=code)


def _bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data


# Building blocks. Lines are counted from 1, as messages do: line 1 is the header, line 2 the first row.


def day(row: int) -> date:
    return date(2021, 1, 4) + timedelta(row)


def hour(row: int, minutes: int = 60) -> datetime:
    return datetime(2021, 3, 1) + timedelta(minutes=minutes * row)


def table(header: str, *columns: Iterable[object], mark: str = ",") -> str:
    rows = (mark.join(map(str, cells)) for cells in zip(*columns, strict=False))
    return "\n".join([header, *rows]) + "\n"


def values(rows: int = ROWS) -> list[str]:
    return [f"{value:g}" for value in VALUES[:rows]]


def at(cells: Callable[[int], object], rows: int = ROWS, name: str = "date") -> str:
    """The good file with other times."""
    return table(f"{name},load", map(cells, range(rows)), values(rows))


def loads(cells: Callable[[int], object], rows: int = ROWS, mark: str = ",") -> str:
    """The good file with other loads."""
    return table(f"date{mark}load", map(day, range(rows)), map(cells, range(rows)), mark=mark)


def cell(text: str, line: int = 7) -> str:
    """The good file with another load in one line."""
    text = f'"{text}"' if "," in text else text
    return loads(lambda row: text if row == line - 2 else f"{VALUES[row]:g}")


def moment(text: str, line: int = 12) -> str:
    """The good file with another time in one line."""
    return at(lambda row: text if row == line - 2 else day(row))


def instead(line: int, *texts: str) -> str:
    """The good file with other lines in place of one."""
    lines = GOOD.splitlines()
    return "\n".join([*lines[: line - 1], *texts, *lines[line:]]) + "\n"


def above(line: int, *texts: str) -> str:
    """The good file with lines put in above one."""
    lines = GOOD.splitlines()
    return "\n".join([*lines[: line - 1], *texts, *lines[line - 1 :]]) + "\n"


def noted(note: str) -> str:
    """The good file with a column of notes, one of them as given, in line 7."""
    return table("date,load,note", map(day, range(ROWS)), values(), (note if row == 5 else "n" for row in range(ROWS)))


def panel(names: Sequence[str], rows: int | Sequence[int] = ROWS, *, blocks: bool = False) -> str:
    """A row a day and shop, day by day or (blocks) shop by shop."""
    lengths = [rows] * len(names) if isinstance(rows, int) else list(rows)
    cells = [(row, shop) for shop, length in enumerate(lengths) for row in range(length)]
    cells = cells if blocks else sorted(cells)
    lines = [f"{day(row)},{names[shop]},{VALUES[row + 7 * shop]:g}" for row, shop in cells]
    return "\n".join(["date,shop,load", *lines]) + "\n"


def sold(*shops: int, rows: int = ROWS) -> float:
    """The sum over those shops of a panel."""
    return sum(sum(VALUES[7 * shop : 7 * shop + rows]) for shop in shops)


GOOD = loads(lambda row: f"{VALUES[row]:g}")
BODY = GOOD.partition("\n")[2]
UNIT_STEPS = "no column reads as times"
NO_TIMES = {"start": None, "end": None}
NUMBERS_AS_TIMES = "--time names another column"
SHOP = ("--series", "shop")
LOAD = ("--target", "load")
LETTERS = normalize("NFC", "Größe"), normalize("NFD", "Größe")  # the same word in characters of two kinds
GZIPPED = gzip.compress(GOOD.encode(), mtime=0)


def text_cases() -> list[Case]:
    """Encodings, line ends, and characters that no text has."""
    german = GOOD.replace("load", LETTERS[0])
    return [
        read("plain", GOOD),
        read("a byte order mark", "\ufeff" + GOOD),
        read("a mark before a quoted name", '\ufeff"date",load\n' + BODY),
        read("UTF-16", GOOD.encode("utf-16")),
        read("UTF-16, big end first", codecs.BOM_UTF16_BE + GOOD.encode("utf-16-be")),
        read("UTF-32", GOOD.encode("utf-32")),
        read("UTF-16 without its mark, named", GOOD.encode("utf-16-le"), "--encoding", "utf-16-le"),
        refuse("UTF-16 without its mark", GOOD.encode("utf-16-le"), "line 1", "NUL", "--encoding utf-16-le"),
        refuse("UTF-16 cut within a character", GOOD.encode("utf-16")[:-1], "line 41", "within a character", "utf-16"),
        refuse("a name in cp1252", german.encode("cp1252"), "line 1", "0xf6", "--encoding cp1252"),
        read("a name in cp1252, named", german.encode("cp1252"), "--encoding", "cp1252"),
        refuse("one bad byte", GOOD.encode().replace(b"01-23", b"01-2\xff"), "line 21", "0xff", "--encoding"),
        refuse("a byte order mark midway", GOOD + "\ufeff" + GOOD, "line 42", "date", "header stands here again"),
        refuse("an encoding that is none", GOOD, "'utf-9'", options=("--encoding", "utf-9"), code=2),
        read("CR LF", GOOD.replace("\n", "\r\n")),
        read("CR", GOOD.replace("\n", "\r")),
        read("CR CR LF", GOOD.replace("\n", "\r\r\n"), told=["40 blank lines"]),
        read("line ends of three kinds", GOOD.replace("\n", "\r\n", 20).replace("\r\n", "\r", 9)),
        refuse("no line ends that count", GOOD.replace("\n", "\u2028"), "no row"),
        refuse("a DOS end of file", GOOD + "\x1a", "line 42", "1 cell"),
        refuse("a NUL in a cell", GOOD.replace("2021-01-14", "2021-01-1\0"), "line 12", "NUL"),
        refuse("a tail of NULs", GOOD + "\0" * 4096, "line 42", "NUL"),
        refuse("nothing", "", "is empty"),
        refuse("a byte order mark and nothing", "\ufeff", "blank"),
        refuse("blank lines alone", "\n \n\n", "blank lines only"),
        refuse("a header and nothing", "date,load\n", "no row below"),
        read("blank lines above, between and below", "\n\n" + above(12, "", "  ") + "\n\n", told=["2 blank lines"]),
        read("a last line without an end, as wide as all", loads(lambda row: 10 + row)[:-1], total=1180),
        read("a last line without an end", GOOD[:-1], told=["line 41: the file ends without a line end"]),
        read("a last line cut within its number", GOOD[:-4], told=["line 41"], total=TOTAL - VALUES[39] + 10),
        refuse("a last line cut within its time", GOOD[:-9], "line 41", "1 cell"),
    ]  # fmt: skip


def division_cases() -> list[Case]:
    """Delimiters and quotes."""
    semicolons = GOOD.replace(",", ";")
    swallowing = noted('"n').replace("2021-01-23,27.25,n", '2021-01-23,27.25,n"')
    assert swallowing.count('"') == 2
    return [
        read("semicolons", semicolons, told=["';'"]),
        read("semicolons, named", semicolons, "--delimiter", ";"),
        read("tabs", GOOD.replace(",", "\t"), told=["'tab'"]),
        read("bars, named", GOOD.replace(",", "|"), "--delimiter", "|"),
        refuse("bars", GOOD.replace(",", "|"), "line 1", "--delimiter '|'"),
        refuse("blanks", GOOD.replace(",", " "), "line 1", "--delimiter ' '"),
        refuse("columns of fixed width", GOOD.replace(",", "    "), "line 1", "--delimiter"),
        refuse("a table of Markdown", "| date | load |\n|---|---|\n" + BODY.replace(",", "|"), "--delimiter '|'"),
        refuse("two delimiters in the header", "date;load\tx\n1;2\t3\n", "line 1", "--delimiter"),
        refuse("another delimiter from line 20 on", GOOD[:300] + GOOD[300:].replace(",", ";"), "line 20", "';'"),
        refuse("the first line of Excel", "sep=;\n" + semicolons, "line 1", "sep=", "--delimiter ';'"),
        refuse("a delimiter of two characters", GOOD, "';;'", options=("--delimiter", ";;"), code=2),
        refuse("a delimiter within numbers", GOOD, "'.'", options=("--delimiter", "."), code=2),
        read("blanks around all cells", GOOD.replace(",", " , ")),
        read("blanks of other kinds around cells", GOOD.replace(",", "\u00a0,\u2009")),
        read("all cells in quotes", '"' + GOOD.replace(",", '","').replace("\n", '"\n"')[:-1]),
        refuse("all lines in quotes", '"' + GOOD.replace("\n", '"\n"')[:-1], "line 1", "double quotes"),
        refuse("single quotes", "'" + GOOD.replace(",", "','").replace("\n", "'\n'")[:-1], "line 2", "2021-01-04"),
        read("a line end within quotes", noted('"a\nb"')),
        read("a delimiter within quotes", noted('"a, b"')),
        read("quotes within quotes", noted('"a ""b"" c"')),
        read("a quote within a cell", noted('5" pipe')),
        refuse("quotes escaped by backslashes", noted('"a \\"b\\" c"'), "line 7", "closing quote", '""'),
        refuse("a quote never closed", noted('"n'), "line 7", "never closed"),
        refuse("a quote that swallows rows and closes", swallowing, "line 7", "quote", "2021-01-10"),
        refuse("a quote that swallows one row", noted('"n').replace(",8,n\n", ',8,n"\n'), "line 7", "quote"),
    ]  # fmt: skip


def row_cases() -> list[Case]:
    """Rows of another length, and lines that are no rows."""
    spread = [line + "," for line in GOOD.splitlines()]
    other = table("day,wind", map(day, range(ROWS)), values())
    wider = table("day,wind,sun", map(day, range(ROWS)), values(), values())
    return [
        refuse("a short row", instead(12, "2021-01-14"), "line 12", "1 cell", "2"),
        refuse("a long row", instead(12, "2021-01-14,5,6"), "line 12", "3 cells", "2"),
        refuse("a long first row", instead(2, "2021-01-04,5,6"), "line 2", "3 cells"),
        refuse("decimal commas between commas", instead(12, "2021-01-14,5,25"), "line 12", "decimal comma"),
        refuse("a delimiter at the end of each row", "date,load\n" + "\n".join(spread[1:]), "line 2", "delimiter"),
        read("a delimiter at the end of each line", "\n".join(spread) + "\n"),
        refuse("a delimiter at the end of the header", "date,load,\n" + BODY, "line 2", "2 cells"),
        refuse("an index without a name in the header", table("date,load", range(ROWS), map(day, range(ROWS)), values()),
               "line 2", "3 cells"),
        read("rows of empty cells at the end", GOOD + ",\n,\n", told=["2 rows of empty cells"]),
        refuse("a row of empty cells midway", above(12, ","), "line 12", "time is missing"),
        refuse("a title", "Load of Berlin\n" + GOOD, "line 2", "title"),
        refuse("a title and a blank line", "Load of Berlin\n\n" + GOOD, "line 3", "title"),
        refuse("lines about the station", "Name,Berlin\nId,17\n\n" + GOOD, "line 2", "'Id'"),
        refuse("a comment above", "# made by hand\n" + GOOD, "line 2", "comment"),
        refuse("a comment with a comma above", "# made by hand, twice\n" + GOOD, "line 2", "'date'"),
        refuse("a comment midway", above(12, "# the sensor was moved"), "line 12", "comment"),
        refuse("a comment with a comma midway", above(12, "# moved, twice"), "line 12", "# moved"),
        refuse("a comment at the end", GOOD + "// end\n", "line 42", "1 cell"),
        refuse("a footer", GOOD + "Source: the grid\n", "line 42", "footer"),
        refuse("a footer after a blank line", GOOD + "\n(40 rows)\n", "line 43", "footer"),
        refuse("a footer with a comma", GOOD + "Source: the grid,\n", "line 42", "Source"),
        refuse("a total", GOOD + f"Total,{TOTAL}\n", "line 42", "'Total'"),
        refuse("a total with a colon", GOOD + f"Sum:,{TOTAL}\n", "line 42", "'Sum:'"),
        refuse("a total in Japanese", GOOD + f"合計,{TOTAL}\n", "line 42", "合計"),
        refuse("a total without a word", GOOD + f",{TOTAL}\n", "line 42", "time is missing", "total"),
        refuse("a total among counted rows", table("step,load", map("s{}".format, range(ROWS)), values()) + "Total,9\n",
               "line 42", "'Total'", "total"),
        read("a total of counted rows without a word", table("load", values()) + f"{TOTAL}\n", rows=41, total=2 * TOTAL,
             told=[UNIT_STEPS, "line 42, column 'load': 618.5 is the sum of all rows above"], **NO_TIMES),
        refuse("units below the header", above(2, ",MW"), "line 2", "time is missing", "units"),
        refuse("units and a format below the header", above(2, "YYYY-MM-DD,MW"), "line 2", "YYYY-MM-DD"),
        refuse("units among counted rows", "load\nMW\n" + "\n".join(values()) + "\n", "line 2", "'MW'"),
        refuse("the header twice", above(2, "date,load"), "line 2", "header stands here again"),
        refuse("the header again midway", above(21, "date,load"), "line 21", "header stands here again"),
        refuse("the header again among counted rows", "load\n5\n6\nload\n7\n", "line 4", "header stands here again"),
        refuse("another table below", GOOD + "\n" + other, "line 43", "'day'"),
        refuse("a wider table below", GOOD + "\n" + wider, "line 43", "3 cells"),
        read("the first rows again below", GOOD + "\n" + "".join(BODY.splitlines(True)[:3]), told=["1 blank", "earlier", "3 such rows"]),
        refuse("no header", BODY, "line 1", "header is missing"),
        refuse("no header over numbers alone", table("3", values()), "line 1", "header is missing"),
        refuse("a number in the header", "date,17\n" + BODY, "'17'", "header"),
        refuse("marks of a merge", above(12, "<<<<<<< HEAD", "2021-01-14,6", "=======", ">>>>>>> b"), "line 12", "merge"),
        refuse("a mark of a merge above", "<<<<<<< HEAD\n" + GOOD, "line 1", "merge"),
        refuse("marks of a merge among counted rows", "load\n5\n<<<<<<< HEAD\n6\n", "line 3", "merge"),
        refuse("a blank line in one column", "load\n5\n\n6\n7\n", "line 3", "NA"),
    ]  # fmt: skip


def size_cases() -> list[Case]:
    """Huge cells, many columns."""
    wide = table("date," + ",".join(map("c{}".format, range(2000))), map(day, range(ROWS)), *[values()] * 2000)
    return [
        refuse("a note of ten megabytes", noted("x" * 10_000_000), "line 7", "131,072"),
        refuse("a number of ten megabytes", cell("9" * 10_000_000), "line 7", "131,072"),
        refuse("a number of 100,000 digits", cell("9" * 100_000), "line 7", "999…", "1.8e308"),
        refuse("a name of a million letters", table("date,load," + "x" * 1_000_000, map(day, range(ROWS)), values(), values()),
               "line 1", "131,072"),
        refuse("a name of 100,000 letters", table("date,load," + "x" * 100_000, map(day, range(ROWS)), values(), values()),
               "xxx…", "--target"),
        refuse("2,000 columns", wide, "2000 columns of numbers", "'c19'", "1980 more", "--target"),
        read("2,000 columns, one named", wide, "--target", "c1999"),
    ]  # fmt: skip


def name_cases() -> list[Case]:
    """Columns without a name, with the same, with an awkward one."""
    def two(header: str) -> str:
        return table(header, map(day, range(ROWS)), values(), VALUES[40:80])

    indexed = table(",date,load", range(ROWS), map(day, range(ROWS)), values())
    return [
        refuse("a name twice", two("date,load,load"), "'load'", "2 columns", "(2, 3)"),
        refuse("a name twice, asked for", two("date,load,load"), "'load'", "(2, 3)", options=LOAD),
        read("another name twice", table("date,load,n,n", map(day, range(ROWS)), values(), ["x"] * 40, ["y"] * 40)),
        refuse("an index without a name", indexed, "'column 1'", "'load'", "--target"),
        read("an index without a name, the target named", indexed, *LOAD),
        read("a target without a name", "date,\n" + BODY),
        read("empty columns", table("date,,load,", map(day, range(ROWS)), [""] * 40, values(), [""] * 40)),
        refuse("two lines of names", two("date,load,wind").replace("\n", "\n,MW,MW\n", 1), "line 2", options=LOAD),
        refuse("no such column", two("date,load,wind"), "'laod'", "--target 'load'", options=("--target", "laod")),
        read("another case of letters, named", two("Date,LOAD,wind"), "--target", "LOAD"),
        refuse("another case of letters", two("Date,LOAD,wind"), "--target 'LOAD'", options=LOAD),
        read("a name with a line end", 'date,"lo\nad"\n' + BODY),
        refuse("a name with a terminal's escape", two("date,lo\x1b[31mad,b"), "'lo\\x1b[31mad'", "--target"),
        read("a name of HTML", "date,<script>alert(1)</script>\n" + BODY),
        read("a name with a dash", two("date,-load,b"), "--target", "-load"),
        read("a name that is a formula", "date,=1+1\n" + BODY),
        read("a name as the forecast writes it", "date,'=1+1\n" + BODY, "--target", "=1+1"),
        read("a name that says nothing is there", two("date,NA,b"), "--target", "NA"),
        read("a name with a comma", two('date,"load, MW",b'), "--target", "load, MW"),
        read("a name in letters put together", two(f"date,{LETTERS[1]},b"), "--target", LETTERS[0]),
        read("a name in letters of one piece", two(f"date,{LETTERS[0]},b"), "--target", LETTERS[1]),
        read("the same name in both", two(f"date,{LETTERS[1]},{LETTERS[0]}"), "--target", LETTERS[1]),
    ]  # fmt: skip


def foreign_cases() -> list[Case]:
    """Files that are no tables of text, and compressed ones."""
    numbers = random.Random(7)
    pages = "<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n"
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "4d7a" * 16 + "\nsize 12345\n"
    rows = [{"date": str(day(row)), "load": VALUES[row]} for row in range(ROWS)]
    return [
        refuse("a page of HTML", pages, "HTML", "CSV"),
        refuse("a page of HTML after blank lines", "\n\n <html><body>Sign in</body></html>", "HTML"),
        refuse("an answer of XML", '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "XML"),
        refuse("JSON", json.dumps(rows), "JSON"),
        refuse("lines of JSON", "\n".join(map(json.dumps, rows)), "JSON"),
        refuse("a workbook", b"PK\x03\x04\x14\x00" + bytes(200), "Excel", "CSV"),
        refuse("an old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(200), "Excel"),
        refuse("a PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF"),
        refuse("a pointer of Git LFS", pointer, "Git LFS", "git lfs pull"),
        refuse("random bytes", numbers.randbytes(5000), "line 1"),
        refuse("random letters", "".join(numbers.choices(string.printable, k=5000)), "line "),
        refuse("prose", "Dear all, find below the data\nfor the year. As ever, they are, I fear,\nlate.\n", "line 2"),
        refuse("lines of SQL", "INSERT INTO t VALUES ('2021-01-01', 5);\n" * 30, "5);"),
        refuse("YAML", "date: 2021-01-01\nload: 5\n" * 20, "line 1"),
        read("gzip", GZIPPED),
        read("two members of gzip", gzip.compress(GOOD[:200].encode()) + gzip.compress(GOOD[200:].encode())),
        refuse("gzip cut short", GZIPPED[:-20], "cut short", "gzip"),
        refuse("gzip damaged", GZIPPED[:60] + b"########" + GZIPPED[68:], "damaged"),
        refuse("gzip twice", gzip.compress(GZIPPED), "compressed twice"),
        refuse("a page of HTML in gzip", gzip.compress(pages.encode()), "HTML"),
        read("Parquet", parquet(ROWS), rows=ROWS),
        refuse("Parquet cut short", parquet(ROWS)[:-30], "Parquet", "damaged"),
        refuse("Parquet without rows", parquet(0), "no rows"),
    ]  # fmt: skip


def parquet(rows: int) -> bytes:
    import pyarrow
    from pyarrow import parquet as files

    sink = BytesIO()
    days = pyarrow.array([datetime(2021, 1, 4) + timedelta(row) for row in range(rows)], pyarrow.timestamp("us"))
    files.write_table(pyarrow.table({"date": days, "load": pyarrow.array(VALUES[:rows], pyarrow.float64())}), sink)
    return sink.getvalue()


def number_cases() -> list[Case]:
    """Cells of numbers: what is one, what is none, what is missing."""
    hole = {"told": ["1 cell has no value, first 'load' at 2021-01-09"], "total": TOTAL - VALUES[5]}
    missing = ["", " ", "NA", "N/A", "#N/A", "-", "null", "NULL", "None", "NaN", "nan", "<NA>", "NaT"]
    marks = ["--", "\\N", ".", "?", "*", "...", "missing", "n.a.", "k.A."]
    units = ["5 MW", "5kWh", "21°C", "5 km/h", "$5", "€5", "5 €", "5€", "£5", "USD 5", "R$5", "5 kr", "Rs. 5"]
    commas = ["1,234", "1,234.5", "1.234,5", "12,5", "1,5e3", "1,23,456"]
    thousands = ["1 234", "1\u00a0234", "1\u202f234", "1'234", "1\u2019234", "1_234", "1.234.567"]
    dotted = ["987", "1.234", "12.345", "1.002"]
    return [
        *(read(f"missing: {word!r}", cell(word), **hole) for word in missing),
        *(refuse(f"a mark for no value: {word}", cell(word), "line 7", "'load'", word, "NA") for word in marks),
        *(refuse(f"a failed formula: {word}", cell(word), "line 7", word, "NA") for word in ["#DIV/0!", "#REF!", "#NAME?"]),
        *(refuse(f"a unit: {word}", cell(word), "line 7", word, "unit") for word in units),
        *(refuse(f"a comma: {word}", cell(word), "line 7", word, "decimal comma") for word in commas),
        *(refuse(f"thousands: {word!r}", cell(word), "line 7", "divided thousands") for word in thousands),
        *(refuse(f"percent: {word}", cell(word), "line 7", word, "percent") for word in ["5%", "5 %", "5\uff05"]),
        *(refuse(f"accounting: {word}", cell(word), "line 7", word, "-5") for word in ["(5)", "5-"]),
        *(refuse(f"infinity: {word}", cell(word), "line 7", word, "infinity") for word in ["inf", "-Infinity", "∞"]),
        *(refuse(f"no number: {word}", cell(word), "line 7", "'load'") for word in
          ["x", "TRUE", "0x1F", "1d5", "--5", "5-3", "1e", "e5", "=5", "=SUM(A1)", "<5", "~5", "5*", "1.2.3", "1 2",
           "12:30", "1/2", "2021-01-05", "'5", "１２", "٣", "\u200b5"]),
        refuse("a minus sign of another kind", cell("\u22125"), "line 7", "\u22125", "minus"),
        refuse("semicolons and decimal commas", GOOD.replace(",", ";").replace(".", ","), "line 3", "12,25", "comma"),
        refuse("percent in every cell", loads(lambda row: f"{row}%"), "line 2", "0%", "percent"),
        refuse("units in every cell", loads(lambda row: f"{row} MW"), "line 2", "0 MW", "unit"),
        refuse("truth values", loads(lambda row: row % 2 == 0), "line 2", "True"),
        *(refuse(f"beyond floats: {word}", cell(word), "line 7", word, "1.8e308")
          for word in ["1e400", "4e492493924924", "-1e309"]),
        refuse("beyond what can be scaled", cell("1e300"), "line 7", "'load'", "1e+300"),
        refuse("beyond what can be scaled, all", loads(lambda row: f"{row + 1}e300"), "line 2", "1e+300"),
        refuse("beyond 32-bit floats", cell("1e100", 40), "line 40", "1e+100", "32-bit"),
        read("exponents, signs and bare points", cell("+.5e1"), total=TOTAL - VALUES[5] + 5),
        read("a bare point at the end", cell("5."), total=TOTAL - VALUES[5] + 5),
        read("large and alike", loads(lambda row: f"{1e9 + row % 7 * 0.001:.3f}"), total=40 * 1e9 + 0.115),
        read("alike for 32-bit floats", loads(lambda row: f"{1e9 + row % 7 * 0.001:.3f}"), "--scaler", "none",
             total=40 * 1e9 + 0.115, told=["'load' lie from 1000000000 to 1000000000.006, too close"]),
        read("tiny", loads(lambda row: f"{row + 1}e-20"), total=820e-20),
        read("too tiny to be scaled", loads(lambda row: f"{row + 1}e-300"), total=820e-300, told=["too close"]),
        read("whole numbers beyond 2^53", loads(lambda row: 2**53 + 1 + 2 * row), total=40.0 * 2**53 + 1600,
             told=["line 2, column 'load': 40 numbers are beyond 2^53"]),
        read("one whole number beyond 2^53", cell("9007199254740993"), told=["line 7"], total=2.0**53 + TOTAL - VALUES[5]),
        read("a number that mostly says missing", cell("-9999"), total=TOTAL - VALUES[5] - 9999, told=["-9999 stands in 1"]),
        read("half of the cells missing", loads(lambda row: row if row % 2 == 0 else "NA", 41), rows=41, total=420.0,
             end="2021-02-13T00:00:00", told=["20 cells have no value"]),
        refuse("all of the cells missing", loads(lambda row: "NA"), "holds no number", "40", options=LOAD),
        read("dots between thousands or decimals", loads(lambda row: dotted[row % 4]), total=10 * 1001.581,
             told=["'1.234' and 29 more"]),
        read("dots in all cells between semicolons", loads(lambda row: f"{row + 1}.125", mark=";"), total=825.0,
             told=["';'", "thousands"]),
        read("three decimals between commas", loads(lambda row: f"{row + 1}.125"), total=825.0),
        read("more digits than are held", loads(lambda row: f"{row}.12500000000000000000001"), total=785.0),
        refuse("a past covariate without a number", table("date,load,wind", map(day, range(ROWS)), values(), ["NA"] * 40),
               "'wind'", "no number", options=(*LOAD, "--past", "wind")),
    ]  # fmt: skip


def time_cases() -> list[Case]:
    """Cells of times: manners of writing, offsets, digits, dates that do not exist."""
    epoch = 1_609_459_200  # 2021-01-01T00:00:00Z
    first, last = "2021-03-01T00:00:00", "2021-03-02T15:00:00"
    hourly = {"start": first, "end": last}
    east = {"start": "2021-02-28T23:00:00Z", "end": "2021-03-02T14:00:00Z"}
    counted = {"start": "2021-01-01T00:00:00Z", "end": "2021-01-02T15:00:00Z", "told": [NUMBERS_AS_TIMES]}
    months = {"start": "1980-01-01T00:00:00", "end": "1983-04-01T00:00:00"}
    quarters = {"start": "1980-01-01T00:00:00", "end": "1989-10-01T00:00:00"}

    def month(row: int) -> date:
        return date(1980 + row // 12, row % 12 + 1, 1)

    def midnight(row: int) -> str:
        return f"{hour(row + 1):%Y-%m-%d %H:%M}" if (row + 1) % 24 else f"{hour(row):%Y-%m-%d} 24:00"

    divided = (f"{hour(row):%Y-%m-%d}" for row in range(ROWS)), (f"{hour(row):%H:%M}" for row in range(ROWS))
    return [
        read("T between day and clock", at(lambda row: hour(row).isoformat()), **hourly),
        read("no seconds", at(lambda row: f"{hour(row):%Y-%m-%d %H:%M}"), **hourly),
        read("Z", at(lambda row: f"{hour(row).isoformat()}Z"), start=first + "Z", end=last + "Z"),
        read("an offset", at(lambda row: f"{hour(row).isoformat()}+01:00"), **east),
        read("an offset without a colon", at(lambda row: f"{hour(row)} +0100"), **east),
        read("two offsets", at(lambda row: f"{hour(row + row // 20).isoformat()}+0{1 + row // 20}:00"), **east),
        refuse("an offset on all but one", at(lambda row: f"{hour(row).isoformat()}{'' if row == 7 else 'Z'}"),
               "line 9", "line 2", "offset"),
        refuse("a zone's name", at(lambda row: f"{hour(row)} CET"), "line 2", "CET", "+01:00"),
        refuse("a zone's name in brackets", at(lambda row: f"{hour(row).isoformat()}+01:00[Europe/Berlin]"), "line 2", "zones"),
        read("microseconds", at(lambda row: f"{hour(row)}.000250"), start=first + ".000250", end=last + ".000250"),
        refuse("nanoseconds", at(lambda row: f"{hour(row)}.000000001"), "line 2", "finer than a microsecond"),
        read("AM and PM", at(lambda row: f"{day(row):%m/%d/%Y} 12:00 AM")),
        refuse("PM on some", at(lambda row: f"{day(row)} {'5:00 PM' if row == 9 else '5:00'}"), "line 11", "AM or PM"),
        read("seconds since 1970", at(lambda row: epoch + 3600 * row, name="ts"), **counted),
        read("milliseconds since 1970", at(lambda row: (epoch + 3600 * row) * 1000, name="ts"), **counted),
        read("nanoseconds since 1970", at(lambda row: (epoch + 3600 * row) * 10**9, name="ts"), **counted),
        read("seconds since 1970, unnamed", at(lambda row: epoch + 3600 * row, name="x"), **counted),
        refuse("seconds, then milliseconds", at(lambda row: (epoch + 3600 * row) * (1 if row < 9 else 1000), name="ts"),
               "line 11", "line 2", "digits"),
        refuse("milliseconds as decimals", at(lambda row: f"{(epoch + row) * 1000}.0", name="ts"), "'ts'", "000.0"),
        refuse("seconds as powers", at(lambda row: f"{epoch + 100 * row:.7e}", name="ts"), "'ts'", "e+09", options=LOAD),
        read("YYYYMMDD", at(lambda row: f"{day(row):%Y%m%d}"), told=[NUMBERS_AS_TIMES]),
        read("YYYYMMDDhh", at(lambda row: f"{hour(row):%Y%m%d%H}"), told=[NUMBERS_AS_TIMES], **hourly),
        refuse("YYYYMMDD with an impossible day", at(lambda row: f"{day(row):%Y%m%d}" if row != 9 else "20210230"),
               "line 11", "20210230"),
        refuse("DDMMYYYY", at(lambda row: f"{day(row):%d%m%Y}"), "'date'", "04012021"),
        refuse("YYMMDD", at(lambda row: f"{day(row):%y%m%d}"), "line 11", "210113"),
        read("YYYYMM", at(lambda row: f"{month(row):%Y%m}", name="month"), told=[NUMBERS_AS_TIMES], **months),
        refuse("YYYYMM or YYMMDD", at(lambda row: f"{2001 + row // 12}{row % 12 + 1:02d}", name="month"), "line 2", "YYMMDD"),
        read("years", at(lambda row: 1980 + row, name="year"), told=["years"], start=months["start"], end="2019-01-01T00:00:00"),
        refuse("years as decimals", at(lambda row: f"{1980 + row}.0", name="year"), "'year'", "1980.0", options=LOAD),
        read("quarters", at(lambda row: f"{1980 + row // 4}Q{row % 4 + 1}"), **quarters),
        read("quarters, the year last", at(lambda row: f"Q{row % 4 + 1} {1980 + row // 4}"), **quarters),
        refuse("a fifth quarter", at(lambda row: f"{1980 + row // 4}-Q{5 if row == 6 else row % 4 + 1}"), "line 8", "1981-Q5"),
        read("months", at(lambda row: f"{month(row):%Y-%m}"), **months),
        read("months with an M", at(lambda row: f"{month(row):%YM%m}"), **months),
        read("months, the year last", at(lambda row: f"{month(row):%m/%Y}"), **months),
        refuse("months by name", at(lambda row: ["Jan", "Feb", "Mar"][row % 3] + " 2020"), "line 2", "Jan 2020", "names"),
        refuse("days with names of months", at(lambda row: f"{row + 1}-Jan-2021", 30), "line 2", "names"),
        refuse("weeks", at(lambda row: f"2021-W{row + 1:02d}"), "line 2", "2021-W01", "weeks"),
        refuse("days of the year", at(lambda row: f"2021-{row + 1:03d}"), "line 2", "2021-001"),
        refuse("days of a spreadsheet", at(lambda row: 44200 + row), "'date'", "44200", "spreadsheet"),
        refuse("days of a spreadsheet, the target named", at(lambda row: 44200 + row), "'44200'", "spreadsheet", options=LOAD),
        refuse("days and hours of a spreadsheet", at(lambda row: 44197.5 + row), "44197.5", "spreadsheet", options=LOAD),
        refuse("days of a spreadsheet as --time", at(lambda row: 44200 + row), "line 2", "spreadsheet", options=("--time", "date")),
        read("the day first, by its rows", at(lambda row: f"{day(row):%d/%m/%Y}")),
        read("the month first, by its rows", at(lambda row: f"{day(row):%m/%d/%Y}")),
        read("days and months between points", at(lambda row: f"{day(row):%d.%m.%Y}")),
        refuse("the day or the month first", at(lambda row: f"1/{row % 12 + 1}/{1980 + row // 12}"), "line 2", "1/1/1980", "both"),
        refuse("the day first, later the month", "date,load\n13/1/2021,5\n1/14/2021,6\n", "line 3", "line 2", "month/day"),
        refuse("years of two digits", at(lambda row: f"{day(row):%d/%m/%y}"), "line 2", "04/01/21", "two digits"),
        *(refuse(f"no such time: {text}", moment(text), "line 12", "'date'", text) for text in
          ["2021-02-30", "2021-02-29", "2021-13-01", "2021-00-10", "2021-01-32", "0000-00-00", "1900-01-00",
           "2021-01-14T25:00", "2021-01-14 12:60", "never", "14.01"]),
        refuse("no such time, the day first", at(lambda row: f"{day(row):%d/%m/%Y}" if row != 10 else "31/4/2021"),
               "line 12", "31/4/2021"),
        refuse("hour 24", at(midnight), "line 25", "24:00", "00:00 of the next day"),
        refuse("a leap second", moment("2021-01-14 23:59:60"), "line 12", "23:59:60"),
        *(refuse(f"a missing time: {text!r}", moment(text), "line 12", "time is missing") for text in ["", "NA", "-", "NaT"]),
        refuse("a month midway", moment("2021-01"), "line 12", "line 2"),
        refuse("another manner midway", moment("14.01.2021"), "line 12", "line 2"),
        refuse("digits midway", moment("20210114"), "line 12", "line 2"),
        read("slashes midway", moment("2021/01/14")),
        read("a clock in one time", moment("2021-01-14 00:00"), told=["39 times have no clock"]),
        read("the year 1", at(lambda row: date(1, 1, 1) + timedelta(row)), start="0001-01-01T00:00:00", end="0001-02-09T00:00:00"),
        read("the year 9999", at(lambda row: date(9999, 11, 22) + timedelta(row)), start="9999-11-22T00:00:00",
             end="9999-12-31T00:00:00"),
        refuse("one time in the year 1", moment("0001-01-01", 2), "line 2", "0001-01-01", "holes"),
        refuse("one time in the year 9999", moment("9999-12-31", 41), "line 41", "9999-12-31", "holes"),
        refuse("the clock in a column of its own", table("date,time,load", *divided, values()), "'date'", "'time'"),
        refuse("the hour in a column of its own", table("date,hour,load", (day(row // 24) for row in range(72)),
               (row % 24 for row in range(72)), values(72)), "'date'", "'hour'", options=LOAD),
        refuse("year, month and day in columns", table("year,month,day,load", (2021 for _ in range(ROWS)),
               (day(row).month for row in range(ROWS)), (day(row).day for row in range(ROWS)), values()),
               "'year'", "'month'", options=LOAD),
        refuse("the clock alone", at(lambda row: f"{row // 4:02d}:{row % 4 * 15:02d}", name="time"), "line 2", "without its date"),
        read("steps without a time", at(lambda row: row * 0.5, name="time"), *LOAD, told=[UNIT_STEPS], **NO_TIMES),
        read("no times", table("load", values()), told=[UNIT_STEPS], **NO_TIMES),
    ]  # fmt: skip


def grid_cases() -> list[Case]:
    """Rows out of order, twice, missing, in another step; daylight saving."""
    lines = BODY.splitlines(keepends=True)
    workdays = [day(row) for row in range(80) if day(row).weekday() < 5]
    spring = [datetime(2021, 3, 27, 12) + timedelta(hours=row + (row >= 14)) for row in range(ROWS)]
    autumn = [datetime(2021, 10, 30, 12) + timedelta(hours=row - (row >= 15)) for row in range(ROWS)]
    zones = [f"{time.isoformat()}+0{1 + (row < 15)}:00" for row, time in enumerate(autumn)]
    springs = {"start": "2021-03-27T12:00:00", "end": "2021-03-29T04:00:00"}

    def change(row: int, row_of_change: int, before: int, after: int) -> datetime:
        past = max(0, row - row_of_change)
        return datetime(2021, 3, 1) + timedelta(minutes=before * (row - past) + after * past)

    return [
        read("out of order", "".join(["date,load\n", *lines[:2], *lines[20:22], *lines[2:20], *lines[22:]]),
             told=["line 6: 2021-01-06 is earlier"]),
        read("the newest first", "date,load\n" + "".join(reversed(lines)), told=["39 such rows"]),
        read("a row twice", above(12, lines[9].strip()), told=["line 12: the same row as in line 11"]),
        read("every row twice", "date,load\n" + "".join(line * 2 for line in lines), told=["40 such rows"]),
        refuse("two values for a time", above(12, "2021-01-13,99"), "lines 11 and 12", "'load'", "2021-01-13", "99", "--series"),
        refuse("a value and none for a time", above(12, "2021-01-13,NA"), "lines 11 and 12", "nothing"),
        refuse("two exports that overlap and differ", GOOD + "".join(lines[30:]).replace("2021-02-12,10.25", "2021-02-12,21"),
               "lines 41 and 51", "10.25 and 21"),
        read("a gap", "date,load\n" + "".join(lines[:18] + lines[23:]), rows=35, total=TOTAL - sum(VALUES[18:23]),
             told=["line 19: no row follows for 2021-01-22, 5 such holes"]),
        refuse("a gap, refused", "date,load\n" + "".join(lines[:18] + lines[23:]), "5 cells", "2021-01-22",
               options=("--missing", "refuse")),
        refuse("irregular times", at(lambda row: hour(row * 60 + row * row % 7, 1)), "line 3", "off the time grid", "--freq"),
        refuse("one irregular time", at(lambda row: hour(row) if row != 9 else hour(547, 1)), "line 11", "09:07", "--freq"),
        refuse("days, then hours", at(lambda row: change(row, 25, 1440, 60)), "line 28", "--freq h", "step changes to h"),
        refuse("hours, then quarters of hours", at(lambda row: change(row, 15, 60, 15), 80), "line 2", "step is h", "15min"),
        refuse("quarters of hours, then hours", at(lambda row: change(row, 60, 15, 60), 80), "line 62", "step is h", "15min"),
        refuse("every day, then every second one", at(lambda row: day(row + max(0, row - 28))), "line 30", "2D", "--freq D"),
        read("every day, then every second one, as asked", at(lambda row: day(row + max(0, row - 28))), "--freq", "D",
             end="2021-02-23T00:00:00", told=["11 such holes"]),
        refuse("one row", "date,load\n2021-01-04,5\n", "one row", "--freq"),
        refuse("two rows", "date,load\n2021-01-04,5\n2021-01-05,6\n", "2 usable rows", "--horizon"),
        read("daylight saving begins", table("date,load", spring, values()), told=["line 15: no row follows for 2021-03-28 02:00"],
             **springs),
        refuse("daylight saving ends", table("date,load", autumn, values()), "lines 16 and 17", "2021-10-31 02:00", "daylight"),
        read("daylight saving ends, the values alike", table("date,load", autumn, [5] * ROWS), rows=39, total=195.0,
             start="2021-10-30T12:00:00", end="2021-11-01T02:00:00", told=["daylight-saving"]),
        read("daylight saving ends, with offsets", table("date,load", zones, values()), start="2021-10-30T10:00:00Z",
             end="2021-11-01T01:00:00Z"),
        read("business days", at(workdays.__getitem__), end="2021-02-26T00:00:00"),
        read("a holiday among business days", at(lambda row: workdays[row + (row > 20)]), end="2021-03-01T00:00:00",
             told=["1 such hole in the time grid of step B"]),
        read("weeks by their Mondays", at(lambda row: day(7 * row)), end="2021-10-04T00:00:00"),
        read("ends of months", at(lambda row: date(2018 + (row + 1) // 12, (row + 1) % 12 + 1, 1) - timedelta(1)),
             start="2018-01-31T00:00:00", end="2021-04-30T00:00:00"),
        read("no value at either end", cell("", 2).replace("2021-02-12,10.25", "2021-02-12,"), rows=38,
             total=TOTAL - VALUES[0] - VALUES[39], start="2021-01-05T00:00:00", end="2021-02-11T00:00:00",
             told=["line 2: before the first or after the last measured 'load', so not used, 2 such rows"]),
    ]  # fmt: skip


def panel_cases() -> list[Case]:
    """Several series in a file."""
    three = {"rows": 120, "series": 3, "total": sold(0, 1, 2)}
    two = {"rows": 80, "series": 2, "total": sold(0, 1)}
    lines = panel("ABC").splitlines()
    unmeasured = "\n".join(line.rpartition(",")[0] + "," if ",B," in line else line for line in lines) + "\n"
    weekly = "".join(f"{day(7 * row)},B,{row}\n" for row in range(ROWS))
    return [
        read("day by day", panel("ABC"), *SHOP, **three),
        read("shop by shop", panel("ABC", blocks=True), *SHOP, **three),
        refuse("the series not named", panel("ABC"), "lines 2 and 3", "2021-01-04", "--series"),
        read("Namibia and others", panel(["NA", "null", "-"]), *SHOP, **three),
        read("numbers as names", panel(["007", "7", "7.0"]), *SHOP, **three),
        read("names that are formulas", panel(["=1+1", "+x", "@y"]), *SHOP, **three),
        read("a total as a series", panel(["A", "B", "Total"]), *SHOP, **three),
        read("blanks around names", panel([" A", "B ", "C"]).replace("2021-01-05, A", "2021-01-05,A"), *SHOP, **three),
        read("a short series", panel("ABC", [40, 40, 2]), *SHOP, told=["1 series too short"], **two),
        read("a series of one row", panel("ABC", [40, 40, 1], blocks=True), *SHOP, told=["'C'"], **two),
        read("a series shorter than the lookback", panel("ABC", [40, 40, 20]), *SHOP, "--lookback", "21", told=["'C'"], **two),
        refuse("all series too short", panel("ABC", 2), "2 usable rows in the longest series", options=SHOP),
        refuse("all series shorter than the lookback", panel("ABC"), "40 usable rows", "--lookback 50", "--pad",
               options=(*SHOP, "--lookback", "50")),
        read("a series without values", unmeasured, *SHOP, rows=80, series=2, total=sold(0, 2), told=["left out: 'B'"]),
        refuse("a missing name", "\n".join([*lines[:19], lines[19].replace(",A,", ",,"), *lines[20:]]), "line 20", "'shop'",
               options=SHOP),
        refuse("two values in a series", panel("ABC") + "2021-02-12,B,99\n", "series 'B'", "99", options=SHOP),
        read("300 series", hundreds(), *SHOP, rows=6000, series=300, total=float(300 * sum(range(20))), end="2021-01-23T00:00:00"),
        refuse("a series in another step", panel("A") + weekly, "line 42", "series 'B'", "--freq", options=SHOP),
        read("a series in letters of two kinds", panel(LETTERS), *SHOP, told=["NFC"], **two),
        read("a series with a terminal's escape", panel(["a\x1b[31m", "B"], [1, 40]), *SHOP, total=sold(1),
             told=["'a\\x1b[31m'"]),
        read("a series with a name of 5,000 letters", panel(["x" * 5000, "B"], [1, 40]), *SHOP, total=sold(1), told=["xxx…"]),
        refuse("no such column of series", panel("ABC"), "'shp'", "--series 'shop'", options=("--series", "shp")),
        refuse("a column for two things", panel("ABC"), "'load'", options=("--series", "load", *LOAD), code=2),
        refuse("a column a series", table("date,A,B", map(day, range(ROWS)), values(), values()), "'A', 'B'", "--target"),
    ]  # fmt: skip


def hundreds() -> str:
    return table("date,shop,load", (day(row // 300) for row in range(6000)), (f"s{row % 300}" for row in range(6000)),
                 (row // 300 for row in range(6000)))  # fmt: skip


def cases() -> list[Case]:
    themes = (
        text_cases,
        division_cases,
        row_cases,
        size_cases,
        name_cases,
        foreign_cases,
        number_cases,
        time_cases,
        grid_cases,
        panel_cases,
    )
    return [case for theme in themes for case in theme()]
