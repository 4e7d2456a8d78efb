"""Settings of the winner of `tune`. `train` reads them with its options, so this module loads nothing heavy."""

from pathlib import Path
from typing import Any

from lstm_cli.config.renamed import with_new_names
from lstm_cli.errors import ArtifactError
from lstm_cli.rundir import open_run, reading_manifest


def tuned_settings(run: Path) -> dict[str, Any]:
    """Return the settings of the winner of `tune`, with its model; empty without a winner or a readable run.

    Raises:
        CorruptArtifact: the winner is not an object.
    """
    try:
        opened = open_run(run)
    except ArtifactError:  # the step itself reports this error
        return {}
    with opened, reading_manifest(run):
        return with_new_names(opened.steps.get("tune", {}).get("report", {}).get("winner") or {})
