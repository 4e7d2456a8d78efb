"""Settings that were renamed since an earlier release."""

from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar("Value")

# Old name: new name. Flags, variables and files accept the old name for one more release; stored runs always do.
RENAMED = {"logs": "log_transform"}


def with_new_names(stored: Mapping[str, Value]) -> dict[str, Value]:
    """Return the stored settings of a run under their current names.

    >>> with_new_names({"logs": "on", "lr": 0.01})
    {'log_transform': 'on', 'lr': 0.01}
    """
    return {RENAMED.get(name, name): value for name, value in stored.items()}


def renamed_note(old: str, new: str) -> str:
    """Return the note for an old name that still works."""
    return f"{old} is now {new} (the old name works only in this release)"
