"""Facts of a served run that the routes need, for each task."""

import hashlib
from dataclasses import dataclass

from lstm_cli import __version__
from lstm_cli.rundir import Run, list_versions, version_number
from lstm_cli.tasks.records import CLASSIFY, FORECAST


@dataclass(frozen=True, kw_only=True)
class Service:
    """Route of a task, and what it accepts."""

    task: str
    path: str
    key: str  # of the result in a JSON answer
    has_newest: bool  # GET answers from the rows of the run
    query_names: tuple[str, ...]  # of the query values
    writes_parquet: bool  # as `predict` does
    example: str = ""  # words of a curl command after the address of the route


FORECASTS = Service(
    task=FORECAST.name,
    path="/v1/forecast",
    key="forecast",
    has_newest=True,
    query_names=("horizon", "quantiles", "intervals", "series"),
    writes_parquet=True,
)
CLASSES = Service(
    task=CLASSIFY.name,
    path="/v1/classify",
    key="predictions",
    has_newest=False,
    query_names=(),
    writes_parquet=False,
    example=" -H 'Content-Type: text/csv' --data-binary @sequences.csv",
)
SERVICES = {service.task: service for service in (FORECASTS, CLASSES)}


def version_of(run: Run) -> str:
    """Return the number of the version of a run's model, as text."""
    return str(version_number(list_versions(run.steps, run.models)[-1]))


def etag_of(run: Run) -> str:
    """Return a name of the model, the quantized model and the data of a run, and of the program."""
    digests = (run.digest(name) or "" for name in ("model", "quantized", "data"))
    return hashlib.sha256(" ".join((__version__, *digests)).encode()).hexdigest()[:32]
