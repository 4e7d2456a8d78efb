"""Settings as the TOML that `--config` reads: what `lstm config --toml` writes."""

import json
from collections.abc import Mapping
from typing import Any


def to_toml(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """A table a verb and a key a setting; a mapping in it becomes a table below it. What is unset is left out.

    >>> print(to_toml({"train": {"lr": 0.01, "parts": ["free"], "refit": None}}))
    [train]
    lr = 0.01
    parts = ["free"]
    <BLANKLINE>
    """
    lines: list[str] = []
    for name, settings in tables.items():
        below = {key: value for key, value in settings.items() if isinstance(value, Mapping)}
        _add_table(lines, name, {key: value for key, value in settings.items() if key not in below})
        for key, value in below.items():
            _add_table(lines, f"{name}.{key}", value)
    return "".join(f"{line}\n" for line in lines)


def _add_table(lines: list[str], name: str, settings: Mapping[str, Any]) -> None:
    if lines:
        lines.append("")
    lines.append(f"[{name}]")
    for key, value in settings.items():
        if value is not None and not (isinstance(value, list | tuple) and not value):
            lines.append(f"{key} = {_value(value)}")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)  # a float keeps its point or exponent, and so its digits
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(one) for one in value)}]"
    # JSON escapes what TOML escapes, but for one character.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
