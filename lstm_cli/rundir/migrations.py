"""Format versions of `run.json`: an older one is brought up to date in memory, step by step; nothing is rewritten.

    1  the first
    2  each step also says where its settings came from (`sources`); null: not recorded

A run that one release has made loads in every later one: whoever changes the format raises SCHEMA, adds a function
here that makes a manifest of the version before into one of it, and keeps a run of the release before as a golden one
in the tests.
"""

from collections.abc import Callable, Mapping
from typing import Any

SCHEMA = 2

Document = dict[str, Any]


def migrate(document: Document) -> Document:
    """A manifest of this version, from one of any version up to it. Raises ValueError for what has no version."""
    version = document.get("schema")
    if type(version) is not int or not 1 <= version <= SCHEMA:
        raise ValueError("it has no schema")
    for older in range(version, SCHEMA):
        document = MIGRATIONS[older](document) | {"schema": older + 1}
    return document


def _without_sources(document: Document) -> Document:
    """1 to 2. What is no step is left as it is: it is refused where all is checked."""
    steps = document.get("steps")
    if not isinstance(steps, dict):
        return document
    told = {
        name: {**entry, "sources": None} if isinstance(entry, dict) else entry
        for name, entry in steps.items()
    }
    return document | {"steps": told}


MIGRATIONS: Mapping[int, Callable[[Document], Document]] = {1: _without_sources}
