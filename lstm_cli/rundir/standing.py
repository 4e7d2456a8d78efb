"""Whether what a step made still stands: made by this release from the same bytes and settings, and all of it whole."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from lstm_cli import __version__
from lstm_cli.errors import ArtifactError
from lstm_cli.rundir import manifest
from lstm_cli.rundir.artifacts import ARTIFACTS, CHECKPOINT
from lstm_cli.rundir.reading import Run


def stands(
    run: Run,
    step: str,
    *,
    config: Mapping[str, Any],
    ignoring: Iterable[str] = (),
    source: Mapping[str, Any] | None = None,
) -> bool:
    """Whether running `step` again could only make once more what is there.

    config: its settings now; ignoring: those that do not change what it makes. source: size and sha256 of its input
    that is no artifact of the run, of which there must be one where one is given. Every file that it read and wrote
    is checked; nothing stands while a training is in progress that it would go on with.
    """
    entry = run.steps.get(step)
    if entry is None or entry["versions"].get("lstm-cli") != __version__:
        return False
    if _settled(entry["config"], ignoring) != _settled(config, ignoring):
        return False
    if source != entry["read"].get("source") or not (entry["read"] and entry["wrote"]):
        return False
    if step == "train" and os.path.lexists(run.path / CHECKPOINT):
        return False
    read = [name for name in entry["read"] if name in ARTIFACTS]
    if any(run.digest(name) != entry["read"][name]["sha256"] for name in read):
        return False
    try:
        for name in (*read, *entry["wrote"]):
            run.artifact(name).verify()
    except ArtifactError:  # the step makes it anew, or meets the damage itself
        return False
    return True


def _settled(config: Mapping[str, Any], ignoring: Iterable[str]) -> Any:
    """The settings as JSON has them."""
    left_out = set(ignoring)
    told = {name: value for name, value in config.items() if name not in left_out}
    return manifest.from_json(manifest.to_json(told, path="settings"))
