"""Malformed files: text, delimiters, rows, names, and files that are not tables."""

import bz2
import codecs
import gzip
import io
import json
import lzma
import random
import string
import zipfile

import pyarrow
from malformed import (
    BODY,
    GOOD,
    LETTERS,
    LOAD,
    NO_TIMES,
    ROWS,
    SHOP,
    TOTAL,
    UNIT_STEPS,
    VALUES,
    Case,
    day,
    insert_lines,
    parquet,
    read,
    refuse,
    replace_line,
    table,
    values,
    with_load,
    with_loads,
    with_note,
)


def text_cases() -> list[Case]:
    """Return cases of encodings, line ends and invalid characters."""
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
        refuse("UTF-16 cut inside a character", GOOD.encode("utf-16")[:-1], "line 41", "inside a utf-16 character"),
        refuse("a name in cp1252", german.encode("cp1252"), "line 1", "0xf6", "--encoding cp1252"),
        read("a name in cp1252, named", german.encode("cp1252"), "--encoding", "cp1252"),
        refuse("one bad byte", GOOD.encode().replace(b"01-23", b"01-2\xff"), "line 21", "0xff", "--encoding"),
        refuse("a byte order mark midway", GOOD + "\ufeff" + GOOD, "line 42", "date", "header is repeated here"),
        refuse("an unknown encoding", GOOD, "'utf-9'", options=("--encoding", "utf-9"), code=2),
        read("CR LF", GOOD.replace("\n", "\r\n")),
        read("CR", GOOD.replace("\n", "\r")),
        read("CR CR LF", GOOD.replace("\n", "\r\r\n"), warnings=["40 blank lines"]),
        read("line ends of three kinds", GOOD.replace("\n", "\r\n", 20).replace("\r\n", "\r", 9)),
        refuse("only Unicode line ends", GOOD.replace("\n", "\u2028"), "no row"),
        refuse("a DOS end of file", GOOD + "\x1a", "line 42", "1 cell"),
        refuse("a NUL in a cell", GOOD.replace("2021-01-14", "2021-01-1\0"), "line 12", "NUL"),
        refuse("a tail of NULs", GOOD + "\0" * 4096, "line 42", "NUL"),
        refuse("nothing", "", "is empty"),
        refuse("a byte order mark and nothing", "\ufeff", "blank"),
        refuse("blank lines alone", "\n \n\n", "only blank lines"),
        refuse("a header and nothing", "date,load\n", "no rows below"),
        read("blank lines above, between and below", "\n\n" + insert_lines(12, "", "  ") + "\n\n", warnings=["2 blank lines"]),
        read("a last line without an end, as wide as all", with_loads(lambda row: 10 + row)[:-1], total=1180),
        read("a last line without an end", GOOD[:-1]),
        read("a last line cut within its number", with_loads(lambda row: 10.25 + row)[:-4], total=1190 - 0.25,
             warnings=["line 41: the file does not end with a newline"]),
        refuse("a last line cut within its time", GOOD[:-9], "line 41", "1 cell"),
    ]  # fmt: skip


def delimiter_cases() -> list[Case]:
    """Return cases of delimiters and quotes."""
    semicolons = GOOD.replace(",", ";")
    swallowing = with_note('"n').replace("2021-01-23,27.25,n", '2021-01-23,27.25,n"')
    assert swallowing.count('"') == 2
    return [
        read("semicolons", semicolons, warnings=["';'"]),
        read("semicolons, named", semicolons, "--delimiter", ";"),
        read("tabs", GOOD.replace(",", "\t"), warnings=["'tab'"]),
        read("bars, named", GOOD.replace(",", "|"), "--delimiter", "|"),
        refuse("bars", GOOD.replace(",", "|"), "line 1", "--delimiter '|'"),
        refuse("blanks", GOOD.replace(",", " "), "line 1", "--delimiter whitespace"),
        read("blanks, named", GOOD.replace(",", " "), "--delimiter", "whitespace"),
        refuse("columns of fixed width", GOOD.replace(",", "    "), "line 1", "--delimiter whitespace"),
        read("columns of fixed width, named", GOOD.replace("2021", "  2021").replace(",", "    "), "--delimiter", "whitespace"),
        read("blanks and tabs around quotes", '"date"\t "load" \n' + BODY.replace(",", " \t"), "--delimiter", "whitespace"),
        refuse("a table of Markdown", "| date | load |\n|---|---|\n" + BODY.replace(",", "|"), "--delimiter '|'"),
        refuse("two delimiters in the header", "date;load\tx\n1;2\t3\n", "line 1", "--delimiter"),
        refuse("another delimiter from line 20 on", GOOD[:300] + GOOD[300:].replace(",", ";"), "line 20", "';'"),
        read("the first line of Excel", "sep=;\n" + semicolons),
        read("the first line of Excel in quotes", '\ufeff"sep=|"\r\n' + GOOD.replace(",", "|")),
        refuse("a delimiter of two characters", GOOD, "';;'", options=("--delimiter", ";;"), code=2),
        refuse("a delimiter within numbers", GOOD, "'.'", options=("--delimiter", "."), code=2),
        read("blanks around all cells", GOOD.replace(",", " , ")),
        read("blanks of other kinds around cells", GOOD.replace(",", "\u00a0,\u2009")),
        read("all cells in quotes", '"' + GOOD.replace(",", '","').replace("\n", '"\n"')[:-1]),
        read("blanks around cells in quotes", '"' + GOOD.replace(",", '"  , "').replace("\n", '" \n "')[:-2]),
        read("blanks within quotes stay", table("date,shop,load", map(day, range(ROWS)), ['"a "" , b" '] * 40, values()), *SHOP),
        refuse("a comma in a header of semicolons", "step;load, MW\ns1;3,5\ns2;4,5\n", "line 1", "--delimiter ';'"),
        refuse("a comma in a header of tabs", "step\tload, MW\ns1\t3,5\ns2\t4,5\n", "line 1", "--delimiter $'\\t'"),
        refuse("all lines in quotes", '"' + GOOD.replace("\n", '"\n"')[:-1], "line 1", "double quotes"),
        refuse("single quotes", "'" + GOOD.replace(",", "','").replace("\n", "'\n'")[:-1], "line 2", "2021-01-04"),
        read("a line end within quotes", with_note('"a\nb"')),
        read("two quotes by mistake in neighbouring rows", table("note,load", ["n"] * 5 + ['"x', 'x"'] + ["n"] * 33, values()),
             rows=39, warnings=["line 7: a quoted cell continues in the next line", UNIT_STEPS], total=TOTAL - VALUES[5], **NO_TIMES),
        read("a delimiter within quotes", with_note('"a, b"')),
        read("quotes within quotes", with_note('"a ""b"" c"')),
        read("a quote within a cell", with_note('5" pipe')),
        refuse("quotes escaped by backslashes", with_note('"a \\"b\\" c"'), "line 7", "closing quote", '""'),
        refuse("a quote never closed", with_note('"n'), "line 7", "never closed"),
        refuse("a quote that swallows rows and closes", swallowing, "line 7", "quote", "2021-01-10"),
        refuse("a quote that swallows one row", with_note('"n').replace(",8,n\n", ',8,n"\n'), "line 7", "quote"),
    ]  # fmt: skip


def row_cases() -> list[Case]:
    """Return cases of rows of another length, and lines that are not rows."""
    spread = [line + "," for line in GOOD.splitlines()]
    other = table("day,wind", map(day, range(ROWS)), values())
    wider = table("day,wind,sun", map(day, range(ROWS)), values(), values())
    return [
        refuse("a short row", replace_line(12, "2021-01-14"), "line 12", "1 cell", "2"),
        refuse("a long row", replace_line(12, "2021-01-14,5,6"), "line 12", "3 cells", "2"),
        refuse("a long first row", replace_line(2, "2021-01-04,5,6"), "line 2", "3 cells"),
        refuse("decimal commas between commas", replace_line(12, "2021-01-14,5,25"), "line 12", "decimal comma"),
        refuse("a delimiter at the end of each row", "date,load\n" + "\n".join(spread[1:]), "line 2", "delimiter"),
        read("a delimiter at the end of each line", "\n".join(spread) + "\n"),
        refuse("name a column for it", "date,load,\n" + BODY, "line 2", "2 cells"),
        refuse("an index without a name in the header", table("date,load", range(ROWS), map(day, range(ROWS)), values()),
               "line 2", "3 cells"),
        read("rows of empty cells at the end", GOOD + ",\n,\n", warnings=["2 rows of empty cells"]),
        refuse("a row of empty cells midway", insert_lines(12, ","), "line 12", "time is missing"),
        refuse("a title", "Load of Berlin\n" + GOOD, "line 2", "title", "--skip-rows 1"),
        read("a title, skipped", "Load of Berlin\n" + GOOD, "--skip-rows", "1"),
        refuse("a title and a blank line", "Load of Berlin\n\n" + GOOD, "line 3", "title", "--skip-rows 2"),
        read("a title and a blank line, skipped", "Load of Berlin\n\n" + GOOD, "--skip-rows", "1"),
        refuse("a title above semicolons", "Load of Berlin\n" + GOOD.replace(",", ";"), "line 1", "--skip-rows 1"),
        refuse("a title and no header", "Load of Berlin\n" + BODY, "line 2", "--skip-rows 1 --no-header"),
        refuse("more lines skipped than there are", GOOD, "41 lines", "--skip-rows", options=("--skip-rows", "50")),
        read("a row of data skipped", GOOD, "--skip-rows", "2", "--names", "date,load", rows=39, start=f"{day(1)}T00:00:00", total=TOTAL - VALUES[0],
             warnings=["line 2: 1 skipped line looks like a row of data"]),
        refuse("lines about the station", "Name,Berlin\nId,17\n\n" + GOOD, "line 2", "'Id'"),
        refuse("a comment above", "# made by hand\n" + GOOD, "line 2", "comment"),
        refuse("a comment with a comma above", "# made by hand, twice\n" + GOOD, "header is line 2", "--skip-rows 1"),
        refuse("titles with two cells", f"My load,\nMade,2021-01-01\n{GOOD}", "header is line 3", "--skip-rows 2"),
        refuse("a comment midway", insert_lines(12, "# the sensor was moved"), "line 12", "comment"),
        refuse("a comment with a comma midway", insert_lines(12, "# moved, twice"), "line 12", "# moved"),
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
             warnings=[UNIT_STEPS, "line 42, column 'load': 618.5 is the sum of all rows above"], **NO_TIMES),
        refuse("units below the header", insert_lines(2, ",MW"), "line 2", "time is missing", "units"),
        refuse("units and a format below the header", insert_lines(2, "YYYY-MM-DD,MW"), "line 2", "YYYY-MM-DD"),
        refuse("units among counted rows", "load\nMW\n" + "\n".join(values()) + "\n", "line 2", "'MW'"),
        refuse("the header twice", insert_lines(2, "date,load"), "line 2", "header is repeated here"),
        refuse("the header again midway", insert_lines(21, "date,load"), "line 21", "header is repeated here"),
        refuse("the header again among counted rows", "load\n5\n6\nload\n7\n", "line 4", "header is repeated here"),
        refuse("another table below", GOOD + "\n" + other, "line 43", "'day'"),
        refuse("a wider table below", GOOD + "\n" + wider, "line 43", "3 cells"),
        read("the first rows again below", GOOD + "\n" + "".join(BODY.splitlines(True)[:3]), warnings=["1 blank", "out of order", "3 duplicate rows"]),
        refuse("no header", BODY, "line 1", "header is missing", "--no-header", "--names time,c2"),
        read("no header, named", BODY, "--no-header"),
        read("no header, but names", "\n" + BODY, "--names", "time, load"),
        read("a header replaced", GOOD, "--names", "time,load", "--skip-rows", "1"),
        refuse("names above a header", GOOD, "line 1", "looks like a header", "--skip-rows 1", options=("--names", "time,load")),
        refuse("no header asked for above a header", GOOD, "line 1", "leave out --no-header", options=("--no-header",)),
        refuse("too few names", BODY, "line 1", "2 cells", "1 name", "--names time,c2", options=("--names", "time")),
        refuse("too many names", BODY, "line 1", "2 cells", "3 names", "--names a,b", options=("--names", "a,b,c")),
        refuse("a name twice among the names", BODY, "--names", options=("--names", "a,a"), code=2),
        refuse("a long row without a header", BODY + "2021-02-13,5,6\n", "line 41", "3 cells", "--names", options=("--names", "a,b")),
        refuse("no header over numbers alone", table("3", values()), "line 1", "header is missing", "--no-header"),
        refuse("a number in the header", "date,17\n" + BODY, "'17'", "header"),
        refuse("marks of a merge", insert_lines(12, "<<<<<<< HEAD", "2021-01-14,6", "=======", ">>>>>>> b"), "line 12", "merge"),
        refuse("a mark of a merge above", "<<<<<<< HEAD\n" + GOOD, "line 1", "merge"),
        refuse("marks of a merge among counted rows", "load\n5\n<<<<<<< HEAD\n6\n", "line 3", "merge"),
        refuse("a blank line in one column", "load\n5\n\n6\n7\n", "line 3", "NA"),
    ]  # fmt: skip


def size_cases() -> list[Case]:
    """Return cases of huge cells and many columns."""
    wide = table(
        "date," + ",".join(map("c{}".format, range(2000))), map(day, range(ROWS)), *[values()] * 2000
    )
    return [
        refuse("a note of ten megabytes", with_note("x" * 10_000_000), "line 7", "131,072"),
        refuse("a number of ten megabytes", with_load("9" * 10_000_000), "line 7", "131,072"),
        refuse("a number of 100,000 digits", with_load("9" * 100_000), "line 7", "999…", "1.8e308"),
        refuse("a name of a million letters", table("date,load," + "x" * 1_000_000, map(day, range(ROWS)), values(), values()),
               "line 1", "131,072"),
        refuse("a name of 100,000 letters", table("date,load," + "x" * 100_000, map(day, range(ROWS)), values(), values()),
               "xxx…", "--target"),
        refuse("2,000 columns", wide, "2000 numeric columns", "'c19'", "1,980 more", "--target"),
        read("2,000 columns, one named", wide, "--target", "c1999"),
    ]  # fmt: skip


def name_cases() -> list[Case]:
    """Return cases of missing, duplicate and unusual column names."""

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
        read("a name that means missing", two("date,NA,b"), "--target", "NA"),
        read("a name with a comma", two('date,"load, MW",b'), "--target", "load, MW"),
        read("a name in letters put together", two(f"date,{LETTERS[1]},b"), "--target", LETTERS[0]),
        read("a name in letters of one piece", two(f"date,{LETTERS[0]},b"), "--target", LETTERS[1]),
        read("the same name in both", two(f"date,{LETTERS[1]},{LETTERS[0]}"), "--target", LETTERS[1]),
    ]  # fmt: skip


def zipped(members: dict[str, str]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return sink.getvalue()


def foreign_cases() -> list[Case]:
    """Return cases of files that are not text tables, and of compressed files."""
    numbers = random.Random(7)
    packed = gzip.compress(GOOD.encode(), mtime=0)
    pages = "<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n"
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "4d7a" * 16 + "\nsize 12345\n"
    rows = [{"date": str(day(row)), "load": VALUES[row]} for row in range(ROWS)]
    return [
        refuse("a page of HTML", pages, "HTML", "CSV"),
        refuse("a page of HTML after blank lines", "\n\n <html><body>Sign in</body></html>", "HTML"),
        refuse("an answer of XML", '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "XML"),
        refuse("JSON", json.dumps(rows), "JSON"),
        refuse("lines of JSON", "\n".join(map(json.dumps, rows)), "JSON"),
        refuse("a damaged archive", b"PK\x03\x04\x14\x00" + bytes(200), "ZIP", "corrupt"),
        refuse("a workbook", zipped({"xl/workbook.xml": "", "xl/worksheets/sheet1.xml": ""}), "Excel", "pandas.read_excel"),
        refuse("an archive of two files", zipped({"a.csv": GOOD, "b.csv": GOOD}), "a.csv, b.csv", "unzip"),
        read("an archive of one file", zipped({"a.csv": GOOD})),
        read("bzip2", bz2.compress(GOOD.encode())),
        read("xz", lzma.compress(GOOD.encode())),
        read("zstd", pyarrow.compress(GOOD.encode(), codec="zstd", asbytes=True)),
        refuse("an old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(200), "Excel"),
        refuse("a PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF"),
        refuse("a pointer of Git LFS", pointer, "Git LFS", "git lfs pull"),
        refuse("random bytes", numbers.randbytes(5000), "line 1"),
        refuse("random letters", "".join(numbers.choices(string.printable, k=5000)), "line "),
        refuse("prose", "Dear all, find below the data\nfor the year. As ever, they are, I fear,\nlate.\n", "line 2"),
        refuse("lines of SQL", "INSERT INTO t VALUES ('2021-01-01', 5);\n" * 30, "line 1"),
        refuse("YAML", "date: 2021-01-01\nload: 5\n" * 20, "line 1"),
        read("gzip", packed),
        read("two members of gzip", gzip.compress(GOOD[:200].encode()) + gzip.compress(GOOD[200:].encode())),
        refuse("gzip cut short", packed[:-20], "truncated", "gzip"),
        refuse("gzip damaged", packed[:60] + b"########" + packed[68:], "corrupt"),
        refuse("gzip twice", gzip.compress(packed), "compressed twice"),
        refuse("a page of HTML in gzip", gzip.compress(pages.encode()), "HTML"),
        read("Parquet", parquet(ROWS), rows=ROWS),
        refuse("Parquet cut short", parquet(ROWS)[:-30], "Parquet", "corrupt"),
        refuse("Parquet without rows", parquet(0), "no rows"),
    ]  # fmt: skip
