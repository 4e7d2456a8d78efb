"""Request and response of one exchange, without a framework: the routes have no parameters."""

import itertools
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lstm_cli.serving.http.loaded_model import LoadedModel
from lstm_cli.serving.messages.deadlines import Deadline
from lstm_cli.serving.messages.http_error import Headers

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_PREFIX, _counter = secrets.token_hex(4), itertools.count(1)
JSON_TYPE = b"application/json"


@dataclass(slots=True)
class Request:
    """Request with its headers; the fields at the end are filled in while it is answered."""

    method: str
    path: str
    query: bytes
    headers: Mapping[bytes, bytes]  # lower-case names
    id: str
    loaded: LoadedModel  # model that answers, even if it is replaced meanwhile
    deadline: Deadline
    windows: int = 0  # that the model computed for it
    code: str = ""  # of the error


@dataclass(slots=True)
class Response:
    """Answer with its body in memory."""

    status: int = 200
    body: bytes = b""
    content_type: bytes = JSON_TYPE
    headers: Headers = field(default=())


def new_request(scope: Mapping[str, Any], loaded: LoadedModel, deadline: Deadline) -> Request:
    """Return the request of an ASGI scope.

    Args:
        scope: scope of the connection.
        loaded: model that answers.
        deadline: end of the time for the answer.
    """
    headers = dict(scope["headers"])
    given = headers.get(b"x-request-id")
    is_sane = given is not None and _REQUEST_ID.fullmatch(given) is not None
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"],
        headers=headers,
        id=given.decode() if given is not None and is_sane else new_request_id(),
        loaded=loaded,
        deadline=deadline,
    )


def new_request_id() -> str:
    """Return an id that no other request of this machine has."""
    return f"{_PREFIX}-{next(_counter):x}"
