"""Tests of the limits of a connection: time of the headers, time without a request, number of connections."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from uvicorn.server import ServerState

from lstm_cli.serving.http.protocol import (
    HEADER_SECONDS,
    IDLE_SECONDS,
    UNREAD_SECONDS,
    JoinedTransport,
    LimitedConnection,
)
from lstm_cli.serving.http.server import _uvicorn_config

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
REQUEST = HEAD + b"\r\n"


class CountingApp:
    """Application that answers at once, and counts what was refused before it had a path."""

    def __init__(self) -> None:
        self.refused: list[int] = []

    def count_refused(self, status: int) -> None:
        self.refused.append(status)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


class Listening:
    """Server in this process with connections to it."""

    def __init__(self, port: int, state: ServerState, app: CountingApp) -> None:
        self._port, self._state, self.app = port, state, app

    async def connect(self, data: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return a new connection, as soon as the server knows it and has read the data."""
        before = len(self._state.connections)
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while len(self._state.connections) == before:
            await asyncio.sleep(0)
        connection = self.newest
        writer.write(data)
        while data and connection._headers_since is None and connection.cycle is None:
            await asyncio.sleep(0)
        self._last = connection
        return reader, writer

    @property
    def newest(self) -> LimitedConnection:
        """Return the newest connection of the server."""
        found = max(self._state.connections, key=lambda connection: connection._idle_since)
        assert isinstance(found, LimitedConnection)
        return found

    def close_if_slow(self, seconds: float) -> None:
        """Check the newest connection as if some seconds had passed."""
        self._last.close_if_slow(self._last.loop.time() + seconds)


def serve(work: Callable[[Listening], Awaitable[None]], max_connections: int = 100) -> CountingApp:
    """Return the application of a server, after `work` with connections to it."""

    async def main() -> CountingApp:
        app, state, loop = CountingApp(), ServerState(), asyncio.get_running_loop()
        config: Any = _uvicorn_config(app)  # type: ignore[arg-type]
        config.load()
        LimitedConnection.max_connections = max_connections
        server = await loop.create_server(
            lambda: LimitedConnection(config=config, server_state=state, app_state={}, _loop=loop),
            "127.0.0.1",
            0,
        )
        async with server:
            await work(Listening(server.sockets[0].getsockname()[1], state, app))
            for connection in tuple(state.connections):
                connection.transport.close()
        return app

    return asyncio.run(main())


@pytest.fixture(autouse=True)
def _keep_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LimitedConnection, "max_connections", LimitedConnection.max_connections)


def read_json(answer: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return document


def test_headers_that_do_not_end_in_time_are_refused() -> None:
    async def work(server: Listening) -> None:
        reader, _ = await server.connect(HEAD)
        server.close_if_slow(HEADER_SECONDS - 1)
        server.close_if_slow(HEADER_SECONDS + 1)
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"\r\nconnection: close\r\n" in answer
        assert read_json(answer)["code"] == "timeout-of-headers"

    assert serve(work).refused == [408]


def test_slow_headers_within_the_time_are_answered() -> None:
    async def work(server: Listening) -> None:
        reader, writer = await server.connect(HEAD)
        server.close_if_slow(HEADER_SECONDS - 1)
        writer.write(b"Connection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\nok")

    assert serve(work).refused == []


def test_a_connection_without_a_request_ends_without_an_answer() -> None:
    async def work(server: Listening) -> None:
        reader, _ = await server.connect()
        server.close_if_slow(IDLE_SECONDS - 1)
        server.close_if_slow(IDLE_SECONDS + 1)
        assert await reader.read() == b""

    assert serve(work).refused == []


def test_a_connection_that_sends_no_other_request_ends() -> None:
    async def work(server: Listening) -> None:
        reader, writer = await server.connect(REQUEST)
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
        server.close_if_slow(IDLE_SECONDS - 1)
        writer.write(REQUEST)
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
        server.close_if_slow(IDLE_SECONDS + 1)
        assert await reader.read() == b""

    assert serve(work).refused == []


def test_pipelined_requests_are_answered_in_order() -> None:
    async def work(server: Listening) -> None:
        head = REQUEST.replace(b"GET", b"HEAD")
        reader, _ = await server.connect(REQUEST + head + REQUEST + HEAD + b"Connection: close\r\n\r\n")
        answers = await reader.read()
        assert [part.endswith(b"ok") for part in answers.split(b"HTTP/1.1 200 OK\r\n")] == [
            False, True, False, True, True,
        ]  # fmt: skip

    assert serve(work).refused == []


def test_an_answer_is_one_write_and_an_interim_one_does_not_wait() -> None:
    class Transport:
        """Transport that keeps what is written."""

        def __init__(self) -> None:
            self.written: list[bytes] = []
            self.is_closing = self.get_extra_info = None
            self.write = self.written.append

        def close(self) -> None:
            self.written.append(b"closed")

    inner = Transport()
    transport = JoinedTransport(inner)
    transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert inner.written.pop() == b"HTTP/1.1 100 Continue\r\n\r\n"
    transport.write(b"HTTP/1.1 200 OK\r\n\r\n")
    assert inner.written == []
    transport.write(b"HTTP/1.1 is no status in a body")
    assert inner.written.pop() == b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 is no status in a body"
    transport.write(b"HTTP/1.1 200 OK\r\n\r\n")
    transport.write(b"." * 100_000)
    assert [len(data) for data in inner.written] == [19, 100_000]
    transport.write(b"HTTP/1.1 304 Not Modified\r\n\r\n")
    transport.close()
    assert inner.written[2:] == [b"HTTP/1.1 304 Not Modified\r\n\r\n", b"closed"]


def test_the_rest_of_a_body_after_its_answer_has_a_time() -> None:
    async def work(server: Listening) -> None:
        reader, _ = await server.connect(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
        server.close_if_slow(UNREAD_SECONDS - 1)
        server.close_if_slow(UNREAD_SECONDS + 1)
        assert await reader.read() == b""

    assert serve(work).refused == []


def test_one_connection_too_many_is_refused_and_the_others_go_on() -> None:
    async def work(server: Listening) -> None:
        first, writer = await server.connect()
        reader, _ = await asyncio.open_connection("127.0.0.1", server._port)
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert read_json(answer)["error"] == "too many connections"
        writer.write(HEAD + b"Connection: close\r\n\r\n")
        assert (await first.read()).endswith(b"\r\n\r\nok")

    assert serve(work, max_connections=1).refused == [503]
