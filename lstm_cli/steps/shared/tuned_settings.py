"""The settings that `tune` found best. `train` asks for them while it reads its options, so nothing heavy is loaded."""

from pathlib import Path
from typing import Any

from lstm_cli.config.renamed import with_new_names
from lstm_cli.errors import ArtifactError
from lstm_cli.rundir import open_run


def tuned_settings(run: Path) -> dict[str, Any]:
    """Return the settings of the winner of `tune`, its model among them; none without a winner or a readable run."""
    try:
        with open_run(run) as opened:
            return with_new_names(opened.steps.get("tune", {}).get("report", {}).get("winner") or {})
    except ArtifactError:  # the step meets it again, and says what is wrong
        return {}
