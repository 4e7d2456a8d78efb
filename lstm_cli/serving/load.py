"""Model of a run, loaded as its task serves it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from lstm_cli.serving.protocol import Served
from lstm_cli.tasks.records import CLASSIFY, FORECAST
from lstm_cli.tasks.settle import stored_task


def load_served(run: Path, *, threads: int | None) -> Served:
    """Return the model of a run, after it has answered once.

    Args:
        run: run directory.
        threads: CPU threads of the model; None: all cores.

    Raises:
        UsageError: the task of the run is not served.
        LstmError: the run has no model, or a file of it is missing, corrupt, or of another version.
    """
    # The forecaster refuses a run whose task is not served.
    return LOADERS.get(stored_task(run).name, _load_forecaster)(run, threads)


def _load_forecaster(run: Path, threads: int | None) -> Served:
    from lstm_cli.serving.model import ServedModel

    return ServedModel.load(run, threads=threads)


def _load_classifier(run: Path, threads: int | None) -> Served:
    from lstm_cli.serving.sequences.served_classifier import ServedClassifier

    return ServedClassifier.load(run, threads=threads)


# The modules are imported late: the start of a server.
LOADERS: Mapping[str, Callable[[Path, int | None], Served]] = {
    FORECAST.name: _load_forecaster,
    CLASSIFY.name: _load_classifier,
}
