"""English names of months and weekdays in times: their patterns, and the style in which a file writes them.

A style is a code of `TimeFormat.pattern`: `%B` January, `%b` Jan, `%^b` JAN, `%#b` jan; `%A` and `%a` for weekdays.
"""

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Regular expressions. Match them without regard to case.
MONTH_NAME = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
WEEKDAY_NAME = (
    "mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?"
    "|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
)
_NAMES = {"b": MONTHS, "a": WEEKDAYS}
_SHORT = 3  # letters of a short name


def number_of_name(letter: str, name: str) -> int:
    """Return the number of a name from 1.

    Args:
        letter: "b" for a month, "a" for a weekday.
        name: short or full name, in any case.
    """
    start = name[:_SHORT].lower()
    return next(number for number, full in enumerate(_NAMES[letter], start=1) if full.lower()[:3] == start)


def style_of_names(letter: str, texts: list[str]) -> str:
    """Return the code that writes names in the style of `texts`, such as `%b` or `%^B`.

    Args:
        letter: "b" for months, "a" for weekdays.
        texts: names of one column.
    """
    is_full = any(
        text.lower() in (full.lower() for full in _NAMES[letter] if len(full) > 3) for text in texts
    )
    case = "^" if texts[0].isupper() else "#" if texts[0].islower() else ""
    return f"%{case}{letter.upper() if is_full else letter}"


def write_name(code: str, number: int) -> str:
    """Return a name as a code such as `%^b` writes it; `number` counts from 1."""
    letter = code[-1]
    name = _NAMES[letter.lower()][number - 1]
    name = name if letter.isupper() else name[:_SHORT]
    return name.upper() if "^" in code else name.lower() if "#" in code else name
