"""Work of `report` for each task: the facts of the page, and the report of the step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lstm_cli.config import ReportConfig
from lstm_cli.events import Listener
from lstm_cli.rundir import Run
from lstm_cli.steps.report.page_report import Page
from lstm_cli.tasks.records import CLASSIFY, FORECAST


@dataclass(frozen=True, kw_only=True)
class ReportWork:
    """Functions of `report` for a task."""

    make: Callable[[Run, ReportConfig, Listener], Page]
    reads: Callable[[Run], tuple[str, ...]]  # artifacts of the plan


def _forecast(run: Run, config: ReportConfig, listen: Listener) -> Page:
    from lstm_cli.steps.report.forecast import forecast_page

    return forecast_page(run, config, listen)


def _forecast_reads(run: Run) -> tuple[str, ...]:
    from lstm_cli.steps.report.stored_scores import load_scores

    scores, _ = load_scores(run)
    return ("data", "model", *(["quantized"] if scores.precision != "fp32" else []))


def _sequences(run: Run, config: ReportConfig, listen: Listener) -> Page:
    from lstm_cli.steps.report.sequences import sequences_page

    return sequences_page(run, config, listen)


def _sequences_reads(run: Run) -> tuple[str, ...]:
    from lstm_cli.steps.report.sequences import require_scores

    require_scores(run)
    return ("data", "model")


WORK: Mapping[str, ReportWork] = {
    FORECAST.name: ReportWork(make=_forecast, reads=_forecast_reads),
    CLASSIFY.name: ReportWork(make=_sequences, reads=_sequences_reads),
}
