"""Training of the challenger on all rows, which makes it the model of the run."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from lstm_cli.config import RefreshConfig, TrainConfig, restore_settings
from lstm_cli.config.renamed import with_new_names
from lstm_cli.data.dataset.load import load_outline
from lstm_cli.errors import ArtifactError, Interrupted, LstmError, UsageError
from lstm_cli.events import Listener, Note
from lstm_cli.rundir import Run, reading_manifest, writing
from lstm_cli.steps.train import opened_start
from lstm_cli.steps.train.checkpointing import CheckpointPolicy
from lstm_cli.steps.train.fit_and_commit import train_and_commit
from lstm_cli.steps.train.warm_start import WarmStart, check_start

SPENT = 14  # returned in place of a signal when the budget is spent
Stop = Callable[[], int | None]


def replace_model(
    run: Path,
    data: str,
    config: RefreshConfig,
    listen: Listener,
    keep: int,
    lock_wait: float,
    should_stop: Stop,
) -> str | None:
    """Train the challenger on all rows and make it the model of the run. Return why it failed, or None.

    Args:
        run: run directory.
        data: digest of the data that the comparison used.
        config: settings of `refresh`.
        listen: receives events.
        keep: models to keep, with the new one.
        lock_wait: seconds to wait for the lock of the run.
        should_stop: returns a number if a signal arrived, or the budget is spent.
    """
    try:
        with writing(run, step="train", lock_wait=lock_wait) as writer:
            opened = writer.run
            assert opened is not None
            if opened.digest("data") != data:
                return "another process has changed the data of the run"
            train = train_settings(opened)
            with challenger_start(opened, train, config, listen) as start:
                train_and_commit(
                    writer,
                    train,
                    listen,
                    policy=CheckpointPolicy(fresh=True),
                    keep=keep,
                    made_by="refresh",
                    start=start,
                    should_stop=should_stop,
                )
    except Interrupted:
        return budget_text(config)
    except LstmError as error:
        return error.message
    return None


def train_settings(run: Run) -> TrainConfig:
    """Return the settings of the run's model."""
    with reading_manifest(run.path):
        return restore_settings(TrainConfig, with_new_names(run.entry("train")["config"]))


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
