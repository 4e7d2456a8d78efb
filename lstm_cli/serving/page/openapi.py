"""OpenAPI 3.1 document of a served run, from its own columns, units, series and limits."""

from typing import Any

from lstm_cli import __version__
from lstm_cli.serving.model.description import RunDescription
from lstm_cli.serving.model.media_types import CSV, JSON, PARQUET
from lstm_cli.serving.page.examples import example_components, request_examples
from lstm_cli.serving.page.limits import ServerLimits, size_text
from lstm_cli.serving.page.responses import answer, error_components, errors, json_answer, text_answer
from lstm_cli.serving.page.schemas import Json, components, reference

FORECASTS, NAMES_OF_OTHERS, OPERATION = "Forecasts", "Names of other servers", "Operation"


def openapi_document(description: RunDescription, limits: ServerLimits) -> dict[str, Any]:
    """Return the document of a server, as JSON values.

    Args:
        description: the served model.
        limits: limits of the server.
    """
    paths = {
        "/v1/forecast": {
            "get": _newest(description, limits),
            "post": _forecast(description, limits),
        },
        "/invocations": {"post": _invocations(description, limits)},
    }
    return assemble_document(
        {
            "title": f"Forecast of {', '.join(targets(description))}: {description.name}",
            "summary": summary(description),
            "description": _about(description, limits),
        },
        paths,
        {
            "schemas": components(description),
            "requestBodies": {"Rows": _body(description)},
            "examples": example_components(description),
        },
        limits,
        tag=FORECASTS,
    )


def assemble_document(info: Json, paths: Json, parts: Json, limits: ServerLimits, *, tag: str) -> Json:
    """Return a document with the routes that every server has.

    Args:
        info: title, summary and description.
        paths: routes of the task.
        parts: components of the routes of the task.
        limits: limits of the server.
        tag: name of the group of these routes.
    """
    document: Json = {
        "openapi": "3.1.0",
        "info": {"version": __version__, **info},
        "servers": [{"url": ".", "description": "This server."}],
        "tags": [{"name": name} for name in (tag, NAMES_OF_OTHERS, OPERATION)],
        "paths": {
            **paths,
            "/ping": {
                "get": _health("ping", "Return whether the server is ready, under the name of SageMaker.")
            },
            "/v2/health/live": {"get": _health("live", "Return whether the server runs.", can_fail=False)},
            "/v2/health/ready": {"get": _health("ready", "Return whether the server is ready for requests.")},
            "/metrics": {
                "get": _plain(
                    "metrics",
                    "Return the metrics in the text format of Prometheus.",
                    text_answer("Metrics.", "text/plain"),
                    limits,
                )
            },
            "/openapi.json": {
                "get": _plain("document", "Return this document.", json_answer("This document."), limits)
            },
            "/": {
                "get": _plain(
                    "page", "Return a page with a form.", text_answer("The page.", "text/html"), limits
                )
            },
        },
        "components": {**parts, "responses": error_components()},
    }
    if limits.needs_token:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    return document


def targets(description: RunDescription) -> list[str]:
    """Return the names of the targets; of a wide run, its first series."""
    names = [column.name for column in description.columns if column.role == "target"]
    return names[:3] or [*description.series[:3]]


def summary(description: RunDescription) -> str:
    """Return what the model forecasts, in one sentence."""
    step = f" (frequency {description.step})" if description.step else ""
    series = f" for {description.series_count:,} series" if description.series_count > 1 else ""
    return (
        f"{description.horizon:,} steps{step}{series} after the last row, from {description.lookback:,} rows"
    )


def _about(description: RunDescription, limits: ServerLimits) -> str:
    least = "1 row" if description.min_rows == 1 else f"{description.min_rows:,} rows"
    parts = [
        f"Model version {description.version} of the run {description.name}. "
        f"A forecast reads the last {description.lookback:,} rows of a series, and needs at least {least}.",
        "Rows are CSV, JSON or Parquet, in the units of the file of the run. Columns that are not listed are ignored.",
    ]
    if description.names_without_header:
        parts.append("A CSV body has no header, as the file of the run.")
    if description.needs_future:
        parts.append(
            "Rows after the last target hold the known-ahead covariates, one row for each step of the forecast."
        )
    parts.append(
        f"A body has at most {size_text(limits.max_body)}, also after decompression. "
        f"A request ends after {limits.timeout:g} s at the latest."
    )
    return "\n\n".join(parts)


def _forecast(description: RunDescription, limits: ServerLimits) -> Json:
    return _post(
        "forecast",
        FORECASTS,
        "Forecast the steps after the last row of the body. The figures are those of `lstm predict RUN NEW`.",
        answer("Forecast"),
        description,
        limits,
    )


def _invocations(description: RunDescription, limits: ServerLimits) -> Json:
    return _post(
        "invocations",
        NAMES_OF_OTHERS,
        "Forecast the steps after the last row of the body, under the name of MLflow and SageMaker.",
        answer("Predictions"),
        description,
        limits,
    )


def _post(
    name: str, tag: str, text: str, answered: Json, description: RunDescription, limits: ServerLimits
) -> Json:
    return {
        "operationId": name,
        "tags": [tag],
        "summary": text,
        "parameters": query_parameters(description),
        "requestBody": {"$ref": "#/components/requestBodies/Rows"},
        "responses": {
            "200": answered,
            **errors(400, 406, 408, 413, 415, 422, 503, 504, needs_token=limits.needs_token),
        },
    }


def _body(description: RunDescription) -> Json:
    """Return the body with rows, which both names of the forecast accept."""
    wrapped = [
        {"type": "object", "required": [name], "properties": {name: reference(schema)}}
        for name, schema in (("dataframe_split", "Split"), ("dataframe_records", "Records"))
    ]
    json_examples = request_examples(description, "records", "split", "dataframe_split")
    return {
        "description": "Rows. `Content-Encoding` may be gzip or deflate.",
        "required": True,
        "content": {
            CSV: {"schema": {"type": "string"}, "examples": request_examples(description, "csv")},
            JSON: {
                "schema": {"anyOf": [reference("Records"), reference("Split"), *wrapped]},
                "examples": json_examples,
            },
            PARQUET: {},
        },
    }


def _newest(description: RunDescription, limits: ServerLimits) -> Json:
    responses = {
        "200": answer("Forecast", etag=True),
        "304": {"description": "The forecast has the ETag of `If-None-Match`."},
        **errors(400, 404, 406, 422, 503, 504, needs_token=limits.needs_token),
    }
    return {
        "operationId": "newest",
        "tags": [FORECASTS],
        "summary": "Return the forecast after the last row of the run.",
        "description": "It is computed once for each version of the model.",
        "parameters": [
            *query_parameters(description),
            {
                "name": "If-None-Match",
                "in": "header",
                "description": "ETag of an answer that the client has.",
                "schema": {"type": "string"},
            },
        ],
        "responses": responses,
    }


def query_parameters(description: RunDescription) -> list[Json]:
    """Return the query values of a forecast."""
    parameters: list[Json] = [
        {
            "name": "horizon",
            "in": "query",
            "description": f"Steps of the forecast. More than {description.horizon:,} are fed back as inputs.",
            "schema": {
                "type": "integer",
                "minimum": 1,
                "maximum": description.max_horizon,
                "default": description.horizon,
            },
        }
    ]
    if description.quantile_range is not None:
        low, high = (round(value, 6) for value in description.quantile_range)
        parameters.append(
            {
                "name": "quantiles",
                "in": "query",
                "description": "Probabilities, with commas between them. The answer has a column for each.",
                "style": "form",
                "explode": False,
                "schema": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": "number", "minimum": low, "maximum": high},
                },
                "example": [value for value in (0.1, 0.5, 0.9) if low <= value <= high] or [low],
            }
        )
        parameters.append(
            {
                "name": "intervals",
                "in": "query",
                "description": "Whether the answer has prediction intervals. Without them, it is computed faster.",
                "schema": {"type": "boolean", "default": True},
            }
        )
    if description.series:
        parameters.append(
            {
                "name": "series",
                "in": "query",
                "description": f"Name of a series to forecast. It may be repeated. The model knows "
                f"{description.series_count:,} series.",
                "style": "form",
                "explode": True,
                "schema": {"type": "array", "minItems": 1, "items": {"type": "string"}},
                "example": [description.series[0]],
            }
        )
    return parameters


def _health(name: str, text: str, *, can_fail: bool = True) -> Json:
    statuses = (503,) if can_fail else ()
    responses: Json = {"200": json_answer("Yes.", "Health"), **errors(*statuses, needs_token=False)}
    return {"operationId": name, "tags": [OPERATION], "summary": text, "security": [], "responses": responses}


def _plain(name: str, text: str, answered: Json, limits: ServerLimits) -> Json:
    return {
        "operationId": name,
        "tags": [OPERATION],
        "summary": text,
        "responses": {"200": answered, **errors(needs_token=limits.needs_token)},
    }
