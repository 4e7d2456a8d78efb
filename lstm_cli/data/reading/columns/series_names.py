"""Names of series that several columns tell apart: the values of the columns, joined by a slash."""

import re
from collections.abc import Sequence

from lstm_cli.data.locations import CellLocation, quote_names
from lstm_cli.findings import Finding
from lstm_cli.wording import count_noun

_PART = re.compile(r'(?:^|/)("(?:[^"]|"")*"|[^/"]*)')


def join_name(values: Sequence[str]) -> str:
    """Return the name of a series from its value in each series column. One value is the name itself.

    >>> join_name(["3", "7"]), join_name(["a/b", "7"])
    ('3/7', '"a/b"/7')
    """
    return values[0] if len(values) == 1 else "/".join(map(_quote, values))


def split_name(name: str, columns: int) -> list[str]:
    """Return the value of each series column in a name; the inverse of `join_name`.

    >>> split_name('"a/b"/7', 2)
    ['a/b', '7']
    """
    if columns == 1:
        return [name]
    return [_unquote(part) for part in _PART.findall(name)]


def split_names(names: Sequence[str], columns: int) -> list[list[str]]:
    """Return the values [n] of each series column in names [n]."""
    if columns == 1:
        return [list(names)]
    parts = [split_name(name, columns) for name in names]
    return [[values[column] for values in parts] for column in range(columns)]


def find_incomplete_names(source: str, columns: Sequence[str], names: Sequence[str]) -> list[Finding]:
    """Return a finding if a series has no value in one of its series columns.

    Args:
        source: name of the file, for messages.
        columns: series columns.
        names: names of all series.
    """
    if len(columns) < 2:
        return []
    for column, values in zip(columns, split_names(names, len(columns)), strict=True):
        incomplete = [name for name, value in zip(names, values, strict=True) if not value]
        if incomplete:
            return [
                Finding.at(
                    CellLocation(source=source, column=column).column_text,
                    "D220",
                    f"{count_noun(len(incomplete), 'series', 'series')} without a value in this column: "
                    f"{quote_names(incomplete)}. A missing value counts as a value of its own "
                    "(use --series to choose other columns)",
                    count=len(incomplete),
                    flags=("--series",),
                )
            ]
    return []


def _quote(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if "/" in value or '"' in value else value


def _unquote(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part
