"""Work of `prepare` for each task. The modules of the work are imported late, because an up-to-date run needs none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from lstm_cli.config import PrepareConfig
from lstm_cli.config.classify import ClassifyPrepareConfig, join_settings
from lstm_cli.config.generate import GeneratePrepareConfig
from lstm_cli.config.prepare import TaskChoice
from lstm_cli.config.tasks import PrepareOfTasks
from lstm_cli.data.build.splits import check_split_sizes
from lstm_cli.events import Listener
from lstm_cli.rundir import Writer
from lstm_cli.steps.prepare.report import PrepareReport
from lstm_cli.tasks.records import CLASSIFY, FORECAST, GENERATE

if TYPE_CHECKING:
    from lstm_cli.steps.prepare.sequences import PrepareSequencesReport
    from lstm_cli.steps.prepare.text import PrepareTextReport

AnyReport: TypeAlias = "PrepareReport | PrepareSequencesReport | PrepareTextReport"


@dataclass(frozen=True, kw_only=True)
class PrepareWork:
    """Functions of `prepare` for a task."""

    settle: Callable[[PrepareConfig, PrepareOfTasks], Any]  # returns the settings that the run stores
    report: Callable[[], type[Any]]
    prepare: Callable[[Writer, Sequence[str], Any, Listener, BinaryIO | None], Any]


def _settle_forecast(config: PrepareConfig, columns: PrepareOfTasks) -> PrepareConfig:
    check_split_sizes(config.val, config.test)
    return config


def _settle_sequences(config: PrepareConfig, columns: PrepareOfTasks) -> ClassifyPrepareConfig:
    return join_settings(ClassifyPrepareConfig, config, columns)


def _settle_text(config: PrepareConfig, columns: PrepareOfTasks) -> GeneratePrepareConfig:
    return join_settings(GeneratePrepareConfig, config, columns, TaskChoice(task=GENERATE.name))


def _report_of_sequences() -> "type[PrepareSequencesReport]":
    from lstm_cli.steps.prepare.sequences import PrepareSequencesReport

    return PrepareSequencesReport


def _report_of_text() -> "type[PrepareTextReport]":
    from lstm_cli.steps.prepare.text import PrepareTextReport

    return PrepareTextReport


def _prepare_forecast(
    writer: Writer, paths: Sequence[str], config: PrepareConfig, listen: Listener, stdin: BinaryIO | None
) -> PrepareReport:
    from lstm_cli.steps.prepare.run import prepare_run

    return prepare_run(writer, paths, config, listen, stdin=stdin)


def _prepare_sequences(
    writer: Writer,
    paths: Sequence[str],
    config: ClassifyPrepareConfig,
    listen: Listener,
    stdin: BinaryIO | None,
) -> "PrepareSequencesReport":
    from lstm_cli.steps.prepare.sequences import prepare_sequences

    return prepare_sequences(writer, paths, config, listen, stdin=stdin)


def _prepare_text(
    writer: Writer,
    paths: Sequence[str],
    config: GeneratePrepareConfig,
    listen: Listener,
    stdin: BinaryIO | None,
) -> "PrepareTextReport":
    from lstm_cli.steps.prepare.text import prepare_text

    return prepare_text(writer, paths, config, listen, stdin=stdin)


WORK: Mapping[str, PrepareWork] = {
    FORECAST.name: PrepareWork(
        settle=_settle_forecast, report=lambda: PrepareReport, prepare=_prepare_forecast
    ),
    CLASSIFY.name: PrepareWork(
        settle=_settle_sequences, report=_report_of_sequences, prepare=_prepare_sequences
    ),
    GENERATE.name: PrepareWork(settle=_settle_text, report=_report_of_text, prepare=_prepare_text),
}
