"""Text that is written or read in many places: the form of a number, and how many of something there are."""

import re

# A plain decimal, with or without an exponent. float() alone would take words, 1_000 and digits of other scripts.
NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_NUMBER = re.compile(NUMBER)


def is_number(text: str) -> bool:
    """Return whether a text is a plain decimal, blanks around it apart.

    >>> is_number(" 1e-3"), is_number("1_000"), is_number("nan")
    (True, False, False)
    """
    return _NUMBER.fullmatch(text.strip()) is not None
