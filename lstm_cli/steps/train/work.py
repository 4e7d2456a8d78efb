"""Work of `train` for each task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lstm_cli.config import TrainConfig
from lstm_cli.config.classify import ClassifyTrainConfig, join_settings
from lstm_cli.config.extras import TRAINING, require_installed
from lstm_cli.config.generate import GenerateTrainConfig
from lstm_cli.config.tasks import TrainOfTasks
from lstm_cli.data.dataset.load import load_outline
from lstm_cli.errors import UsageError
from lstm_cli.events import Listener, Note
from lstm_cli.rundir import Run, Writer
from lstm_cli.steps.shared.memory_estimate import require_train
from lstm_cli.steps.train.checkpointing import CheckpointPolicy
from lstm_cli.steps.train.fit_and_commit import TrainReport, train_and_commit
from lstm_cli.steps.train.sequence_start import check_sequence_start
from lstm_cli.steps.train.warm_start import WarmStart, check_start
from lstm_cli.tasks.records import CLASSIFY, FORECAST, GENERATE, Task

if TYPE_CHECKING:
    from lstm_cli.steps.train.sequence_start import SequenceStart
    from lstm_cli.steps.train.sequences import TrainClassifierReport
    from lstm_cli.steps.train.text import TrainTextReport

AnyReport: TypeAlias = "TrainReport | TrainClassifierReport | TrainTextReport"
ShouldStop = Callable[[], int | None]


@dataclass(frozen=True, kw_only=True)
class TrainWork:
    """Functions of `train` for a task."""

    settle: Callable[[TrainConfig, TrainOfTasks, Path | None], TrainConfig]  # returns the stored settings
    report: Callable[[], type[Any]]
    start: Callable[[Run, Run, Any], Any]  # run of the start, run to train, settings
    train: Callable[..., Any]  # writer, config, listen, policy, keep, start, should_stop


def _settle_forecast(config: TrainConfig, network: TrainOfTasks, start: Path | None) -> TrainConfig:
    return config


def _settle_sequences(config: TrainConfig, network: TrainOfTasks, start: Path | None) -> ClassifyTrainConfig:
    _refuse_head(CLASSIFY, config, "use --pooling last, mean, max, concat or attention")
    # The layers are those of `stacked`, which is the only model of the task.
    stacked = replace(config, model="stacked")
    return join_settings(ClassifyTrainConfig, stacked, network)


def _settle_text(config: TrainConfig, network: TrainOfTasks, start: Path | None) -> GenerateTrainConfig:
    _refuse_start(GENERATE, start)
    _refuse_head(GENERATE, config, "leave out --head")
    return join_settings(GenerateTrainConfig, replace(config, model="stacked"), network)


def _refuse_start(task: Task, start: Path | None) -> None:
    """Raise UsageError for a warm start, which the task does not have."""
    if start is not None:
        raise UsageError(
            f"--from is an option of the tasks {FORECAST.name} and {CLASSIFY.name}, but this run is {task.title}",
            hint="leave out --from",
            flag="--from",
        )


def _refuse_head(task: Task, config: TrainConfig, hint: str) -> None:
    """Raise UsageError for a head of forecasts."""
    if config.head != TrainConfig.head:
        raise UsageError(
            f"--head is an option of the task {FORECAST.name}, but this run is {task.title}",
            hint=hint,
            flag="--head",
        )


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


def _report_of_text() -> "type[TrainTextReport]":
    from lstm_cli.steps.train.text import TrainTextReport

    return TrainTextReport


def _report_of_sequences() -> "type[TrainClassifierReport]":
    from lstm_cli.steps.train.sequences import TrainClassifierReport

    return TrainClassifierReport


def _train_sequences(
    writer: Writer,
    config: ClassifyTrainConfig,
    listen: Listener,
    policy: CheckpointPolicy,
    keep: int,
    start: "SequenceStart | None",
    should_stop: ShouldStop,
) -> "TrainClassifierReport":
    from lstm_cli.steps.train.sequences import train_sequences

    return train_sequences(
        writer, config, listen, policy=policy, keep=keep, start=start, should_stop=should_stop
    )


def _start_of_forecast(source: Run, run: Run, config: TrainConfig) -> WarmStart:
    schema, _ = load_outline(run)
    return check_start(source, run, config, schema)


def _no_start(source: Run, run: Run, config: TrainConfig) -> None:
    """Return None: `_refuse_start` has refused a start."""


def _train_text(
    writer: Writer,
    config: GenerateTrainConfig,
    listen: Listener,
    policy: CheckpointPolicy,
    keep: int,
    start: WarmStart | None,
    should_stop: ShouldStop,
) -> "TrainTextReport":
    from lstm_cli.steps.train.text import train_text

    return train_text(writer, config, listen, policy=policy, keep=keep, should_stop=should_stop)


WORK: Mapping[str, TrainWork] = {
    FORECAST.name: TrainWork(
        settle=_settle_forecast,
        report=lambda: TrainReport,
        start=_start_of_forecast,
        train=_train_forecast,
    ),
    CLASSIFY.name: TrainWork(
        settle=_settle_sequences,
        report=_report_of_sequences,
        start=check_sequence_start,
        train=_train_sequences,
    ),
    GENERATE.name: TrainWork(settle=_settle_text, report=_report_of_text, start=_no_start, train=_train_text),
}
