"""Answers and errors of the OpenAPI document."""

from lstm_cli.serving.model.media_types import CSV, JSON, PARQUET
from lstm_cli.serving.page.schemas import Json, reference

REQUEST_ID, VERSION, WARNINGS = "X-Request-Id", "LSTM-Model-Version", "LSTM-Warnings"
ERRORS = {
    400: "The body is malformed, or a query value is unknown or malformed.",
    401: "The token is missing or wrong.",
    404: "Not found: there is no such path, or the run has no data for it.",
    405: "The path does not have this method.",
    406: "The server writes no media type of `Accept`.",
    408: "The body arrived too slowly.",
    413: "The body is too large, also after decompression.",
    415: "The media type or the encoding of the body is not supported.",
    422: "The rows do not fit the model. The message has line and column.",
    431: "The headers are too large.",
    500: "An error of the server. Its log has the request id.",
    503: "The server is not ready, its queue is full, or memory is short.",
    504: "The answer took longer than the time limit.",
}


def error_components() -> Json:
    """Return the answer of each error by its status."""
    result: Json = {}
    for status, text in ERRORS.items():
        headers = {REQUEST_ID: _header("Id of the request in the log of the server.")}
        if status == 401:
            headers["WWW-Authenticate"] = _header("Bearer.")
        if status == 405:
            headers["Allow"] = _header("Methods of the path.")
        if status == 503:
            headers["Retry-After"] = {
                "description": "Seconds to wait.",
                "schema": {"type": "integer", "minimum": 1},
            }
        result[str(status)] = {
            "description": text,
            "headers": headers,
            "content": {JSON: {"schema": reference("Error")}},
        }
    return result


def errors(*statuses: int, needs_token: bool) -> Json:
    """Return the errors of an operation. 405, 431 and 500 belong to each, and 401 to each one that needs a token.

    Args:
        statuses: other errors.
        needs_token: whether the operation needs a token.
    """
    every = {*statuses, 405, 431, 500, *([401] if needs_token else [])}
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(every)}


def answer(
    schema: str,
    *,
    etag: bool = False,
    about: str = "Forecast, with a row for each step of each series.",
    with_parquet: bool = True,
) -> Json:
    """Return the answer in JSON, CSV or Parquet, by `Accept`.

    Args:
        schema: name of the JSON schema.
        etag: the answer has an ETag.
        about: content of the answer.
        with_parquet: whether the answer can be Parquet.
    """
    headers = {
        VERSION: _header("Version of the model that made the answer."),
        REQUEST_ID: _header("Id of the request in the log of the server."),
        WARNINGS: _header("Warnings of an answer in CSV or Parquet, as a JSON list of texts."),
    }
    if etag:
        headers["ETag"] = _header("Tag of this forecast.")
    return {
        "description": about,
        "headers": headers,
        "content": {
            JSON: {"schema": reference(schema)},
            CSV: {"schema": {"type": "string"}},
            **({PARQUET: {}} if with_parquet else {}),
        },
    }


def json_answer(text: str, schema: str | None = None) -> Json:
    """Return an answer with a JSON object."""
    content = {"schema": reference(schema) if schema else {"type": "object"}}
    return {"description": text, "content": {JSON: content}}


def text_answer(text: str, media_type: str) -> Json:
    """Return an answer with a text."""
    return {"description": text, "content": {media_type: {"schema": {"type": "string"}}}}


def _header(text: str) -> Json:
    return {"description": text, "schema": {"type": "string"}}
