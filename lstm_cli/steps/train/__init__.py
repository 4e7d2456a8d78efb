"""Step `train`: train a model on the run's data, and ship it as weights and as an ONNX graph."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from lstm_cli.config import TrainConfig
from lstm_cli.config.extras import TRAINING, require_installed
from lstm_cli.config.train import KEEP_MODELS
from lstm_cli.events import Listener, Note, WarningRaised
from lstm_cli.findings import MODEL, Finding
from lstm_cli.rundir import Checkpoint, Run, is_up_to_date, rolled_back_version, version_number, writing
from lstm_cli.steps.shared.cached_report import MACHINE_SETTINGS, replay_report
from lstm_cli.steps.shared.memory_estimate import require_train
from lstm_cli.steps.train.checkpointing import CheckpointPolicy, checkpoint_status
from lstm_cli.steps.train.fit_and_commit import TrainReport, train_and_commit


def train(
    run: Path,
    config: TrainConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
    fresh: bool = False,
    checkpoint_every: int | None = None,
    keep: int = KEEP_MODELS,
    should_stop: Callable[[], int | None] = lambda: None,
) -> TrainReport:
    """Train a model on the run's data and commit it; resume from a checkpoint if the run has one.

    A model that is up to date is not trained again, nor one that a rollback has replaced. Training that does not
    finish leaves the run's model unchanged.

    Args:
        run: run directory with prepared data.
        config: settings of the model and its training.
        listen: receives notes, warnings and progress.
        force: train even if the model is up to date.
        lock_wait: seconds to wait for the lock of the run.
        sources: source of each setting, for the manifest.
        fresh: discard the checkpoint and start over.
        checkpoint_every: epochs between two checkpoints; None: after an epoch, at most one in 5 seconds.
        keep: models to keep for a rollback, with the new one.
        should_stop: returns the signal that ends training, or None.

    Raises:
        MissingArtifact: the run has no data.
        ArtifactError: the checkpoint is of a training with other settings.
        DeviceError: the device was not found or is out of memory.
        TrainingDiverged: the loss is not a finite number.
        Interrupted: a signal ended training.
    """
    policy = CheckpointPolicy(fresh=fresh, every=checkpoint_every)
    with writing(run, step="train", lock_wait=lock_wait, sources=sources) as writer:
        assert writer.run is not None
        if not force and model_is_up_to_date(writer.run, config):
            stored = checkpoint_status(writer.run, config)
            if stored is None or not stored.fits:
                if stored is not None and stored.is_unusable:
                    Checkpoint(run).remove()
                warn_rolled_back(writer.run, config, listen)
                return replay_report(TrainReport, writer.run, "train")
        require_installed("lstm train", *TRAINING)
        require_train(writer.run, config)
        listen(Note(text="loading torch and the data"))  # takes seconds on a cold disk
        return train_and_commit(writer, config, listen, policy=policy, keep=keep, should_stop=should_stop)


def model_is_up_to_date(run: Run, config: TrainConfig) -> bool:
    """Return whether training with these settings would change nothing.

    The run's model was trained on its current data with these settings, or a rollback has replaced such a model.
    """
    settings = asdict(config)
    return (
        is_up_to_date(run, "train", config=settings, ignoring=MACHINE_SETTINGS)
        or rolled_back_version(run, config=settings, ignoring=MACHINE_SETTINGS) is not None
    )


def warn_rolled_back(run: Run, config: TrainConfig, listen: Listener) -> None:
    """Send a warning if a rollback has replaced the model of these data and settings.

    Args:
        run: run with a model that is up to date.
        config: settings of the model and its training.
        listen: receives the warning.
    """
    settings = asdict(config)
    number = rolled_back_version(run, config=settings, ignoring=MACHINE_SETTINGS)
    if number is None or is_up_to_date(run, "train", config=settings, ignoring=MACHINE_SETTINGS):
        return
    text = (
        f"version {number} is the model of these data and settings, and it was rolled back: "
        f"version {version_number(run.models[-1])} stays (--force trains again)"
    )
    listen(WarningRaised(finding=Finding(rule="M212", kind=MODEL, text=text, flags=("--force",))))
