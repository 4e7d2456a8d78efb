"""Text functions: numbers with nouns, the format of numbers, and suggestions for misspelled names."""

import re
from collections.abc import Callable, Iterable

# Plain decimal, with or without an exponent. float() also accepts words, 1_000 and digits of other scripts.
NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_NUMBER = re.compile(NUMBER)


def is_number(text: str) -> bool:
    """Return whether a text is a plain decimal number, ignoring blanks around it.

    >>> is_number(" 1e-3"), is_number("1_000"), is_number("nan")
    (True, False, False)
    """
    return _NUMBER.fullmatch(text.strip()) is not None


def count_noun(number: int, singular: str, plural: str | None = None) -> str:
    """Return a number and its noun.

    Args:
        number: Number, written with thousands separators.
        singular: Noun for the number 1.
        plural: Noun for other numbers; by default the singular and an s.

    >>> count_noun(1, "row"), count_noun(1200, "row"), count_noun(2, "series", "series")
    ('1 row', '1,200 rows', '2 series')
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def short_number(value: float) -> str:
    """Return a number with three significant digits, or as a whole number from 1,000 on.

    >>> short_number(0.012345), short_number(4.2), short_number(12345.6)
    ('0.0123', '4.2', '12,346')
    """
    return f"{value:,.0f}" if 999.5 <= abs(value) < 1e15 else f"{value:.3g}"


def quote_value(text: str) -> str:
    """Return a text in quotes that a shell reads as the same text: single quotes, if it has none itself.

    >>> print(quote_value("%d %m %Y"), quote_value("'%Y'"))
    '%d %m %Y' "'%Y'"
    """
    if "'" not in text:
        return f"'{text}'"
    if not set(text) & set('"$`\\!'):
        return f'"{text}"'
    return "'" + text.replace("'", "'\"'\"'") + "'"


def nearest_name(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return the known name that is most similar to a name.

    Args:
        name: Misspelled name.
        known: Valid names.
        cutoff: Minimum similarity, from 0 to 1.

    Returns:
        The most similar name; "" if no name is similar enough.
    """
    from difflib import get_close_matches  # imported late, because it is only needed for errors

    return next(iter(get_close_matches(name, list(known), n=1, cutoff=cutoff)), "")


def did_you_mean(name: str, known: Iterable[str], *, quoted: Callable[[str], str] = "'{}'".format) -> str:
    """Return a hint with the most similar known name.

    Args:
        name: Misspelled name.
        known: Valid names.
        quoted: Function that quotes the known name.

    Returns:
        The hint; "" if no name is similar enough.

    >>> did_you_mean("epoch", ["epochs", "lr"])
    "did you mean 'epochs'?"
    """
    near = nearest_name(name, known)
    return f"did you mean {quoted(near)}?" if near else ""
