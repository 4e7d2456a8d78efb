"""Settings that only some tasks have, together: those of `prepare` and of `train`."""

from dataclasses import dataclass

from lstm_cli.config.classify import SequenceColumns, SequenceNetwork
from lstm_cli.config.generate import TextNetwork, TextTokens
from lstm_cli.config.prepare import PrepareConfig
from lstm_cli.config.setting import require_bounds
from lstm_cli.config.train import TrainConfig


@dataclass(frozen=True, kw_only=True)
class PrepareOfTasks(SequenceColumns, TextTokens):
    """Settings of `lstm prepare` that only some tasks have, and the task."""

    def __post_init__(self) -> None:
        require_bounds(self)
        self.check_columns()
        self.check_tokens()


@dataclass(frozen=True, kw_only=True)
class TrainOfTasks(SequenceNetwork, TextNetwork):
    """Settings of `lstm train` that only some tasks have."""


@dataclass(frozen=True, kw_only=True)
class AnyPrepareConfig(PrepareConfig, PrepareOfTasks):
    """Settings of `lstm prepare` of all tasks."""


@dataclass(frozen=True, kw_only=True)
class AnyTrainConfig(TrainConfig, TrainOfTasks):
    """Settings of `lstm train` of all tasks."""
