"""Settings that had another name in an earlier release."""

from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar("Value")

# Old name: name. A command line, the environment and a file may use the old one for one release more; runs for ever.
RENAMED = {"logs": "log_transform"}


def with_new_names(stored: Mapping[str, Value]) -> dict[str, Value]:
    """Return settings that a run keeps, by the names that they have now.

    >>> by_new_names({"logs": "on", "lr": 0.01})
    {'log_transform': 'on', 'lr': 0.01}
    """
    return {RENAMED.get(name, name): value for name, value in stored.items()}


def renamed_note(old: str, new: str) -> str:
    """Return the note on an old name that still works."""
    return f"{old} is now {new}; the old name works for this release only"
