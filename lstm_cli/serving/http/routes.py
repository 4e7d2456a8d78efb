"""Routes of the server and their handlers."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeVar

from lstm_cli.config.serve import ServeConfig
from lstm_cli.serving.http.application import Route
from lstm_cli.serving.http.batches import Batches, timeout_error
from lstm_cli.serving.http.loaded_model import LoadedModel
from lstm_cli.serving.http.metrics import Metrics
from lstm_cli.serving.http.request import Request, Response
from lstm_cli.serving.messages.deadlines import Deadline, Deadlines
from lstm_cli.serving.messages.http_error import RETRY_SOON, HttpError, too_many_requests
from lstm_cli.serving.messages.media_types import answer_type, body_type
from lstm_cli.serving.messages.query_values import parse_query
from lstm_cli.serving.messages.request_body import (
    BodyMemory,
    Receive,
    content_encoding,
    decompress,
    read_body,
    require_size,
)
from lstm_cli.serving.model import CSV, JSON, MEDIA_TYPES, Answer, ForecastQuery
from lstm_cli.serving.protocol import ReadBody
from lstm_cli.serving.service import FORECASTS, SERVICES, Service

Value = TypeVar("Value")
CONTENT_TYPES = {name: name.encode() for name in MEDIA_TYPES} | {CSV: b"text/csv; charset=utf-8"}
SMALL_BODY = 32 << 10  # bytes; a larger body is read in a thread, so that other requests go on
SMALL_ANSWER = 16  # windows; a larger answer is written in a thread
MAX_WARNINGS = 4_000  # characters of the header with the warnings


class Routes:
    """Handlers of the routes.

    Args:
        config: settings of the server.
        batches: queue in front of the model.
        metrics: metrics of the server.
        executor: threads for large bodies.
        service: route of the task.
    """

    def __init__(
        self,
        config: ServeConfig,
        *,
        batches: Batches,
        metrics: Metrics,
        executor: Executor,
        service: Service = FORECASTS,
    ) -> None:
        self.is_ready = True
        self._service = service
        self._config, self._batches, self._metrics, self._executor = config, batches, metrics, executor
        self._memory = BodyMemory(config.max_body)
        self._deadlines = Deadlines(config.timeout)
        self._in_threads = 0
        self._loop = asyncio.get_running_loop()

    def table(self) -> dict[str, Route]:
        """Return the route of each path."""
        newest = {"GET": self.newest} if self._service.has_newest else {}
        others = {
            other.path: Route(handlers={"GET": self.other_task, "POST": self.other_task}, is_listed=False)
            for other in SERVICES.values()
            if other.path != self._service.path
        }
        return others | {
            self._service.path: Route(handlers={**newest, "POST": self.forecast}),
            "/invocations": Route(handlers={"POST": self.invocations}),
            "/ping": Route(handlers={"GET": self.ready}, is_open=True, is_logged=False),
            "/v2/health/live": Route(handlers={"GET": self.live}, is_open=True, is_logged=False),
            "/v2/health/ready": Route(handlers={"GET": self.ready}, is_open=True, is_logged=False),
            "/metrics": Route(handlers={"GET": self.metrics}, is_logged=False),
        }

    async def forecast(self, request: Request, receive: Receive) -> Response:
        """Answer from the rows of the body."""
        return await self._forecast(request, receive, key=self._service.key)

    async def other_task(self, request: Request, receive: Receive) -> Response:
        """Refuse a request for another task, and name the route of this one."""
        raise HttpError(
            404, f"this run does not answer {request.path}", hint=f"its route is POST {self._service.path}"
        )

    async def invocations(self, request: Request, receive: Receive) -> Response:
        """Answer the same, in JSON under the key of MLflow."""
        return await self._forecast(request, receive, key="predictions")

    async def _forecast(self, request: Request, receive: Receive, *, key: str) -> Response:
        headers, model, service = request.headers, request.loaded.model, self._service
        media_type = answer_type(headers.get(b"accept", b""), with_parquet=service.writes_parquet)
        query = parse_query(request.query, service.query_names)
        read_as = body_type(headers.get(b"content-type", b""))
        encoding = content_encoding(headers)
        require_size(headers, self._config.max_body)
        self._batches.require_room()
        body = await read_body(receive, self._memory, deadline=request.deadline)
        try:
            if len(body) <= SMALL_BODY and not encoding:
                rows = model.read(body, read_as, query)
            else:
                read = partial(self._read_large, request.loaded, body, encoding, read_as, query)
                rows = await self._in_thread(read, request.deadline)
        finally:
            self._memory.release(len(body))
        request.windows = rows.windows
        forecast = await self._batches.forecast(model, rows, deadline=request.deadline)
        if rows.windows <= SMALL_ANSWER:
            answer = model.write(rows, forecast, media_type, key=key)
        else:
            write = partial(model.write, rows, forecast, media_type, key=key)
            answer = await self._in_thread(write, request.deadline)
        return _response(answer)

    def _read_large(
        self, loaded: LoadedModel, body: bytes, encoding: str, read_as: str, query: ForecastQuery
    ) -> ReadBody:
        if encoding:
            body = decompress(body, encoding, self._config.max_body)
        read: ReadBody = loaded.model.read(body, read_as, query)
        return read

    async def newest(self, request: Request, receive: Receive) -> Response:
        """Answer the forecast from the run's own rows. It is computed once per version, query and media type."""
        media_type = answer_type(request.headers.get(b"accept", b""))
        query = parse_query(request.query)
        loaded = request.loaded
        tag = _entity_tag(loaded, query, media_type)
        headers = ((b"etag", tag), (b"vary", b"Accept"), (b"cache-control", b"no-cache"))
        if _matches(request.headers.get(b"if-none-match"), tag):
            return Response(304, headers=headers)
        task = loaded.newest(query, media_type, partial(self._compute_newest, request, query, media_type))
        try:
            async with asyncio.timeout_at(request.deadline.at):
                answer = await asyncio.shield(task)
        except TimeoutError:
            raise timeout_error() from None
        return _response(answer, headers)

    async def _compute_newest(self, request: Request, query: ForecastQuery, media_type: str) -> Answer:
        loaded, deadline = (
            request.loaded,
            self._deadlines.begin(),
        )  # others may wait for it longer than this request
        try:
            rows = await self._in_thread(partial(loaded.model.newest, query), deadline)
            request.windows = rows.windows
            forecast = await self._batches.forecast(loaded.model, rows, deadline=deadline)
            return await self._in_thread(
                partial(loaded.model.write, rows, forecast, media_type, key=self._service.key), deadline
            )
        finally:
            self._deadlines.end(deadline)

    async def _in_thread(self, work: Callable[[], Value], deadline: Deadline) -> Value:
        """Return the result of a function that runs in a thread. Raises HttpError 503 if many wait, and 504."""
        if self._in_threads >= self._config.queue:
            raise too_many_requests("too many large requests wait")
        self._in_threads += 1
        future = self._loop.run_in_executor(self._executor, work)
        future.add_done_callback(self._leave_thread)
        try:
            async with asyncio.timeout_at(deadline.at):
                return await future
        except TimeoutError:
            raise timeout_error() from None

    def _leave_thread(self, future: "asyncio.Future[Any]") -> None:
        self._in_threads -= 1

    async def live(self, request: Request, receive: Receive) -> Response:
        """Answer that the process runs."""
        return Response(body=b'{"live": true}\n')

    async def ready(self, request: Request, receive: Receive) -> Response:
        """Answer whether the server accepts requests. The model has made a forecast before the server starts."""
        if not self.is_ready:
            raise HttpError(
                503, "the server stops", hint="send the request to another server", headers=RETRY_SOON
            )
        return Response(body=b'{"ready": true}\n')

    async def metrics(self, request: Request, receive: Receive) -> Response:
        """Answer the metrics for Prometheus."""
        return Response(body=self._metrics.render(), content_type=self._metrics.content_type)


def _response(answer: Answer, headers: Any = ()) -> Response:
    """Return the response of an answer. A JSON body has the warnings; other types have them in a header."""
    if answer.warnings and answer.media_type != JSON:
        texts = [finding.text for finding in answer.warnings]
        while len(json.dumps(texts)) > MAX_WARNINGS:
            texts.pop()
        headers = (*headers, (b"lstm-warnings", json.dumps(texts).encode()))
    return Response(body=answer.body, content_type=CONTENT_TYPES[answer.media_type], headers=headers)


def _entity_tag(loaded: LoadedModel, query: ForecastQuery, media_type: str) -> bytes:
    text = f"{loaded.model.etag} {query!r} {media_type}"
    return b'"%s"' % hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32].encode()


def _matches(if_none_match: bytes | None, tag: bytes) -> bool:
    """Return whether the client has the answer already."""
    if if_none_match is None:
        return False
    tags = [item.strip().removeprefix(b"W/") for item in if_none_match.split(b",")]
    return tag in tags or tags == [b"*"]
