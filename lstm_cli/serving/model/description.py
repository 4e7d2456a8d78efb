"""Description of a run for the OpenAPI document and the page: plain data."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ColumnDescription:
    """Column of the rows of a request."""

    name: str
    role: str  # time, series, target, past, future or static
    kind: str  # time, whole (a time that counts), number, or text
    unit: str = ""  # e.g. "$"; "" without a unit
    categories: tuple[str, ...] = ()  # known values of a text column
    decimals: int | None = None  # of a target, in the file; None: unknown, or no target


@dataclass(frozen=True, kw_only=True)
class RunDescription:
    """Description of the served model."""

    name: str  # name of the run directory, without its path
    version: str
    columns: tuple[ColumnDescription, ...]  # in the order time, series, targets, past, future, static
    delimiter: str  # of CSV bodies and answers
    wide: bool  # bodies are wide: one column per series
    step: str  # e.g. "1h", as --freq writes it; "" if rows are the steps
    time_format: str  # example of a time as the file writes it; "" without a time column
    time_zone: str  # zone of the times; "" if they are on the clock of the file
    lookback: int  # rows that the model reads before a forecast
    horizon: int  # steps of a forecast without ?horizon
    max_horizon: int  # largest ?horizon
    min_rows: int  # fewest rows of a series before the forecast
    series: tuple[
        str, ...
    ] = ()  # first names of the series that the model knows, at most 20; () for one series
    series_count: int = 1
    levels: tuple[float, ...] = ()  # percent, of the intervals in each answer
    quantile_range: tuple[float, float] | None = None  # lowest and highest ?quantiles; None: no quantiles
    needs_future: bool = False  # rows after the last target must hold the future covariates
    answer_columns: tuple[str, ...] = ()  # header of an answer without ?quantiles
    # Rows of a request that works, of the run's own data: JSON records, and the same rows as CSV. Empty if the
    # run's data are gone.
    example_records: tuple[dict[str, Any], ...] = field(default=())
    example_csv: str = ""
    names_without_header: tuple[str, ...] = ()  # columns of a CSV body; () if its header names them
