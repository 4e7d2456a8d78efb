"""Work of `tune` for each task: its search space, its data, the score of a trial, and the training of the winner."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_cli.config import TrainConfig
from lstm_cli.config.classify import ClassifyTrainConfig
from lstm_cli.config.extras import SEARCH
from lstm_cli.config.search_space import SEQUENCE_SPACE
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.forecast.bounds import make_bounds
from lstm_cli.errors import DataError
from lstm_cli.evaluation import metrics, scoring
from lstm_cli.evaluation.torch_forecaster import torch_forecaster
from lstm_cli.events import Listener
from lstm_cli.rundir import Run, Writer
from lstm_cli.sequences.dataset import SequenceData
from lstm_cli.sequences.store import load_data
from lstm_cli.steps.shared.memory_estimate import require_train
from lstm_cli.steps.shared.sequences.memory import require_sequence_train
from lstm_cli.steps.train.checkpointing import CheckpointPolicy
from lstm_cli.steps.train.fit_and_commit import train_and_commit
from lstm_cli.steps.tune.spec import Trial
from lstm_cli.tasks.records import CLASSIFY, FORECAST

SCORES = ("mase", "mae_scaled", "mae")  # trials are compared by the first one that is defined for the data
POLICY = CheckpointPolicy(reject_other_settings=False)  # of the training of the winner
ShouldStop = Callable[[], int | None]


@dataclass(frozen=True, kw_only=True)
class TuneWork:
    """Search space, data and functions of `tune` for a task."""

    space: tuple[str, ...] | None = None  # default search space; None: that of the model
    left_out: frozenset[str] = frozenset()  # settings that cannot be searched
    packages: tuple[str, ...] = SEARCH
    require_memory: Callable[[Run, Any], None]
    load: Callable[[Run], Any]  # data of the run
    copy: Callable[[Any], Any]  # data that another process can receive
    score: Callable[[Any, Any, int, Listener, ShouldStop], Trial]  # data, settings, threads
    train: Callable[
        [Writer, Any, Listener, int, ShouldStop], Any
    ]  # writer, settings of the winner, listen, keep


def _copy_dataset(dataset: Dataset) -> Dataset:
    """Return a copy in memory, because joblib cannot send the memory-mapped array by its file name."""
    return replace(dataset, values_scaled=np.array(dataset.values_scaled))


def _copy_sequences(data: SequenceData) -> SequenceData:
    return replace(data, values=np.array(data.values))


def _score_forecast(
    dataset: Dataset, config: TrainConfig, threads: int, listen: Listener, should_stop: ShouldStop
) -> Trial:
    """Return the metrics of the trained model on the validation rows."""
    from lstm_cli.training.train_model import train_model

    trained = train_model(dataset, config, threads=threads, listen=listen, should_stop=should_stop)
    known, lookback = trained.dataset, trained.settings["lookback"]
    network = trained.validated.network
    windows = scoring.scoring_windows(known, "val", lookback, trained.validated.linear)
    sums = scoring.score(
        windows, torch_forecaster(network, lookback), make_bounds(dataset, config.min, config.max)[0]
    )
    scores = metrics.overall_scores(sums["model"], scoring.metric_scale(known))
    metric = next((name for name in SCORES if scores[name] is not None), None)
    if metric is None:
        raise DataError(
            "the targets have no measured value in the validation rows, so trials cannot be compared",
            rule="D622",
        )
    return {
        "metric": metric,
        "score": scores[metric],
        "metrics": scores,
        "parameters": sum(weight.numel() for weight in network.parameters()),
    }


def _score_sequences(
    data: SequenceData, config: ClassifyTrainConfig, threads: int, listen: Listener, should_stop: ShouldStop
) -> Trial:
    """Return the metrics of the network with the simple model on the validation sequences."""
    from lstm_cli.evaluation.classification.metrics import ClassifiedSequences
    from lstm_cli.training.sequences.train_classifier import train_classifier, validation_probabilities
    from lstm_cli.training.setup.checkpoint_state import Checkpoints

    trained = train_classifier(
        data, config, threads=threads, listen=listen, should_stop=should_stop, checkpoints=Checkpoints()
    )
    scores = ClassifiedSequences(
        labels=data.labels[data.indices("val")], probabilities=validation_probabilities(trained, data)
    ).metrics()
    return {
        "metric": "log_loss",
        "score": scores["log_loss"],
        "metrics": scores,
        "parameters": sum(weight.numel() for weight in trained.model.network.parameters()),
    }


def _train_forecast(
    writer: Writer, config: TrainConfig, listen: Listener, keep: int, should_stop: ShouldStop
) -> Any:
    return train_and_commit(
        writer, config, listen, policy=POLICY, keep=keep, made_by="tune", should_stop=should_stop
    )


def _train_sequences(
    writer: Writer, config: ClassifyTrainConfig, listen: Listener, keep: int, should_stop: ShouldStop
) -> Any:
    from lstm_cli.steps.train.sequences import train_sequences

    return train_sequences(
        writer, config, listen, policy=POLICY, keep=keep, made_by="tune", should_stop=should_stop
    )


WORK: Mapping[str, TuneWork] = {
    FORECAST.name: TuneWork(
        require_memory=lambda run, fixed: require_train(run, fixed, doing="each trial"),
        load=load_dataset,
        copy=_copy_dataset,
        score=_score_forecast,
        train=_train_forecast,
    ),
    CLASSIFY.name: TuneWork(
        space=SEQUENCE_SPACE,
        left_out=(FORECAST.options["train"] - CLASSIFY.options["train"]) | {"head"},
        require_memory=lambda run, fixed: require_sequence_train(run, fixed, doing="each trial"),
        load=load_data,
        copy=_copy_sequences,
        score=_score_sequences,
        train=_train_sequences,
    ),
}
