"""Settings as arguments of a command: the reverse of reading a command line."""

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from lstm_cli.config.layers import flag_name


def arguments(kind: type, values: Mapping[str, Any], *, left_out: Collection[str] = ()) -> list[str]:
    """Return the flags of the settings that differ from their defaults.

    Args:
        kind: dataclass of the settings.
        values: value of each setting by name, as JSON stores it.
        left_out: names of settings without a flag.

    Raises:
        TypeError: a value has a type that no option has, because the file was edited.
    """
    words: list[str] = []
    for field in fields(kind):
        if field.name in values and field.name not in left_out:
            words += _flags(field, values[field.name])
    return words


def _flags(field: "Field[Any]", value: Any) -> Iterator[str]:
    value = tuple(value) if isinstance(value, list) else value
    default = field.default if field.default is not MISSING else None
    if value == default:
        return
    declared = field.metadata["flag"] or flag_name(field.name)
    on, _, off = declared.partition("/")
    flag = on.split()[-1]
    if isinstance(value, bool):
        yield flag if value else off or f"--no-{flag.removeprefix('--')}"
        return
    repeated = isinstance(default, tuple) and field.metadata["kind"] is None
    for item in (value or ()) if repeated else (value,):  # release 0.1.0 stored None for none
        text = _text(field.metadata["kind"], item)
        # A value that begins with a dash would be read as a flag.
        yield from (f"{flag}={text}",) if text.startswith("-") else (flag, text)


def _text(kind: str | None, value: Any) -> str:
    """Return the text of a value, which the parser of its kind (`option_values.py`) reads as the same value."""
    if value is None:
        return {"whole or auto": "auto", "upper bound": "none"}.get(kind or "", "0")
    if kind == "names":
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(value)
        return text.getvalue()
    if isinstance(value, tuple):
        return ",".join(_text(None, item) for item in value)
    if type(value) not in (str, int, float):
        raise TypeError(f"a setting is {type(value).__name__}")
    if kind == "share" and value >= 1:
        return f"{100 * value!r}%"
    return str(value)
