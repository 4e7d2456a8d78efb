"""One version of the model of a run, loaded once and never changed."""

from collections.abc import Sequence
from pathlib import Path

from lstm_cli.data.forecast.output import Forecast
from lstm_cli.errors import LstmError
from lstm_cli.serving.model.answer import Answer
from lstm_cli.serving.model.description import RunDescription
from lstm_cli.serving.model.media_types import JSON
from lstm_cli.serving.model.query import ForecastQuery
from lstm_cli.serving.model.rows import Rows


class ServedModel:
    """Model of a run in memory.

    `read` and `write` can run in several threads at once, and next to `forecast`. One thread calls `forecast`.
    Errors of `read`, `forecast`, `write` and `newest` name no path of the machine. Those of `load` do.
    """

    version: str  # number of the model version, shown in each answer
    etag: str  # changes with the model, the quantized model and the data; without quotation marks

    @classmethod
    def load(cls, run: Path, *, threads: int | None) -> "ServedModel":
        """Return the model of a run, after one forecast with it.

        Args:
            run: run directory.
            threads: CPU threads of a forecast; None: all cores.

        Raises:
            LstmError: the run has no model, or a file of it is missing, corrupt, or of another version.
        """
        raise NotImplementedError

    def read(self, body: bytes, media_type: str, query: ForecastQuery) -> Rows:
        """Return the rows of a body.

        Args:
            body: rows in the file's units, after decompression.
            media_type: one of MEDIA_TYPES.
            query: query values.

        Raises:
            MalformedBody: the body is not of its media type (400).
            UsageError: the model cannot forecast as the query asks (400).
            DataError: the rows do not fit the model (422).
        """
        raise NotImplementedError

    def newest(self, query: ForecastQuery) -> Rows:
        """Return the run's own rows.

        Args:
            query: query values.

        Raises:
            UsageError: the model cannot forecast as the query asks (400).
            DataError: a named series is not found (422).
            MissingArtifact: the run has no data (404).
        """
        raise NotImplementedError

    def forecast(self, rows: Sequence[Rows]) -> list[Forecast | LstmError]:
        """Return the forecast of each request, or its error, from one batch. An error of one leaves the others alone.

        Requests may differ in horizon, quantiles and number of series.
        """
        raise NotImplementedError

    def write(self, rows: Rows, forecast: Forecast, media_type: str = JSON) -> Answer:
        """Return the encoded forecast.

        Args:
            rows: rows of the request.
            forecast: forecast of the rows.
            media_type: one of MEDIA_TYPES.
        """
        raise NotImplementedError

    def describe(self) -> RunDescription:
        """Return the description of the run."""
        raise NotImplementedError
