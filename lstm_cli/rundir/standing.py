"""Whether what a step made still stands: made by this release from the same bytes and settings, and all of it whole."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lstm_cli import __version__
from lstm_cli.errors import ArtifactError
from lstm_cli.rundir import manifest, staleness
from lstm_cli.rundir.artifacts import ARTIFACTS
from lstm_cli.rundir.reading import Run


def stands(
    run: Run,
    step: str,
    *,
    config: Mapping[str, Any],
    ignoring: Iterable[str] = (),
    sources: Mapping[str, str] | None = None,
) -> bool:
    """Whether running `step` again could only make once more what is there.

    config: its settings now; ignoring: those that do not change what it makes. sources: by their names in `run.json`
    the paths of its input that is no artifact of the run. Every file that it read and wrote is checked.
    """
    entry = run.steps.get(step)
    if entry is None or entry["versions"].get("lstm-cli") != __version__:
        return False
    if _settled(entry["config"], ignoring) != _settled(config, ignoring):
        return False
    if not (entry["read"] and entry["wrote"]):
        return False
    read = {name: fact for name, fact in entry["read"].items() if name in ARTIFACTS}
    outside = {name: fact for name, fact in entry["read"].items() if name not in ARTIFACTS}
    given = sources or {}
    if given.keys() != outside.keys() or not all(_same(given[name], outside[name]) for name in given):
        return False
    if any(staleness.differs(run, name, fact) for name, fact in read.items()):
        return False
    found = [name for name, fact in read.items() if not staleness.was_absent(fact)]
    try:
        for name in (*found, *entry["wrote"]):
            run.artifact(name).verify()
    except ArtifactError:  # the step makes it anew, or meets the damage itself
        return False
    return True


def _same(path: str, fact: Mapping[str, Any]) -> bool:
    """Whether an ordinary file has the size and the sha256 that were noted; it is read where the size is the same."""
    try:
        if not Path(path).is_file() or Path(path).stat().st_size != fact["size"]:
            return False
        with Path(path).open("rb", buffering=0) as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == fact["sha256"]
    except OSError:  # told by who reads it
        return False


def _settled(config: Mapping[str, Any], ignoring: Iterable[str]) -> Any:
    """The settings as JSON has them."""
    left_out = set(ignoring)
    told = {name: value for name, value in config.items() if name not in left_out}
    return manifest.from_json(manifest.to_json(told, path="settings"))
