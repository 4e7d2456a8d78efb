"""Parsers from the text of a flag to its value, and back. Each UsageError names the flag."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_cli.errors import UsageError
from lstm_cli.wording import is_number

if TYPE_CHECKING:
    from lstm_cli.config.predict import Shard

INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)  # int() would also accept 1_000 and digits of other scripts
SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([KMGkmg]?)(i?)[Bb]?", re.ASCII)
DURATIONS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}  # seconds by unit
DIGITS = re.compile(r"[+-]?\d+", re.ASCII)


def whole_number(flag: str, text: str) -> int:
    """Return an integer.

    >>> whole_number("--horizon", "24")
    24
    """
    if not INTEGER.fullmatch(text.strip()):
        _refuse_large(flag, text)
        raise UsageError(f"{flag} '{text}' is not a whole number", hint=f"write it like {flag} 24", flag=flag)
    return int(text)


def _refuse_large(flag: str, *texts: str) -> None:
    """Raise UsageError for a whole number with more than 18 digits, which may not fit in 64 bits."""
    for text in map(str.strip, texts):
        if DIGITS.fullmatch(text) and not INTEGER.fullmatch(text):
            shown = text if len(text) <= 40 else f"{text[:40]}…"
            raise UsageError(
                f"{flag} {shown} is out of range: a whole number has at most 18 digits",
                hint=f"write it like {flag} 24",
                flag=flag,
            )


def run_path(flag: str, text: str) -> Path:
    """Return the path of a run directory."""
    if not text:  # e.g. an unset shell variable in quotes, which Path would read as the current directory
        raise UsageError(f"{flag} is empty", hint="give the path of a run directory, such as runs/load")
    return Path(text)


def finite_number(flag: str, text: str) -> float:
    """Return a finite number.

    >>> finite_number("--lr", "1e-3")
    0.001
    """
    value = float(text) if is_number(text) else float("inf")
    if abs(value) == float("inf"):
        raise UsageError(f"{flag} '{text}' is not a number", hint=f"write it like {flag} 0.5", flag=flag)
    return value


def fraction(flag: str, text: str) -> float:
    """Return a fraction, written as a percentage or as a number below 1.

    Without a % sign, a number of 1 or more raises UsageError, because `1` could mean 1 % or 100 %.

    >>> fraction("--max-loss", "1%"), fraction("--max-loss", "0.01")
    (0.01, 0.01)
    """
    figure = text.strip().removesuffix("%").rstrip()
    if not is_number(figure):
        raise UsageError(
            f"{flag} '{text}' is not a fraction", hint=f"write it like {flag} 1% or {flag} 0.01", flag=flag
        )
    value = finite_number(flag, figure)
    if "%" in text:
        return value / 100
    if value >= 1:
        raise UsageError(
            f"{flag} '{text}' is ambiguous (a number of 1 or more needs a % sign)",
            hint=f"write {flag} {value:g}% for {value:g} %, or a number below 1, such as {flag} 0.01",
            flag=flag,
        )
    return value


def sizes(flag: str, text: str) -> tuple[int, ...]:
    """Return comma-separated integers.

    >>> sizes("--hidden", "64,32")
    (64, 32)
    """
    parts = text.split(",")
    if not all(INTEGER.fullmatch(part.strip()) for part in parts):
        _refuse_large(flag, *parts)
        raise UsageError(
            f"{flag} '{text}' is not a list of whole numbers", hint=f"write it like {flag} 64,32", flag=flag
        )
    return tuple(int(part) for part in parts)


def probabilities(flag: str, text: str) -> tuple[float, ...]:
    """Return comma-separated probabilities, each written as a number or as a percentage.

    >>> probabilities("--quantiles", "0.1,0.5,97.5%")
    (0.1, 0.5, 0.975)
    """
    return tuple(
        float(figure) / 100 if "%" in part else float(figure)
        for part, figure in _figures(flag, text, "0.1,0.5,0.9")
    )


def levels(flag: str, text: str) -> tuple[float, ...]:
    """Return comma-separated percentages. Without a % sign, 0.9 raises UsageError, because it could mean 90 %.

    >>> levels("--level", "90"), levels("--level", "80, 99.5%")
    ((90.0,), (80.0, 99.5))
    """
    pairs = _figures(flag, text, "90")
    for part, figure in pairs:
        if "%" not in part and 0 < float(figure) < 1:
            raise UsageError(
                f"{flag} '{part.strip()}' is ambiguous (a level is a percentage)",
                hint=f"write {flag} {100 * float(figure):g}, or {flag} {figure.strip()}% if you mean less than 1 %",
                flag=flag,
            )
    return tuple(float(figure) for _, figure in pairs)


def _figures(flag: str, text: str, example: str) -> list[tuple[str, str]]:
    """Return each part of a comma-separated list of numbers, as it is and without its % sign.

    Args:
        flag: flag for the message.
        text: text to split.
        example: valid value for the hint.
    """
    pairs = [(part, part.strip().removesuffix("%").rstrip()) for part in text.split(",")]
    for _, figure in pairs:
        if not is_number(figure):
            raise UsageError(
                f"{flag} '{text}' is not a list of numbers",
                hint=f"write it like {flag} {example}",
                flag=flag,
            )
    return pairs


def whole_number_or_auto(flag: str, text: str) -> int | None:
    """Return an integer; None for `auto`."""
    if text.strip() == "auto":
        return None
    if not INTEGER.fullmatch(text.strip()):
        _refuse_large(flag, text)
        raise UsageError(
            f"{flag} '{text}' is not a whole number or auto",
            hint=f"write {flag} 96 or {flag} auto",
            flag=flag,
        )
    return int(text)


def batch_size(flag: str, text: str) -> int | str:
    """Return a number of windows, or the word `auto`."""
    size = whole_number_or_auto(flag, text)
    return "auto" if size is None else size


def seasons(flag: str, text: str) -> tuple[int, ...] | str:
    """Return comma-separated season lengths in steps, or the word `auto` or `none`.

    >>> seasons("--season", "24,168"), seasons("--season", "none")
    ((24, 168), 'none')
    """
    if text.strip() in ("auto", "none"):
        return text.strip()
    parts = text.split(",")
    if not all(INTEGER.fullmatch(part.strip()) for part in parts):
        _refuse_large(flag, *parts)
        raise UsageError(
            f"{flag} '{text}' is not a list of whole numbers, auto or none",
            hint=f"write {flag} 24, {flag} 24,168, {flag} auto or {flag} none",
            flag=flag,
        )
    return tuple(int(part) for part in parts)


def lower_bound(flag: str, text: str) -> float | str:
    """Return a number, or the word `auto` or `none`."""
    if text.strip() in ("auto", "none"):
        return text.strip()
    if not is_number(text):
        raise UsageError(
            f"{flag} '{text}' is not a number, auto or none",
            hint=f"write {flag} 0, {flag} auto or {flag} none",
            flag=flag,
        )
    return finite_number(flag, text)


def upper_bound(flag: str, text: str) -> float | None:
    """Return a number; None for `none`."""
    if text.strip() == "none":
        return None
    if not is_number(text):
        raise UsageError(
            f"{flag} '{text}' is not a number or none",
            hint=f"write {flag} 100 or {flag} none",
            flag=flag,
        )
    return finite_number(flag, text)


def seconds(flag: str, text: str) -> float:
    """Return a number of seconds of at least 0."""
    if not is_number(text) or finite_number(flag, text) < 0:
        raise UsageError(
            f"{flag} '{text}' is not a number of seconds", hint=f"write it like {flag} 60", flag=flag
        )
    return finite_number(flag, text)


def duration(flag: str, text: str) -> float:
    """Return a duration in seconds, from milliseconds, seconds, minutes or hours.

    >>> duration("--time", "90"), duration("--time", "1.5h"), duration("--timeout", "500ms")
    (90.0, 5400.0, 0.5)
    """
    figure = text.strip()
    name = next((name for name in DURATIONS if figure.endswith(name)), "")
    figure = figure.removesuffix(name).rstrip()
    if not is_number(figure):
        raise UsageError(
            f"{flag} '{text}' is not a duration",
            hint=f"write it like {flag} 90, {flag} 10m or {flag} 2h",
            flag=flag,
        )
    return finite_number(flag, figure) * DURATIONS.get(name, 1)


def interval(flag: str, text: str) -> float:
    """Return a duration in seconds; 0 for `off`."""
    if text.strip() == "off":
        return 0.0
    try:
        return duration(flag, text)
    except UsageError as error:
        error.hint = f"write it like {flag} 500ms, {flag} 5s or {flag} off"
        raise


def byte_size(flag: str, text: str) -> int:
    """Return a number of bytes, from bytes, KiB, MiB or GiB.

    >>> byte_size("--max-body", "16MiB"), byte_size("--max-body", "500 kB"), byte_size("--max-body", "1024")
    (16777216, 500000, 1024)
    """
    match = SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"{flag} '{text}' is not a size",
            hint=f"write it like {flag} 16MiB, {flag} 500kB or {flag} 1048576",
            flag=flag,
        )
    figure, prefix, binary = match.groups()
    return int(float(figure) * (1024 if binary else 1000) ** " KMG".index(prefix.upper() or " "))


def column_names(flag: str, text: str) -> tuple[str, ...]:
    """Return the names in a header line of CSV; a name with a comma stands in double quotes.

    >>> column_names("--names", 'time,"load, kW",temp')
    ('time', 'load, kW', 'temp')
    """
    import csv  # imported late, because few commands need it

    try:
        rows = list(csv.reader([text], skipinitialspace=True, strict=True))
    except csv.Error:
        rows = []
    names = tuple(name.strip() for name in rows[0]) if len(rows) == 1 else ()
    if not all(names) or not names:
        raise UsageError(
            f"{flag} '{text}' is not a list of names", hint=f"write it like {flag} date,load,temp", flag=flag
        )
    return names


def shard(flag: str, text: str) -> "Shard":
    """Return one slice of several, written N/M.

    >>> str(shard("--shard", "3/16"))
    '3/16'
    """
    from lstm_cli.config.predict import Shard  # imported late, because few commands need it

    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text.strip(), re.ASCII)
    if match is None:
        raise UsageError(
            f"{flag} '{text}' is not a slice N/M", hint=f"write {flag} 3/16 for the third of 16", flag=flag
        )
    number, count = map(int, match.groups())
    if not 1 <= number <= count:
        raise UsageError(
            f"{flag} {text.strip()} is out of range: the slices are 1/{count} to {count}/{count}"
            if count
            else f"{flag} {text.strip()} is out of range: there must be at least one slice",
            hint=f"write {flag} 3/16 for the third of 16",
            flag=flag,
        )
    return Shard(number=number, count=count)


# Keys are the kinds in config/*.py.
READERS: Mapping[str, Callable[[str, str], Any]] = {
    "whole": whole_number,
    "number": finite_number,
    "share": fraction,
    "sizes": sizes,
    "probabilities": probabilities,
    "levels": levels,
    "whole or auto": whole_number_or_auto,
    "batch": batch_size,
    "seasons": seasons,
    "lower bound": lower_bound,
    "upper bound": upper_bound,
    "duration": duration,
    "interval": interval,
    "size": byte_size,
    "names": column_names,
    "shard": shard,
}


def value_text(value: Any) -> str:
    """Return a value as display text; a mapping or a list is separated by commas.

    >>> value_text(True), value_text((64, 32)), value_text(0.01), value_text(None)
    ('on', '64, 32', '0.01', 'unset')
    """
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, dict):
        return ", ".join(f"{name}={value_text(item)}" for name, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(value_text(item) for item in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
