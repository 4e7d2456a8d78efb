"""Training of the challenger on all rows, which makes it the model of the run."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from lstm_cli.config import RefreshConfig, TrainConfig, restore_settings
from lstm_cli.config.renamed import with_new_names
from lstm_cli.data.dataset.load import load_outline
from lstm_cli.errors import ArtifactError, Interrupted, LstmError, OutputError, UsageError
from lstm_cli.events import Listener, Note
from lstm_cli.monitoring.promise import scored_model
from lstm_cli.rundir import Run, Writer, list_versions, reading_manifest
from lstm_cli.steps.train import opened_start
from lstm_cli.steps.train.checkpointing import CheckpointPolicy
from lstm_cli.steps.train.fit_and_commit import train_and_commit
from lstm_cli.steps.train.warm_start import WarmStart, check_start

MADE_BY = "refresh"
SPENT = 14  # returned in place of a signal when the budget is spent
Stop = Callable[[], int | None]


def replace_model(
    writer: Writer,
    config: RefreshConfig,
    listen: Listener,
    keep: int,
    should_stop: Stop,
    *,
    refit: bool,
) -> str | None:
    """Train the challenger on all rows and make it the model of the run. Return why it failed, or None.

    Args:
        writer: writer of the step `train`.
        config: settings of `refresh`.
        listen: receives events.
        keep: models to keep, with the new one.
        should_stop: returns a number if a signal arrived, or the budget is spent.
        refit: the validation rows are learnt too.

    Raises:
        OutputError: the model cannot be written.
    """
    opened = writer.run
    assert opened is not None
    try:
        settings = _settings(opened)
        train = replace(settings, refit=refit)
        with challenger_start(opened, train, config, listen) as start:
            train_and_commit(
                writer,
                train,
                listen,
                policy=CheckpointPolicy(fresh=True),
                keep=keep,
                made_by=MADE_BY,
                start=start,
                stored=settings,
                should_stop=should_stop,
            )
    except Interrupted:
        return budget_text(config)
    except OutputError:
        raise
    except LstmError as error:
        return error.message
    return None


def train_settings(run: Run, listen: Listener) -> TrainConfig:
    """Return the settings of the challenger: those of the run's model, for `segment` with a refit.

    The held-out rows decide whether the refit stays, see `compare`. Without it the newest rows are unlearnt, because
    they are the validation rows.

    Args:
        run: run of the model.
        listen: receives a note if the settings exclude the refit.
    """
    config = _settings(run)
    if config.model != "segment":
        return config
    if config.refit is False:
        listen(Note(text="the settings have --no-refit: the challenger has a refit only if that is better"))
    return replace(config, refit=True)


def _settings(run: Run) -> TrainConfig:
    with reading_manifest(run.path):
        return restore_settings(TrainConfig, with_new_names(run.entry("train")["config"]))


def lacks_scores(run: Run | None) -> bool:
    """Return whether `refresh` has made the model of the run, and the scores of the run are of another model."""
    if run is None or list_versions(run.steps, run.models)[-1].get("made_by") != MADE_BY:
        return False
    return scored_model(run) != run.digest("model")


def challenger_start(
    run: Run, train: TrainConfig, config: RefreshConfig, listen: Listener
) -> AbstractContextManager[WarmStart | None]:
    """Return the context of the start of a training; without weights if the settings exclude them.

    Args:
        run: run of the model.
        train: settings of the training.
        config: settings of `refresh`.
        listen: receives a note if the model cannot be the start.
    """
    path: Path | None = None if config.from_scratch else run.path
    if path is not None:
        try:
            check_start(run, run, train, load_outline(run)[0])
        except (UsageError, ArtifactError) as error:
            listen(Note(text=f"the challenger starts from random weights: {error.message}"))
            path = None
    return opened_start(path, run, train)


def within(config: RefreshConfig, began: float, should_stop: Stop) -> Stop:
    """Return a function that also asks to stop when the budget is spent.

    Args:
        config: settings of `refresh`.
        began: time at which the night began.
        should_stop: returns the signal that ends the step, or None.
    """

    def stop() -> int | None:
        if config.budget is not None and time.monotonic() - began > config.budget:
            return should_stop() or SPENT
        return should_stop()

    return stop


def budget_text(config: RefreshConfig) -> str:
    """Return why a training was stopped."""
    return (
        f"its training takes longer than --budget ({config.budget:g} s)"
        if config.budget
        else "it was stopped"
    )
