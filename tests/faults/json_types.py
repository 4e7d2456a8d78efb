"""Changes of the type of each value in the JSON of a run, with valid checksums: as if somebody had edited the run."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from golden_run import forge

from lstm_cli.rundir import manifest
from lstm_cli.rundir.manifest.migrations import SCHEMA

MANIFEST = Path("run.json")
# One value of each type of JSON, and values that are of a valid type, but out of range.
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**62,
    10**30,
    1.5,
    1e300,
    "",
    "x",
    "9" * 20,
    [],
    [None],
    [1],
    [[1.5]],
    ["x"],
    {},
    {"x": 1},
)
ITEMS = 3  # items of a list of numbers that are changed; the others are of the same kind

Place = tuple[str | int, ...]


def json_files(run: Path) -> list[Path]:
    """Return the JSON files of a run, relative to it."""
    files = [*run.glob("*/*/*.json"), *run.glob("*/*/*.jsonl")]
    return [MANIFEST, *sorted(path.relative_to(run) for path in files)]


def read_values(run: Path, file: Path) -> Any:
    """Return the content of a JSON file; of a file with one value a line, the list of values."""
    data = (run / file).read_bytes()
    if file == MANIFEST:
        return manifest.decode_manifest(data, run)
    return [json.loads(line) for line in data.splitlines()] if file.suffix == ".jsonl" else json.loads(data)


def places(value: Any, here: Place = ()) -> Iterator[Place]:
    """Yield the place of each value, also of lists and objects."""
    yield here
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*here, key))
    elif isinstance(value, list):
        for index, item in enumerate(value[:ITEMS]):
            yield from places(item, (*here, index))


def is_other_type(old: Any, new: Any) -> bool:
    """Return whether a replacement says something else: another type, or another range."""
    return type(old) is not type(new) or (old != new and not isinstance(new, str))


def replaced(document: Any, place: Place, new: Any) -> Any:
    """Return a copy of a document with another value at a place."""
    if not place:
        return new
    document = copy.deepcopy(document)
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = new
    return document


def value_at(document: Any, place: Place) -> Any:
    for key in place:
        document = document[key]
    return document


def write_values(run: Path, file: Path, document: Any) -> None:
    """Write a JSON file again, with valid checksums."""
    if file == MANIFEST:
        whole = {"format": manifest.FORMAT, "schema": SCHEMA, "steps": document}
        (run / MANIFEST).write_bytes(manifest.with_checksum(whole, path=MANIFEST))
        return
    lines = document if file.suffix == ".jsonl" and isinstance(document, list) else [document]
    forge(run, file, "\n".join(json.dumps(line) for line in lines).encode() + b"\n")
