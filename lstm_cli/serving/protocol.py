"""Protocol of a model in memory, which the routes use without knowing its task."""

from collections.abc import Sequence
from typing import Any, Protocol

from lstm_cli.serving.model.answer import Answer
from lstm_cli.serving.model.request import ForecastQuery
from lstm_cli.serving.service import Service


class ReadBody(Protocol):
    """Content of a body, ready for the model."""

    @property
    def windows(self) -> int:
        """Return the number of windows or sequences for the model; --max-batch counts them."""


class Served(Protocol):
    """Model of a run in memory. `read` and `write` can run in several threads at once; one thread calls `forecast`."""

    name: str
    version: str
    etag: str
    service: Service

    def read(self, body: bytes, media_type: str, query: ForecastQuery) -> Any:
        """Return the content of a body as a ReadBody.

        Args:
            body: body after decompression.
            media_type: one of MEDIA_TYPES.
            query: query values.
        """

    def newest(self, query: ForecastQuery) -> Any:
        """Return the run's own rows as a ReadBody, for GET."""

    def forecast(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return the result of each request, or its error, from one batch."""

    def write(self, rows: Any, forecast: Any, media_type: str, *, key: str) -> Answer:
        """Return the encoded result.

        Args:
            rows: content of the body.
            forecast: result of the model.
            media_type: one of MEDIA_TYPES.
            key: key of the result in a JSON body.
        """

    def newest_row(self) -> float | None:
        """Return the time of the newest row of the run's data, in seconds of Unix time; None if there is none."""

    def warm_up(self) -> None:
        """Load what the first body would wait for."""

    def describe(self) -> Any:
        """Return the description of the run for the OpenAPI document and the page."""
