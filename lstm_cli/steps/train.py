"""`train`: the run's data become a trained model, shipped as weights and as one ONNX graph."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from lstm_cli.config import TrainConfig
from lstm_cli.events import Listener
from lstm_cli.rundir import stands, writing
from lstm_cli.steps.before import OF_THE_MACHINE, told_again
from lstm_cli.steps.making import TrainReport, make_model
from lstm_cli.steps.needs import require_train


def train(
    run: Path,
    config: TrainConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
    should_stop: Callable[[], int | None] = lambda: None,
) -> TrainReport:
    """Trains the model that `config` names on the run's data. Nothing is shipped unless it came to its end.

    Where the run has the model of these very data and settings, it is left alone. force: train anyhow.
    Raises MissingArtifact without data, DeviceError for an absent device, TrainingDiverged, Interrupted.
    """
    with writing(run, step="train", lock_wait=lock_wait, sources=sources) as writer:
        assert writer.run is not None
        if not force and stands(writer.run, "train", config=asdict(config), ignoring=OF_THE_MACHINE):
            return told_again(TrainReport, writer.run, "train", listen)
        require_train(writer.run, config)
        return make_model(writer, config, listen, should_stop=should_stop)
