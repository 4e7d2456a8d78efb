"""Query values of a request, and the errors that are not about its data."""

from dataclasses import dataclass

from lstm_cli.errors import LstmError


@dataclass(frozen=True, kw_only=True)
class ForecastQuery:
    """Query values, as options of `lstm predict`: --horizon, --quantiles, --no-intervals, --only.

    Each number is in its range.
    """

    horizon: int | None = None  # steps, at least 1; None: the trained horizon
    quantiles: tuple[float, ...] = ()  # probabilities, above 0 and below 1
    intervals: bool = True  # prediction intervals
    series: tuple[str, ...] = ()  # names; (): all


class MalformedBody(LstmError):
    """Body that is not what its media type says: no JSON, no text, no Parquet. HTTP 400.

    Data that can be parsed and do not fit the model are a DataError, HTTP 422.
    """

    exit_code = 3


class BodyTooLarge(MalformedBody):
    """Body whose table is too large, such as a small Parquet file with many equal rows. HTTP 413."""


class ForecastFailed(LstmError):
    """Forecast that failed by a bug, which is the cause of the error. HTTP 500."""

    exit_code = 1
