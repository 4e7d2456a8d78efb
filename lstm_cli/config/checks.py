"""What the settings of all verbs have in common: rules about a value, and the way back from JSON."""

from collections.abc import Mapping
from typing import Any, TypeVar

from lstm_cli.errors import UsageError

Settings = TypeVar("Settings")


def restored(kind: type[Settings], stored: Mapping[str, Any]) -> Settings:
    """Settings from the JSON that a run keeps of them."""
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    return kind(**values)


def one_of(flag: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"{flag} '{value}' is none of {', '.join(allowed)}")


def at_least(flag: str, value: Any, least: float) -> None:
    if value is not None and not value >= least:
        raise UsageError(f"{flag} {value:g} is not {least:g} or more")
