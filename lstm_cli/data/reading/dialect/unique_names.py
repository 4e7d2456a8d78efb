"""Unique names for the columns of a header that has a name twice or too few names, as `--names` takes them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from unicodedata import normalize

from lstm_cli.data.reading.dialect.header import names_option
from lstm_cli.errors import DataError

_MAX_NAMES = 30  # more names would make the hint unreadable


@contextmanager
def hint_at_unique_names(names: Sequence[str], header_line: int) -> Iterator[None]:
    """Give an error about duplicate names the option that replaces the header.

    Args:
        names: names of the columns in the header.
        header_line: line of the header; 0 if a file has no lines.
    """
    try:
        yield
    except DataError as error:
        if error.rule == "D208" and header_line and unique_names(names) != list(names):
            error.hint = (
                f"{error.hint}, or replace the header: {replace_header(unique_names(names), header_line)}"
            )
            error.flags = ("--names", "--skip-rows")
        raise


def replace_header(names: Sequence[str], header_line: int) -> str:
    """Return the options that name the columns in place of the header. header_line: line of the header."""
    if len(names) > _MAX_NAMES:
        return f"--names with a name for each of the {len(names)} columns, and --skip-rows {header_line}"
    return f"{names_option(names)} --skip-rows {header_line}"


def unique_names(names: Iterable[str]) -> list[str]:
    """Return names with a number after each duplicate.

    >>> unique_names(["date", "sales", "sales", "2022-01-04", "2022-01-04"])
    ['date', 'sales', 'sales2', '2022-01-04', '2022-01-04_2']
    """
    names = list(names)
    taken = set(map(_composed, names))
    seen: set[str] = set()
    unique = []
    for name in names:
        free, number = name, 1
        while _composed(free) in (seen if number == 1 else taken):
            number += 1
            free = f"{name}{'' if _composed(name)[-1:].isalpha() else '_'}{number}"
        seen.add(_composed(free))
        taken.add(_composed(free))
        unique.append(free)
    return unique


def _composed(name: str) -> str:
    return normalize("NFC", name)
