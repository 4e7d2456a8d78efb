"""What the settings of all verbs have in common: rules about a value, and the way back from JSON."""

from collections.abc import Mapping
from typing import Any, TypeVar

from lstm_cli.config.renamed import with_new_names
from lstm_cli.errors import UsageError

Settings = TypeVar("Settings")


def restore_settings(kind: type[Settings], stored: Mapping[str, Any]) -> Settings:
    """Return settings from the JSON that a run keeps of them."""
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    return kind(**with_new_names(values))


def require_choice(flag: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raises UsageError for a value that is not allowed."""
    if value not in allowed:
        raise UsageError(f"{flag} '{value}' is none of {', '.join(allowed)}", flag=flag)


def require_at_least(flag: str, value: Any, least: float) -> None:
    """Raises UsageError for a number below the least; None is left alone."""
    if value is not None and not value >= least:
        raise UsageError(f"{flag} {value:g} is not {least:g} or more", flag=flag)


def require_one_character(delimiter: str | None) -> None:
    """Raises UsageError for a --delimiter that is not one character; None is left alone."""
    if delimiter is not None and len(delimiter) != 1:
        raise UsageError(
            f"--delimiter '{delimiter}' is not one character",
            hint="e.g. ';', and $'\\t' for a tab",
            flag="--delimiter",
        )
