"""Checks shared by the settings of all verbs, and their restoration from JSON."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from lstm_cli.config.renamed import with_new_names
from lstm_cli.errors import UsageError

Settings = TypeVar("Settings")


def restore_settings(kind: type[Settings], stored: Mapping[str, Any]) -> Settings:
    """Return settings from their JSON in a run. Raises TypeError for a value of a wrong type."""
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    values = with_new_names(values)
    for declared in fields(kind):  # type: ignore[arg-type]
        value = values.get(declared.name, ())
        # Release 0.1.0 stored one name, or null, where there can be several now.
        if isinstance(declared.default, tuple) and (value is None or isinstance(value, str)):
            values[declared.name] = () if value is None else (value,)
    return kind(**values)


def require_choice(flag: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise UsageError for a value that is not allowed.

    Args:
        flag: flag for the message.
        value: value to check.
        allowed: allowed values.
    """
    if value not in allowed:
        raise UsageError(f"{flag} '{value}' is invalid: use one of {', '.join(allowed)}", flag=flag)


def require_at_least(flag: str, value: Any, minimum: float) -> None:
    """Raise UsageError for a number below the minimum.

    Args:
        flag: flag for the message.
        value: number to check, or None, which is not checked.
        minimum: smallest allowed number.
    """
    if value is not None and not value >= minimum:
        raise UsageError(f"{flag} {value:g} is too small: it must be at least {minimum:g}", flag=flag)


def require_one_change(*, rollback: int | None, drop: int | None) -> None:
    """Raise UsageError for both options of `history`, or for a version below 1."""
    if rollback is not None and drop is not None:
        raise UsageError(
            "--rollback and --drop cannot be combined", hint="roll back first, then drop", flag="--drop"
        )
    require_at_least("--rollback", rollback, 1)
    require_at_least("--drop", drop, 1)
