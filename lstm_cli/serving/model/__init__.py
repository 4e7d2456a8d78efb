"""Model of a run in memory: request bodies in, forecasts out. It knows no HTTP library."""

from lstm_cli.serving.model.answer import Answer
from lstm_cli.serving.model.description import ColumnDescription, RunDescription
from lstm_cli.serving.model.media_types import CSV, JSON, MEDIA_TYPES, PARQUET
from lstm_cli.serving.model.request import BodyTooLarge, ForecastFailed, ForecastQuery, MalformedBody
from lstm_cli.serving.model.rows import Rows
from lstm_cli.serving.model.served_model import ServedModel

__all__ = [
    "CSV",
    "JSON",
    "MEDIA_TYPES",
    "PARQUET",
    "Answer",
    "BodyTooLarge",
    "ColumnDescription",
    "ForecastFailed",
    "ForecastQuery",
    "MalformedBody",
    "Rows",
    "RunDescription",
    "ServedModel",
]
