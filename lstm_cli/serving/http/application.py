"""ASGI application: routes, access, errors as JSON, and the headers of each answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from traceback import format_exception
from typing import Any

from lstm_cli import __version__
from lstm_cli.serving.http.access_log import AccessLog
from lstm_cli.serving.http.loaded_model import ModelReloader, Print
from lstm_cli.serving.http.metrics import Metrics
from lstm_cli.serving.http.request import Request, Response, new_request
from lstm_cli.serving.messages.deadlines import Deadlines
from lstm_cli.serving.messages.http_error import CLOSE, HttpError, as_http_error
from lstm_cli.serving.messages.request_body import ClientGone, Receive
from lstm_cli.serving.messages.tokens import Tokens
from lstm_cli.serving.model import ForecastFailed

Handler = Callable[[Request, Receive], Awaitable[Response]]
Send = Callable[[Any], Awaitable[None]]
OTHER = "other"  # route of a request without one, in the metrics
CLIENT_GONE = 499  # status in the log and the metrics if the client closed the connection, as in nginx


@dataclass(frozen=True, kw_only=True)
class Route:
    """Path with its methods."""

    handlers: Mapping[str, Handler]
    is_open: bool = False  # no token
    is_logged: bool = True  # also if it succeeds
    is_listed: bool = True  # in the hint of a path that does not exist

    @property
    def allow(self) -> str:
        """Return the header Allow."""
        head = ["HEAD"] if "GET" in self.handlers else []
        return ", ".join([*self.handlers, *head, "OPTIONS"])


class Application:
    """ASGI application of the server.

    Args:
        routes: route of each path.
        models: model that answers.
        tokens: tokens of clients.
        metrics: metrics of the server.
        log: log of requests; None: no log.
        print_line: writes one line to stderr.
        timeout: maximum seconds of a request.
    """

    def __init__(
        self,
        routes: Mapping[str, Route],
        *,
        models: ModelReloader,
        tokens: Tokens,
        metrics: Metrics,
        log: AccessLog | None,
        print_line: Print,
        timeout: float,
    ) -> None:
        self.is_closing = False  # the server stops, so each connection ends with its answer
        self.unfinished = 0  # requests that were cancelled at the end of --grace
        self.answers: dict[int, int] = {}  # number of answers by status
        self._routes, self._models, self._tokens = routes, models, tokens
        self._listed = [path for path, route in routes.items() if route.is_listed]
        self._metrics, self._log, self._print = metrics, log, print_line
        self._deadlines = Deadlines(timeout)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer a request of ASGI."""
        started = perf_counter()  # the clock of the loop has milliseconds
        request = new_request(scope, self._models.current, self._deadlines.begin())
        route = self._routes.get(request.path)
        try:
            response = await self._respond(request, route, receive)
            status = response.status
            await self._send(request, response, send)
        except ClientGone:
            status = CLIENT_GONE
        finally:
            self._deadlines.end(request.deadline)
        seconds = perf_counter() - started
        self.answers[status] = self.answers.get(status, 0) + 1
        self._metrics.count_request(OTHER if route is None else request.path, status, seconds)
        if self._log is not None and (route is None or route.is_logged or status >= 400):
            version = request.loaded.model.version
            done = (request.method, request.path, status, request.code, round(seconds, 6), request.windows)
            self._log.add(*done, version, request.id)

    async def _respond(self, request: Request, route: Route | None, receive: Receive) -> Response:
        """Return the answer to a request, which may be an error."""
        try:
            if route is None or not route.is_open:
                self._tokens.require(request.headers.get(b"authorization"))
            if route is None:
                raise HttpError(404, "there is no such path", hint=f"the paths are {', '.join(self._listed)}")
            handler = route.handlers.get("GET" if request.method == "HEAD" else request.method)
            if handler is None:
                return _other_method(request, route)
            return await handler(request, receive)
        except ClientGone:
            raise
        except asyncio.CancelledError:  # --grace is over
            self.unfinished += 1
            error: HttpError | None = HttpError(
                503, "the server stops", hint="send the request again", headers=CLOSE
            )
        except Exception as problem:
            error = as_http_error(problem)
            if error is None:
                self._report_bug(request, problem)
                hint = f"report request id {request.id} to the operator, whose log has the details"
                error = HttpError(500, "the server has a bug", hint=hint)
        assert error is not None
        request.code = error.code
        return Response(error.status, error.body(request.id), headers=error.headers)

    async def _send(self, request: Request, response: Response, send: Send) -> None:
        headers = [
            (b"content-type", response.content_type),
            (b"content-length", b"%d" % len(response.body)),
            request.loaded.version_header,
            (b"x-request-id", request.id.encode()),
            *response.headers,
        ]
        if response.status in (204, 304):
            del headers[:2]
        if self.is_closing:
            headers += CLOSE
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    def count_refused(self, status: int) -> None:
        """Count a request that was refused before it had a path."""
        self.answers[status] = self.answers.get(status, 0) + 1
        self._metrics.count_request(OTHER, status, 0.0)

    def _report_bug(self, request: Request, error: Exception) -> None:
        """Write the traceback of a bug to stderr, with the id that the client gets."""
        if isinstance(error, ForecastFailed) and isinstance(error.__cause__, Exception):
            error = error.__cause__
        for line in "".join(format_exception(error)).splitlines():
            self._print("traceback", line, {"text": line, "request_id": request.id})
        text = f"request {request.id}: this is a bug in lstm {__version__}: {type(error).__name__}: {error}"
        hint = "please report it with the lines above"
        self._print(
            "error", f"error: {text}; hint: {hint}", {"message": text, "hint": hint, "request_id": request.id}
        )


def _other_method(request: Request, route: Route) -> Response:
    """Return the answer to OPTIONS. Raises HttpError 405 for a method that the route does not have."""
    allow = ((b"allow", route.allow.encode()),)
    if request.method == "OPTIONS":
        return Response(204, headers=allow)
    raise HttpError(
        405, f"{request.method} is not possible here", hint=f"use one of {route.allow}", headers=allow
    )
