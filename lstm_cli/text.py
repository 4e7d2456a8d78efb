"""Text that is written or read in many places: how many there are, the form of a number, the name that was meant."""

import re
from collections.abc import Callable, Iterable

# A plain decimal, with or without an exponent. float() alone would take words, 1_000 and digits of other scripts.
NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_NUMBER = re.compile(NUMBER)


def is_number(text: str) -> bool:
    """Return whether a text is a plain decimal, blanks around it apart.

    >>> is_number(" 1e-3"), is_number("1_000"), is_number("nan")
    (True, False, False)
    """
    return _NUMBER.fullmatch(text.strip()) is not None


def count_noun(number: int, one: str, many: str | None = None) -> str:
    """Return a number and its noun. many: the plural where an s is not enough.

    >>> count_of(1, "row"), count_of(1200, "row"), count_of(2, "series", "series")
    ('1 row', '1,200 rows', '2 series')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def nearest_name(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return the known name most like this one; "" where none is. cutoff: how like, from 0 to 1."""
    from difflib import get_close_matches  # only where something is wrong

    return next(iter(get_close_matches(name, list(known), n=1, cutoff=cutoff)), "")


def did_you_mean(name: str, known: Iterable[str], *, quoted: Callable[[str], str] = "'{}'".format) -> str:
    """Return the hint that names the known name most like this one; "" where none is.

    >>> did_you_mean("epoch", ["epochs", "lr"])
    "did you mean 'epochs'?"
    """
    near = nearest_name(name, known)
    return f"did you mean {quoted(near)}?" if near else ""
