"""Work of `train` for each task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lstm_cli.config import TrainConfig
from lstm_cli.config.classify import ClassifyTrainConfig, SequenceNetwork, join_settings
from lstm_cli.config.extras import TRAINING, require_installed
from lstm_cli.errors import UsageError
from lstm_cli.events import Listener, Note
from lstm_cli.rundir import Writer
from lstm_cli.steps.shared.memory_estimate import require_train
from lstm_cli.steps.train.checkpointing import CheckpointPolicy
from lstm_cli.steps.train.fit_and_commit import TrainReport, train_and_commit
from lstm_cli.steps.train.warm_start import WarmStart
from lstm_cli.tasks.records import CLASSIFY, FORECAST

if TYPE_CHECKING:
    from lstm_cli.steps.train.sequences import TrainClassifierReport

AnyReport: TypeAlias = "TrainReport | TrainClassifierReport"
ShouldStop = Callable[[], int | None]


@dataclass(frozen=True, kw_only=True)
class TrainWork:
    """Functions of `train` for a task."""

    settle: Callable[[TrainConfig, SequenceNetwork, Path | None], TrainConfig]  # returns the stored settings
    report: Callable[[], type[Any]]
    train: Callable[..., Any]  # writer, config, listen, policy, keep, start, should_stop


def _settle_forecast(config: TrainConfig, network: SequenceNetwork, start: Path | None) -> TrainConfig:
    return config


def _settle_sequences(
    config: TrainConfig, network: SequenceNetwork, start: Path | None
) -> ClassifyTrainConfig:
    if start is not None:
        raise UsageError(
            f"--from is an option of the task {FORECAST.name}, but this run is {CLASSIFY.title}",
            hint="leave out --from",
            flag="--from",
        )
    if config.head != "last":
        raise UsageError(
            f"--head is an option of the task {FORECAST.name}, but this run is {CLASSIFY.title}",
            hint="use --pooling last, mean, max, concat or attention",
            flag="--head",
        )
    # The layers are those of `stacked`, and there is no other model.
    stacked = replace(config, model="stacked")
    return join_settings(ClassifyTrainConfig, stacked, network)


def _train_forecast(
    writer: Writer,
    config: TrainConfig,
    listen: Listener,
    policy: CheckpointPolicy,
    keep: int,
    start: WarmStart | None,
    should_stop: ShouldStop,
) -> TrainReport:
    assert writer.run is not None
    require_installed("lstm train", *TRAINING)
    require_train(writer.run, config)
    listen(Note(text="loading torch and the data"))  # takes seconds on a cold disk
    return train_and_commit(
        writer, config, listen, policy=policy, keep=keep, start=start, should_stop=should_stop
    )


def _report_of_sequences() -> "type[TrainClassifierReport]":
    from lstm_cli.steps.train.sequences import TrainClassifierReport

    return TrainClassifierReport


def _train_sequences(
    writer: Writer,
    config: ClassifyTrainConfig,
    listen: Listener,
    policy: CheckpointPolicy,
    keep: int,
    start: WarmStart | None,
    should_stop: ShouldStop,
) -> "TrainClassifierReport":
    from lstm_cli.steps.train.sequences import train_sequences

    return train_sequences(writer, config, listen, policy=policy, keep=keep, should_stop=should_stop)


WORK: Mapping[str, TrainWork] = {
    FORECAST.name: TrainWork(settle=_settle_forecast, report=lambda: TrainReport, train=_train_forecast),
    CLASSIFY.name: TrainWork(settle=_settle_sequences, report=_report_of_sequences, train=_train_sequences),
}
