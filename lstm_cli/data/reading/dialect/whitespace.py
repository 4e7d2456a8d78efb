"""Blanks and tabs as delimiter: a run of them counts as one, and those around a line do not count."""

import re
from collections.abc import Iterable, Iterator

BLANK = " "  # delimiter of the lines that `squeeze_blanks` returns
_BLANKS = re.compile(r"[ \t]+")
# A cell in quotes (the last one may continue on the next line), or blanks. Only a quote that begins a cell opens one.
_QUOTED_OR_BLANKS = re.compile(r'(?:(?<=[ \t])|^)"(?:[^"]|"")*(?:"|$)|[ \t]+')
_REST_OF_CELL = re.compile(r'(?:[^"]|"")*("|$)')


def squeeze_blanks(text: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a text with one blank between cells. Blanks within quotes are kept.

    Args:
        text: lines, each with its line end.
    """
    is_open = False  # a cell in quotes continues
    for line in text:
        if not is_open and '"' not in line:
            body = line.strip(" \t\n")
            yield _BLANKS.sub(BLANK, body) + "\n" * line.endswith("\n")
        else:
            squeezed, is_open = _squeeze_quoted(line, is_open)
            yield squeezed


def squeeze_block(data: bytes) -> bytes | None:
    """Return whole lines with one blank between cells, as `squeeze_blanks` does; None if a line has quotes."""
    if b'"' in data:
        return None
    data = data.replace(b"\t", b" ")
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    for end in (b"\r\n", b"\n"):
        data = data.replace(b" " + end, end)
    return data.replace(b"\n ", b"\n").strip(b" ")


def _squeeze_quoted(line: str, is_open: bool) -> tuple[str, bool]:
    """Return a line with quotes, and whether its last cell continues on the next line."""
    begin = ""
    if is_open:
        rest = _REST_OF_CELL.match(line)
        assert rest is not None  # it also matches an empty text
        if not rest.group(1):
            return line, True
        begin, line = line[: rest.end()], line[rest.end() :]
    else:
        line = line.lstrip(" \t")
    end = "\n" * line.endswith("\n")
    opened = False

    def squeeze(match: "re.Match[str]") -> str:
        nonlocal opened
        found = match.group()
        if not found.startswith('"'):
            return BLANK
        opened = found.count('"') % 2 == 1
        return found

    body = _QUOTED_OR_BLANKS.sub(squeeze, line.removesuffix("\n"))
    return begin + (body if opened else body.rstrip(BLANK)) + end, opened
