"""Format of a whole time column, from the shapes of its cells."""

import re

from lstm_cli.data.times.codes import literal_digits
from lstm_cli.data.times.formats import TimeFormat
from lstm_cli.data.times.names import style_of_names
from lstm_cli.data.times.patterns import DATE_PARTS, match_shape


def column_format(
    shapes: dict[str, tuple[int, int]],
    offsets: tuple[int, ...],
    padded: frozenset[str],
    day_first: bool,
    codes: str | None,
) -> TimeFormat:
    """Return the format that writes times as the column has them.

    Args:
        shapes: first line and count of each shape.
        offsets: distinct offsets in minutes.
        padded: date parts with a leading zero in some cell.
        day_first: the first number of a date is the day.
        codes: format in codes of strptime; None if it was inferred.
    """
    matches = {shape: parsed[1] for shape in shapes if (parsed := match_shape(shape, codes))}
    texts: dict[str, list[str]] = {}  # texts of each group in all shapes
    for match in matches.values():
        for name, text in match.groupdict().items():
            if text:
                texts.setdefault(name, []).append(text)
    narrow = {name for name, found in texts.items() if "0" in found or (name == "j" and "00" in found)}
    if narrow & DATE_PARTS:
        narrow |= DATE_PARTS - padded  # 1/30/2020 does not show whether the 9th would have a zero
    names = {"a": "d" if day_first else "m", "b": "m" if day_first else "d"}
    tokens = {name: _token(name, names.get(name, name), found, narrow) for name, found in texts.items()}
    tokens |= {f"literal{index}": str(digit) for index, digit in enumerate(literal_digits(codes or ""))}
    several = len(offsets) > 1
    zone = next(iter(texts.get("zone", ())), "").replace("z", "Z").replace("-", "+")
    return TimeFormat(
        pattern=_pattern(max(matches.values(), key=_fineness), tokens),
        digits=max(map(len, texts.get("f", ("",)))),
        zone="Z" if several else zone,
        offset=0 if several else next(iter(offsets), 0),
    )


def _fineness(match: re.Match[str]) -> tuple[bool, bool]:
    groups = match.groupdict()
    return bool(groups.get("S")), bool(groups.get("H"))


def _token(group: str, letter: str, texts: list[str], narrow: set[str]) -> str:
    """Return the code that writes a group.

    Args:
        group: name of the group.
        letter: letter of its code, if its texts are numbers.
        texts: texts of the group in all shapes.
        narrow: groups without leading zeros.
    """
    if group in ("a", "b") and texts[0].isalpha():
        return style_of_names(group, texts)
    if group == "half":
        return "%p" if texts[0].isupper() else "%P"
    return f"%{'-' * (group in narrow and group not in ('q', 'u'))}{'z' if group == 'zone' else letter}"


def _pattern(match: re.Match[str], tokens: dict[str, str]) -> str:
    """Return the pattern that a match shows; `tokens` holds the code of each group."""
    groups = {name: text for name, text in match.groupdict().items() if text}
    pattern, end, last = "", 0, ""
    for (start, stop), name in sorted((match.span(name), name) for name in groups):
        literal = match.string[end:start].replace("%", "%%")
        end = stop
        if name == "f" and (last, literal) == ("S", "."):
            continue  # `digits` covers the fraction and the dot before it
        token = "%I" if name == "H" and "half" in groups else tokens[name]
        token = "%-I" if token == "%I" and tokens[name] == "%-H" else token
        pattern += literal + token
        last = name
    tail = match.string[end:].replace("%", "%%")
    return pattern.removesuffix("%z") if not tail else pattern + tail  # `zone` covers an offset at the end
