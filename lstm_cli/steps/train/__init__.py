"""Step `train`: train a model on the run's data, and ship it as weights and as an ONNX graph."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lstm_cli.config import TrainConfig
from lstm_cli.config.tasks import TrainOfTasks
from lstm_cli.config.train import KEEP_MODELS
from lstm_cli.errors import UsageError
from lstm_cli.events import Listener, WarningRaised
from lstm_cli.findings import MODEL, Finding
from lstm_cli.rundir import (
    Checkpoint,
    Run,
    is_up_to_date,
    open_run,
    reading_manifest,
    rolled_back_version,
    version_number,
    writing,
)
from lstm_cli.steps.shared.cached_report import MACHINE_SETTINGS, replay_report
from lstm_cli.steps.shared.tuned_settings import note_winner
from lstm_cli.steps.train.checkpointing import CheckpointPolicy, checkpoint_status
from lstm_cli.steps.train.warm_start import INPUT, Start, started_alike
from lstm_cli.steps.train.work import WORK, AnyReport
from lstm_cli.tasks.records import Task
from lstm_cli.tasks.settle import require_own_options, require_start, task_of

TUNED = "tune"  # source of a setting of the winner of `tune`


def train(
    run: Path,
    config: TrainConfig,
    listen: Listener,
    *,
    start: Path | None = None,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
    fresh: bool = False,
    checkpoint_every: int | None = None,
    keep: int = KEEP_MODELS,
    should_stop: Callable[[], int | None] = lambda: None,
    network: TrainOfTasks | None = None,
    winner: Mapping[str, Any] | None = None,
) -> AnyReport:
    """Train a model on the run's data and commit it; resume from a checkpoint if the run has one.

    A model that is up to date is not trained again, nor one that a rollback has replaced. Training that does not
    finish leaves the run's model unchanged.

    Args:
        run: run directory with prepared data.
        config: settings of the model and its training.
        listen: receives notes, warnings and progress.
        start: run whose model is the start of the training, which may be the same run; None: random weights.
        force: train even if the model is up to date.
        lock_wait: seconds to wait for the lock of the run.
        sources: source of each setting, for the manifest.
        fresh: discard the checkpoint and start over.
        checkpoint_every: epochs between two checkpoints; None: after an epoch, at most one in 5 seconds.
        keep: models to keep for a rollback, with the new one.
        should_stop: returns the signal that ends training, or None.
        network: settings that only some tasks have; None: their defaults.
        winner: settings of the winner of `tune`, of which a note is sent.

    Raises:
        MissingArtifact: the run has no data, or the start has no model.
        ArtifactError: the checkpoint is of a training with other settings, or the start has other columns.
        UsageError: a setting excludes the start.
        DeviceError: the device was not found or is out of memory.
        TrainingDiverged: the loss is not a finite number.
        Interrupted: a signal ended training.
    """
    policy = CheckpointPolicy(fresh=fresh, every=checkpoint_every)
    with writing(run, step="train", lock_wait=lock_wait, sources=sources) as writer:
        assert writer.run is not None
        task, network = task_of(writer.run), network or TrainOfTasks()
        require_own_options(task, "train", config, network)
        work, given = WORK[task.name], config
        config = work.settle(given, network, start)
        require_own_model(task, given, config, sources)
        if winner:
            with reading_manifest(run):
                note_winner(winner, given, listen, network=network)
        with opened_start(start, writer.run, config) as warm:
            if not force and model_is_up_to_date(writer.run, config, warm):
                stored = checkpoint_status(writer.run, config, warm)
                if stored is None or not stored.fits:
                    if stored is not None and stored.is_unusable:
                        Checkpoint(run).remove()
                    warn_rolled_back(writer.run, config, listen, warm)
                    return replay_report(work.report(), writer.run, "train")
            return work.train(writer, config, listen, policy, keep, warm, should_stop)


def require_own_model(
    task: Task, given: TrainConfig, settled: TrainConfig, sources: Mapping[str, str] | None
) -> None:
    """Raise UsageError if --model was given, and the task has another model.

    Args:
        task: task of the run.
        given: settings of the training.
        settled: settings of the training for the task.
        sources: source of each setting that does not have its default.
    """
    if given.model != settled.model and (sources or {}).get("model", TUNED) != TUNED:
        raise UsageError(
            f"--model {given.model} is a model of another task, but this run is {task.title}",
            hint=f"use --model {settled.model}",
            flag="--model",
        )


@contextmanager
def opened_start(start: Path | None, run: Run, config: TrainConfig) -> Iterator[Any]:
    """Yield the start of a training, whose run is open within the block; None without a start.

    Args:
        start: run whose model is the start.
        run: run to train.
        config: settings of the model and its training.

    Raises:
        ArtifactError, UsageError: the errors of the check of the start.
    """
    if start is None:
        yield None
        return
    with open_run(start) as source:
        require_start(source, run)
        yield WORK[task_of(run).name].start(source, run, config)


def model_is_up_to_date(run: Run, config: TrainConfig, start: Start | None = None) -> bool:
    """Return whether training with these settings would change nothing.

    The run's model was trained on its current data with these settings, or a rollback has replaced such a model.

    Args:
        run: run to train.
        config: settings of the model and its training.
        start: model at which the training starts.
    """
    return _is_up_to_date(run, config, start) or _rolled_back(run, config, start) is not None


def _is_up_to_date(run: Run, config: TrainConfig, start: Start | None) -> bool:
    settings, ignoring = asdict(config), MACHINE_SETTINGS
    same_start = "train" in run.steps and started_alike(run.entry("train"), start)
    return same_start and is_up_to_date(run, "train", config=settings, ignoring=ignoring, compared=(INPUT,))


def _rolled_back(run: Run, config: TrainConfig, start: Start | None) -> int | None:
    return rolled_back_version(
        run,
        config=asdict(config),
        ignoring=MACHINE_SETTINGS,
        is_same=lambda entry: started_alike(entry, start),
    )


def warn_rolled_back(run: Run, config: TrainConfig, listen: Listener, start: Start | None = None) -> None:
    """Send a warning if a rollback has replaced the model of these data and settings.

    Args:
        run: run with a model that is up to date.
        config: settings of the model and its training.
        listen: receives the warning.
        start: model at which the training starts.
    """
    number = _rolled_back(run, config, start)
    if number is None or _is_up_to_date(run, config, start):
        return
    text = (
        f"version {number} is the model of these data and settings, and it was rolled back: "
        f"version {version_number(run.models[-1])} stays (--force trains again)"
    )
    listen(WarningRaised(finding=Finding(rule="M212", kind=MODEL, text=text, flags=("--force",))))
