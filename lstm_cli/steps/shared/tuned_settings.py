"""Settings of the winner of `tune`. `train` reads them with its options, so this module loads nothing heavy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lstm_cli.config import TrainConfig
from lstm_cli.config.classify import ClassifyTrainConfig, join_settings
from lstm_cli.config.renamed import with_new_names
from lstm_cli.config.search_space import value_text
from lstm_cli.config.tasks import TrainOfTasks
from lstm_cli.config.validators import restore_settings
from lstm_cli.errors import ArtifactError
from lstm_cli.events import Listener, Note
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


def note_winner(
    winner: Mapping[str, Any],
    settings: TrainConfig,
    listen: Listener,
    *,
    network: TrainOfTasks | None = None,
) -> None:
    """Send a note with the settings taken from the winner of `tune`.

    Args:
        winner: settings of the winner.
        settings: settings of the training.
        listen: receives the note.
        network: settings of a classifier of sequences; None: their defaults.
    """
    tuned = restore_settings(ClassifyTrainConfig, winner) if winner.get("model") == settings.model else None
    given = join_settings(ClassifyTrainConfig, settings, network or TrainOfTasks())
    names = [name for name in winner if tuned and getattr(tuned, name) == getattr(given, name)]
    if names:
        listed = ", ".join(f"{name} {value_text(getattr(given, name))}" for name in names)
        listen(Note(text=f"using settings of the winner of 'lstm tune': {listed} (--no-tuned ignores them)"))
