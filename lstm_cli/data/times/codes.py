"""Options of how times are read, and formats in codes of strptime as regular expressions over shapes of cells."""

import re
from dataclasses import dataclass
from functools import lru_cache

from lstm_cli.data.times.formats import INTEGERS, JOINT, TimeFormat
from lstm_cli.data.times.names import MONTH_NAME, WEEKDAY_NAME
from lstm_cli.errors import UsageError
from lstm_cli.wording import quote_value

ZONE = r"[Zz]| ?UTC| ?[+-]00(?::?00)?"
FLAG = "--time-format"
_ACCEPTED = "%Y %y %m %d %b %B %H %I %M %S %f %p %z %j %G %V %u %q %a %A %%"
# Group and regular expression of each code. A code of numbers has as many zeros as digits in a shape.
_CODES = {
    "Y": ("Y", "0000"),
    "y": ("y", "00"),
    "m": ("m", "00?"),
    "d": ("d", "00?"),
    "q": ("q", "0"),  # the quarter, which strptime does not have
    "b": ("b", MONTH_NAME),
    "B": ("b", MONTH_NAME),
    "H": ("H", "00?"),
    "I": ("H", "00?"),
    "M": ("M", "00?"),
    "S": ("S", "00?"),
    "f": ("f", "0{1,9}"),
    "p": ("half", "[AaPp][Mm]"),
    "P": ("half", "[AaPp][Mm]"),
    "z": ("zone", ZONE),
    "j": ("j", "0{1,3}"),
    "G": ("G", "0000"),
    "V": ("V", "00?"),
    "u": ("u", "0"),
    "a": ("a", WEEKDAY_NAME),
    "A": ("a", WEEKDAY_NAME),
}
_PIECE = re.compile(r"%[-^#]?(?P<code>.)|(?P<blank>\s+)|(?P<text>.)", re.DOTALL)
_NUMBERS = frozenset("YymdqHIMSfjGVu")
_FIXED = {"00?": "00", "0{1,3}": "000"}
_SAME = ({"m", "b"}, {"Y", "y"})  # groups of one part of a time
# What a code needs next to it, and what to write instead.
_NEEDS = (
    ("m", "yYG", "%m and %b need a year: add %Y or %y"),
    ("d", "m", "%d needs a month: add %m or %b"),
    ("H", "dj", "an hour needs a day: add %d"),
    ("M", "H", "%M needs an hour: add %H"),
    ("S", "M", "%S needs minutes: add %M"),
    ("f", "S", "%f needs seconds: add %S"),
    ("j", "yY", "%j needs a year: add %Y"),
    ("V", "G", "%V needs the year of the ISO week: use %G instead of %Y"),
    ("G", "V", "%G needs a week: add %V, or use %Y"),
    ("I", "p", "%I needs %p, or use %H for 24 hours"),
    ("p", "I", "%p needs %I instead of %H"),
)


@dataclass(frozen=True, kw_only=True)
class TimeOptions:
    """Options of how the text of a time column is read: those of the user, and the format of the run's data."""

    format: str | None = None  # codes of strptime, or INTEGERS; None: inferred
    day_first: bool | None = None  # order of 01/02/2020; None: inferred
    thousands: str | None = None  # mark between the digits of whole numbers
    named: bool = False  # the user named the column, so whole numbers that are no dates count steps
    clock_digits: int = 0  # of a time of day in a column of its own, without marks (0130); 0 if it has marks
    narrow_clock: bool = False  # such a time of day has no leading zeros (130)
    like: TimeFormat | None = None  # decides ambiguous times; None without a run

    @property
    def codes(self) -> str | None:
        """Return the codes of strptime; None if the format is inferred or the times are whole numbers."""
        return None if self.format == INTEGERS else self.format

    @property
    def is_integer(self) -> bool:
        """Return whether the times are whole numbers for certain."""
        if self.format is not None:
            return self.format == INTEGERS
        return self.like is not None and self.like.pattern == INTEGERS

    @property
    def codes_text(self) -> str:
        """Return the format as messages show it."""
        return (self.format or "").replace(JOINT, " ")


INFERRED = TimeOptions()


@lru_cache(maxsize=64)
def compile_codes(codes: str) -> re.Pattern[str]:
    """Return the regular expression of a format over shapes of cells; its groups are those of `patterns`.

    A blank also matches JOINT, which stands between two columns. A group `literal0` holds digits of the format itself
    (see `literal_digits`).

    Raises:
        UsageError: an unknown or repeated code, or codes that do not make a time.
    """
    pattern, seen, literals = "", set[str](), 0
    pieces = list(_PIECE.finditer(codes))
    for index, piece in enumerate(pieces):
        code, text = piece["code"], piece["text"]
        if code == "%":
            pattern += "%"
        elif code is not None:
            if code not in _CODES or (code == "q" and re.search("%[Yy]", codes) is None):
                raise _usage_error(codes, f"has the unknown code %{code}", f"use the codes {_ACCEPTED}")
            group, shape = _CODES[code]
            if any({group, _CODES[other][0]} in _SAME or group == _CODES[other][0] for other in seen):
                raise _usage_error(codes, f"has two codes of the same kind as %{code}", "use each code once")
            seen.add(code)
            if shape in _FIXED and _is_beside_number(pieces, index):
                shape = _FIXED[shape]  # numbers without anything between them have a fixed width
            pattern += f"(?P<{group}>{shape})"
        elif piece["blank"]:
            pattern += rf"[\s{JOINT}]+"
        elif text.isascii() and text.isdigit():
            pattern += f"(?P<literal{literals}>0)"
            literals += 1
        else:
            pattern += re.escape(text)
    _require_complete(codes, seen)
    return re.compile(pattern, re.IGNORECASE | re.ASCII)


def literal_digits(codes: str) -> list[int]:
    """Return the digits that a format holds itself, in order, such as the 0 of `%H:%M:%S.0`."""
    return [
        int(piece["text"]) for piece in _PIECE.finditer(codes) if (piece["text"] or "") in tuple("0123456789")
    ]


def _is_beside_number(pieces: list[re.Match[str]], index: int) -> bool:
    """Return whether the next or the last piece of a format is a number too."""
    near = [pieces[other]["code"] for other in (index - 1, index + 1) if 0 <= other < len(pieces)]
    return any(code in _NUMBERS for code in near if code)


def _require_complete(codes: str, seen: set[str]) -> None:
    """Raise UsageError unless the codes make a time: a year, and each part with the part above it."""
    groups = {_CODES[code][0] for code in seen} | {code.lower() if code in "pP" else code for code in seen}
    if groups & {"b", "q"}:
        groups |= {"m"}
    if "V" in groups:
        groups |= {"d", "m"}
    for part, needed, hint in _NEEDS:
        if part in groups and not groups & set(needed):
            raise _usage_error(codes, "is not a complete time", hint)
    if not groups & {"Y", "y", "G"}:
        raise _usage_error(codes, "has no year", "add %Y or %y")


def _usage_error(codes: str, problem: str, hint: str) -> UsageError:
    shown = codes.replace(JOINT, " ")
    return UsageError(f"{FLAG} {quote_value(shown)} {problem}", hint=hint, flag=FLAG)
