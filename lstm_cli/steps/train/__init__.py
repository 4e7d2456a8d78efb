"""`train`: the run's data become a trained model, shipped as weights and as one ONNX graph."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from lstm_cli.config import TrainConfig
from lstm_cli.config.extras import TRAINING, require_installed
from lstm_cli.events import Listener
from lstm_cli.rundir import Checkpoint, Run, is_up_to_date, writing
from lstm_cli.steps.shared.cached_report import OF_THE_MACHINE, replay_report
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
    should_stop: Callable[[], int | None] = lambda: None,
) -> TrainReport:
    """Trains the model that `config` names on the run's data. Nothing is shipped unless it came to its end.

    Where the run has the model of these very data and settings, it is left alone. force: train anyhow.
    A training that was ended before goes on, unless it is to be `fresh`. checkpoint_every: epochs between two
    checkpoints; None: every epoch, but at most one in a few seconds. Raises MissingArtifact without data,
    ArtifactError for an unfinished training with other settings, DeviceError for an absent device or too little
    memory, TrainingDiverged, Interrupted.
    """
    how = CheckpointPolicy(fresh=fresh, every=checkpoint_every)
    with writing(run, step="train", lock_wait=lock_wait, sources=sources) as writer:
        assert writer.run is not None
        if not force and model_is_up_to_date(writer.run, config):
            before = checkpoint_status(writer.run, config)
            if before is None or not before.fits:
                if before is not None and before.spent:
                    Checkpoint(run).remove()
                return replay_report(TrainReport, writer.run, "train")
        require_installed("lstm train", *TRAINING)
        require_train(writer.run, config)
        return train_and_commit(writer, config, listen, how=how, should_stop=should_stop)


def model_is_up_to_date(run: Run, config: TrainConfig) -> bool:
    """Whether the run has the model of these very data and settings."""
    return is_up_to_date(run, "train", config=asdict(config), ignoring=OF_THE_MACHINE)
