"""The first lines of a text file: what divides their cells, and whether the first one is a header."""

import re
from collections.abc import Sequence

from lstm_cli.data.cells import is_missing, is_number, shown
from lstm_cli.data.time_shapes import is_time
from lstm_cli.errors import DataError

CONFLICT = re.compile(r"<{7}|={7}|>{7}|\|{7}")  # what Git writes between two versions
_OTHERS = {";": ";", "\t": "tab"}  # delimiters that are known without being named
_UNUSUAL = "|^~:\x1f "  # delimiters that must be named


def settled_delimiter(top: Sequence[str], source: str, warnings: list[str]) -> str:
    """The delimiter of a file whose first lines, one or two that are not blank, are `top`.

    That is the comma, or, told in `warnings`, `;` or tab where the lines plainly have it. Raises DataError where
    the cells are plainly divided, but not by which of several.
    """
    bare = [re.sub(r'"[^"]*"', "", line) for line in top]
    if bare[0].strip().lower().startswith("sep="):
        mark = bare[0].strip()[4:5] or "\t"
        raise DataError(
            f"{source}, line 1: 'sep=' is a mark of Excel's, not a header",
            hint=f"delete the line and name the delimiter: --delimiter {quoted(mark)}",
        )
    found = [mark for mark in _OTHERS if mark in bare[0]]
    if "," in bare[0]:
        other = next((mark for mark in ";\t|" if 0 < bare[0].count(mark) == bare[-1].count(mark)), None)
        if other and len(bare) > 1:
            raise DataError(
                f"{source}, line 1: are cells divided by commas, or by {other!r}? the header and the first row have "
                "as many of these",
                hint=f"name the delimiter: --delimiter {quoted(other)}, or --delimiter ','",
            )
        return ","
    if not found:
        _refuse_undivided(top, bare, source)
        return ","
    plain = len(found) == 1 and (len(bare) == 1 or bare[1].count(found[0]) == bare[0].count(found[0]))
    if not plain:
        names = " or ".join(f"'{_OTHERS[mark]}'" for mark in found)
        raise DataError(
            f"{source}, line 1: cells are not divided by commas, and it is not plain by what: {names}",
            hint=f"name the delimiter, e.g. --delimiter {quoted(found[0])}",
        )
    warnings.append(
        f"{source}: cells were divided at {_OTHERS[found[0]]!r}, as the header (line 1) has no comma "
        "(--delimiter decides it otherwise)"
    )
    return found[0]


def _refuse_undivided(top: Sequence[str], bare: Sequence[str], source: str) -> None:
    """Refuse lines that are one cell each, where they plainly hold several."""
    if len(top) < 2:
        return
    if not any(line.strip() for line in bare) and top[0].count(",") == top[1].count(",") > 0:
        raise DataError(
            f"{source}, line 1: the whole line stands in double quotes, as one cell",
            hint="take off the quotes around the lines",
        )
    if is_number(top[1]) or is_missing(top[1]) or is_time(top[1]):
        return
    first, second = (line.strip() for line in bare)
    mark = next((mark for mark in _UNUSUAL if 0 < first.count(mark) == second.count(mark)), None)
    if mark:
        raise DataError(
            f"{source}, line 1: cells are not divided by commas, but seem to be by {mark!r}",
            hint=f"name the delimiter: --delimiter {quoted(mark)}",
        )


def check_header(header: Sequence[str], line: int, text: str, source: str) -> None:
    """Raises DataError for a first line that is no header: no names, a row of data, a mark of Git's."""
    named = [name for name in header if not is_missing(name)]
    if CONFLICT.match(header[0]):
        raise DataError(
            f"{source}, line {line}: {shown(header[0])} is a mark of a merge conflict",
            hint="settle the conflict in the file",
        )
    if not named:
        raise DataError(
            f"{source}, line {line}: no column has a name", hint="the first line must name the columns"
        )
    if all(is_number(name) or is_time(name) for name in named):
        raise DataError(
            f"{source}, line {line}: {shown(text)} reads as a row of data, and the header is missing",
            hint="write a first line that names the columns",
        )


def quoted(mark: str) -> str:
    """A delimiter as a shell takes it."""
    return "$'\\t'" if mark == "\t" else f"'{mark}'"
