"""Rows of one request, ready for the model."""

from collections.abc import Callable
from dataclasses import dataclass, field

from lstm_cli.data.dataset.windows import Batch
from lstm_cli.data.forecast.fed_back import ModelRuns
from lstm_cli.data.forecast.output import Forecast
from lstm_cli.findings import Finding
from lstm_cli.serving.model.plain_forecasts import PlainForecasts
from lstm_cli.serving.model.plain_window import PlainWindow


@dataclass(frozen=True, kw_only=True)
class Started:
    """Forecast that waits for the model, or is complete because no series needs it."""

    runs: ModelRuns[Forecast]
    waiting: Batch | None  # windows for the model
    result: Forecast | None = None


@dataclass(frozen=True, kw_only=True)
class TableRows:
    """Rows that were read as a table, of any number of series."""

    make_runs: Callable[[], ModelRuns[Forecast]]
    started: list[Started] = field(default_factory=list)  # the forecast, until it is taken

    def take(self) -> Started:
        """Return the forecast up to its first windows. Only the first call has it ready."""
        return self.started.pop() if self.started else start(self.make_runs())


@dataclass(frozen=True, kw_only=True)
class PlainRows:
    """Rows of one plain window. Requests with the same `forecasts` are computed together."""

    window: PlainWindow
    forecasts: PlainForecasts


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of one request. Only `windows` and `findings` are for others than `ServedModel`."""

    windows: int  # windows of the model, at least 1; --max-batch counts them
    findings: tuple[Finding, ...]  # warnings of the reader and the forecast
    _data: TableRows | PlainRows


def start(runs: ModelRuns[Forecast]) -> Started:
    """Return a forecast up to its first windows. Raise the errors of the forecast up to there."""
    try:
        return Started(runs=runs, waiting=next(runs))
    except StopIteration as end:
        return Started(runs=runs, waiting=None, result=end.value)
