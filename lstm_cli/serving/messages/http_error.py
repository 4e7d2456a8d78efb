"""Errors as answers: status, message, hint and code."""

import json
from collections.abc import Sequence

from lstm_cli.errors import (
    DataError,
    DeviceError,
    LstmError,
    MissingArtifact,
    StaleArtifact,
    UsageError,
)
from lstm_cli.library_errors import is_out_of_memory
from lstm_cli.serving.model import BodyTooLarge, ForecastFailed, MalformedBody

Headers = Sequence[tuple[bytes, bytes]]
RETRY_SOON = ((b"retry-after", b"1"),)
RETRY_LATER = ((b"retry-after", b"60"),)  # after a command of the operator
CLOSE = ((b"connection", b"close"),)
# The code of each status, unless the data break a rule, whose id is the code.
CODES = {
    400: "malformed",
    401: "unauthorized",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    408: "timeout-of-body",
    413: "too-large",
    415: "unsupported-media-type",
    422: "data",
    431: "headers-too-large",
    500: "internal-error",
    503: "unavailable",
    504: "timeout",
}


class HttpError(Exception):
    """Error with a status, as the answer to a request.

    Args:
        status: HTTP status.
        error: the problem. It names no path of the machine.
        hint: what the client can do about it.
        headers: headers of the answer.
        code: word for programs; None: that of the status.
        line: line or row of the body.
        column: column of the body.
    """

    def __init__(
        self,
        status: int,
        error: str,
        *,
        hint: str = "",
        headers: Headers = (),
        code: str | None = None,
        line: int | None = None,
        column: str | None = None,
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.hint = hint
        self.headers = headers
        self.code = code or CODES[status]
        self.line = line
        self.column = column

    def body(self, request_id: str) -> bytes:
        """Return the JSON of the answer, in one line."""
        document: dict[str, str | int | None] = {
            "error": self.error,
            "hint": self.hint,
            "code": self.code,
            "request_id": request_id,
        }
        if self.line is not None or self.column is not None:
            document |= {"line": self.line, "column": self.column}
        return json.dumps(document, ensure_ascii=False, allow_nan=False).encode(errors="replace") + b"\n"


def too_many_requests(error: str) -> HttpError:
    """Return the error of a server that is full for a moment."""
    return HttpError(
        503, error, hint="send the request again after the seconds of Retry-After", headers=RETRY_SOON
    )


def as_http_error(error: Exception) -> HttpError | None:
    """Return the answer to an error of the model; None for a bug."""
    if isinstance(error, HttpError):
        return error
    if isinstance(error, DeviceError) or is_out_of_memory(error):
        return HttpError(
            503,
            "not enough memory for this request",
            hint="send fewer rows, or send the request again later",
            headers=RETRY_SOON,
            code="out-of-memory",
        )
    if isinstance(error, DataError):
        lines = error.at.lines if error.at is not None else ()
        return HttpError(
            422,
            error.message,
            hint=error.hint,
            code=error.rule,
            line=lines[0] if lines else None,
            column=error.at.column if error.at is not None else None,
        )
    if isinstance(error, BodyTooLarge):
        return HttpError(413, error.message, hint=error.hint)
    if isinstance(error, MalformedBody | UsageError):
        return HttpError(400, error.message, hint=error.hint)
    if isinstance(error, StaleArtifact):
        return HttpError(503, error.message, hint=error.hint, headers=RETRY_LATER, code="stale")
    if isinstance(error, MissingArtifact):
        return HttpError(404, error.message, hint=error.hint)
    if isinstance(error, LstmError) and not isinstance(error, ForecastFailed):
        return HttpError(500, error.message, hint=error.hint, code="model")
    return None
