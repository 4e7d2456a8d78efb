"""Migrations of `run.json` from older schemas, in memory only. The file is not rewritten.

    1  first schema
    2  each step also has the `sources` of its settings (null: not recorded)

Every later release must load the runs of earlier releases. A change of the format needs three things: a higher SCHEMA,
a migration from the previous schema here, and a golden run of the previous release in the tests.
"""

from collections.abc import Callable, Mapping
from typing import Any

SCHEMA = 2

Document = dict[str, Any]


def migrate(document: Document) -> Document:
    """Return the manifest in the current schema. Raise ValueError if its schema is missing or invalid."""
    version = document.get("schema")
    if type(version) is not int or not 1 <= version <= SCHEMA:
        raise ValueError("the schema is missing")
    for older in range(version, SCHEMA):
        document = MIGRATIONS[older](document) | {"schema": older + 1}
    return document


def _add_sources(document: Document) -> Document:
    """Migrate schema 1 to 2. Invalid steps are not changed, because the check of the manifest refuses them later."""
    steps = document.get("steps")
    if not isinstance(steps, dict):
        return document
    migrated = {
        name: {**entry, "sources": None} if isinstance(entry, dict) else entry
        for name, entry in steps.items()
    }
    return document | {"steps": migrated}


MIGRATIONS: Mapping[int, Callable[[Document], Document]] = {1: _add_sources}
