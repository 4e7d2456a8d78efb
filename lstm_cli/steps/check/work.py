"""Work of `check` for each task. The modules of the work are imported late."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from lstm_cli.config import PrepareConfig
from lstm_cli.config.classify import ClassifyPrepareConfig, join_settings
from lstm_cli.config.tasks import PrepareOfTasks
from lstm_cli.data.build.splits import check_split_sizes
from lstm_cli.events import Listener
from lstm_cli.plots.terminal import Terminal
from lstm_cli.tasks.records import CLASSIFY, FORECAST

if TYPE_CHECKING:
    from lstm_cli.steps.check.report import CheckReport
    from lstm_cli.steps.check.sequences import CheckSequencesReport

AnyReport: TypeAlias = "CheckReport | CheckSequencesReport"


@dataclass(frozen=True, kw_only=True)
class CheckWork:
    """Functions of `check` for a task."""

    settle: Callable[[PrepareConfig, PrepareOfTasks], Any]  # returns the settings of `prepare`
    check: Callable[..., Any]  # paths, settings, listen, plot, terminal, stdin


def _settle_forecast(config: PrepareConfig, columns: PrepareOfTasks) -> PrepareConfig:
    check_split_sizes(config.val, config.test)
    return config


def _settle_sequences(config: PrepareConfig, columns: PrepareOfTasks) -> ClassifyPrepareConfig:
    return join_settings(ClassifyPrepareConfig, config, columns)


def _check_forecast(
    paths: Sequence[str],
    config: PrepareConfig,
    listen: Listener,
    plot: str | None,
    terminal: Terminal | None,
    stdin: BinaryIO | None,
) -> "CheckReport":
    from lstm_cli.steps.check.series import check_series

    return check_series(paths, config, listen, plot=plot, terminal=terminal, stdin=stdin)


def _check_sequences(
    paths: Sequence[str],
    config: ClassifyPrepareConfig,
    listen: Listener,
    plot: str | None,
    terminal: Terminal | None,
    stdin: BinaryIO | None,
) -> "CheckSequencesReport":
    from lstm_cli.steps.check.sequences import check_sequences

    return check_sequences(paths, config, listen, plot=plot, stdin=stdin)


WORK: Mapping[str, CheckWork] = {
    FORECAST.name: CheckWork(settle=_settle_forecast, check=_check_forecast),
    CLASSIFY.name: CheckWork(settle=_settle_sequences, check=_check_sequences),
}
