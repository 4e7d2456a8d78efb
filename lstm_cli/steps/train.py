"""`train`: the run's data become a trained model, shipped as weights and as one ONNX graph."""

from collections.abc import Callable
from pathlib import Path

from lstm_cli.config import TrainConfig
from lstm_cli.events import Listener
from lstm_cli.rundir import writing
from lstm_cli.steps.making import TrainReport, make_model


def train(
    run: Path,
    config: TrainConfig,
    listen: Listener,
    *,
    lock_wait: float = 0.0,
    should_stop: Callable[[], int | None] = lambda: None,
) -> TrainReport:
    """Trains the model that `config` names on the run's data. Nothing is shipped unless it came to its end.

    Raises MissingArtifact without data, DeviceError for an absent device, TrainingDiverged, Interrupted.
    """
    with writing(run, step="train", lock_wait=lock_wait) as writer:
        return make_model(writer, config, listen, should_stop=should_stop)
