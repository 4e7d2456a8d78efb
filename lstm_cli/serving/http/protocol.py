"""Connection of uvicorn with limits: size and time of headers, idle time, number of connections, errors as JSON."""

import resource
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from lstm_cli.serving.http.request import new_request_id
from lstm_cli.serving.messages.http_error import HttpError

MAX_HEADERS = 32 << 10  # bytes of a request line and its headers, before they are complete
HEADER_SECONDS = 10.0  # from the first byte of a request to the end of its headers
IDLE_SECONDS = 75  # of a connection without a request; longer than nginx keeps one
UNREAD_SECONDS = 10.0  # for the rest of a body whose answer is already sent
MAX_CONNECTIONS = 10_000
_STATUS = b"HTTP/1.1 "  # begins the headers of an answer
_INTERIM = b"HTTP/1.1 1"  # begins those before an answer
_JOINED = 64 << 10  # bytes of a body; a larger one is not copied
OTHER_FILES = 64  # descriptors for everything but connections


def raise_connection_limit() -> int:
    """Raise the limit of open files as far as it may be, and return the number of connections that it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        MAX_CONNECTIONS
        if soft == resource.RLIM_INFINITY
        else max(1, min(MAX_CONNECTIONS, soft - OTHER_FILES))
    )


class JoinedTransport:
    """Transport that writes the headers of an answer together with the body. uvicorn writes them one after the other.

    Args:
        transport: transport of the connection.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._head = b""
        self.is_closing, self.get_extra_info = transport.is_closing, transport.get_extra_info

    def write(self, data: bytes) -> None:
        """Write data; keep the headers until the next write or `flush`."""
        if self._head and len(data) <= _JOINED:
            data, self._head = self._head + data, b""
        elif self._head:
            self.flush()
        elif data.startswith(_STATUS) and not data.startswith(_INTERIM):
            self._head = data
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Write headers that no body follows."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def close(self) -> None:
        """Close the connection after everything is written."""
        self.flush()
        self._transport.close()


class LimitedConnection(HttpToolsProtocol):
    """Connection of a client."""

    max_connections = MAX_CONNECTIONS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_bytes = 0
        # Moments on the clock of the loop.
        self._idle_since = self.loop.time()
        self._headers_since: float | None = None
        self._answered_early: float | None = None
        self._is_reading_body = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.transport: Any = JoinedTransport(transport)
        if len(self.connections) > self.max_connections:
            self._refuse(HttpError(503, "too many connections", hint="use fewer connections"))

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._headers_since is not None:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADERS:
                problem = f"the headers are larger than {MAX_HEADERS:,} bytes"
                self._refuse(HttpError(431, problem, hint="send fewer or shorter headers"))

    def on_message_begin(self) -> None:
        self._headers_since = self.loop.time()
        self._header_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._headers_since = None
        self._is_reading_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_reading_body = False
        self._answered_early = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self.transport.flush()
        self._idle_since = self.loop.time()
        if self._is_reading_body:
            self._answered_early = self._idle_since
        if self.pipeline:
            super().on_response_complete()
        elif (
            not self.transport.is_closing()
        ):  # without the timer of uvicorn: `close_if_slow` knows idle connections
            self.server_state.total_requests += 1
            self.flow.resume_reading()

    def send_400_response(self, msg: str) -> None:
        self._refuse(HttpError(400, "the request is not valid HTTP", hint="use an HTTP client, such as curl"))

    def shutdown(self) -> None:
        """Close the connection after its answer, because the server stops. A new one may still send its request."""
        if self.cycle is not None and self.is_idle:
            self.transport.close()
        elif self.cycle is not None:
            self.cycle.keep_alive = False

    def close_if_slow(self, now: float, *, idle_seconds: float = IDLE_SECONDS) -> None:
        """Close the connection if its headers, its next request or the rest of its body does not arrive in time.

        Args:
            now: moment on the clock of the loop.
            idle_seconds: time for the first byte of a new connection.
        """
        if self._headers_since is not None:
            if now - self._headers_since > HEADER_SECONDS:
                hint = "send the headers of a request at once"
                self._refuse(
                    HttpError(408, "the headers did not arrive in time", hint=hint, code="timeout-of-headers")
                )
        elif self.cycle is None:
            if now - self._idle_since > idle_seconds:
                self.transport.close()
        elif self.is_idle and not self._is_reading_body:
            if now - self._idle_since > IDLE_SECONDS:
                self.transport.close()
        elif self._answered_early is not None and now - self._answered_early > UNREAD_SECONDS:
            self.transport.close()

    @property
    def is_idle(self) -> bool:
        """Return whether no request is in progress, not even its headers."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and self._headers_since is None

    def _refuse(self, error: HttpError) -> None:
        """Answer a request that has no complete headers, and close the connection."""
        if self.transport.is_closing():
            return
        # After an answer that has begun, another one would be a part of its body.
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            body = error.body(new_request_id())
            head = [
                b"content-type: application/json",
                b"content-length: %d" % len(body),
                b"connection: close",
            ]
            head += [b"%b: %b" % header for header in self.server_state.default_headers]
            self.transport.write(STATUS_LINE[error.status] + b"\r\n".join(head) + b"\r\n\r\n" + body)
            app: Any = self.config.app  # `Application`
            app.count_refused(error.status)
        self.transport.close()
