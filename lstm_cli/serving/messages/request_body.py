"""Body of a request: limits of its size, its time and of the memory of all bodies; decompression."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lstm_cli.serving.messages.deadlines import Deadline
from lstm_cli.serving.messages.http_error import CLOSE, HttpError, too_many_requests

Receive = Callable[[], Awaitable[Any]]
BODIES = 8  # bodies of the maximum size that are in memory at the same time
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS  # zlib detects which of the two
RAW_DEFLATE = -zlib.MAX_WBITS  # of some clients that write deflate


class ClientGone(Exception):
    """Connection that the client closed before the answer."""


class BodyMemory:
    """Memory of the bodies that are read at the same time.

    Args:
        max_body: maximum size of one body in bytes.
    """

    def __init__(self, max_body: int) -> None:
        self.max_body = max_body
        self._limit = BODIES * max_body
        self._used = 0

    def reserve(self, size: int) -> None:
        """Count `size` bytes. Raises HttpError 503 if too many are used."""
        if self._used + size > self._limit:
            raise too_many_requests("too many large bodies at the same time")
        self._used += size

    def release(self, size: int) -> None:
        """Count `size` bytes less."""
        self._used -= size


def require_size(headers: Mapping[bytes, bytes], max_body: int) -> None:
    """Raise HttpError 413 if the length of the body is declared and too large, before the body is read."""
    length = headers.get(b"content-length")
    if length is not None and (len(length) > 18 or int(length) > max_body):
        raise _too_large(max_body)


async def read_body(receive: Receive, memory: BodyMemory, *, deadline: Deadline) -> bytes:
    """Return the body of a request as it was sent. `memory` counts its bytes until the caller releases them.

    Args:
        receive: channel of the request.
        memory: memory of all bodies.
        deadline: end of the time for the body.

    Raises:
        HttpError: 408, 413 or 503.
        ClientGone: the client closed the connection.
    """
    reading: asyncio.Task[Any] | None = asyncio.current_task()
    assert reading is not None
    parts, size, message = [], 0, None
    deadline.expire = reading.cancel
    try:
        while message is None or message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            part = message["body"]
            if size + len(part) > memory.max_body:
                raise _too_large(memory.max_body)
            memory.reserve(len(part))
            size += len(part)
            parts.append(part)
    except BaseException as error:
        memory.release(size)
        if isinstance(error, asyncio.CancelledError) and deadline.is_over:
            reading.uncancel()
            hint = "send the body faster, or raise --timeout of the server"
            raise HttpError(408, "the body did not arrive in time", hint=hint, headers=CLOSE) from None
        raise
    finally:
        deadline.expire = None
    return parts[0] if len(parts) == 1 else b"".join(parts)


def content_encoding(headers: Mapping[bytes, bytes]) -> str:
    """Return the compression of a body: gzip, deflate or "". Raises HttpError 415 for another one."""
    given = headers.get(b"content-encoding")
    if given is None:
        return ""
    name = given.decode("latin-1").strip().lower().removeprefix("x-")
    if name in ("", "identity"):
        return ""
    if name not in ("gzip", "deflate"):
        raise HttpError(
            415,
            f"the Content-Encoding '{name}' is not supported",
            hint="send the body without compression, or with gzip or deflate",
            headers=((b"accept-encoding", b"gzip, deflate"),),
        )
    return name


def decompress(data: bytes, encoding: str, max_body: int) -> bytes:
    """Return a body without its compression.

    Args:
        data: body as it was sent.
        encoding: gzip or deflate.
        max_body: maximum size of the result in bytes.

    Raises:
        HttpError: 400 for corrupt data, 413 for a result that is too large.
    """
    try:
        return _inflate(data, GZIP_OR_ZLIB, max_body)
    except zlib.error:
        if encoding == "deflate":
            try:
                return _inflate(data, RAW_DEFLATE, max_body)
            except zlib.error:
                pass
        raise HttpError(
            400, f"the body is not valid {encoding}", hint="compress it again, or remove Content-Encoding"
        ) from None


def _inflate(data: bytes, window: int, max_body: int) -> bytes:
    """Return decompressed data, of all members of a gzip file. Raises zlib.error for corrupt or truncated data."""
    parts, size = list[bytes](), 0
    while data or not parts:
        stream = zlib.decompressobj(window)
        part = stream.decompress(data, max_body - size + 1)
        size += len(part)
        if size > max_body:
            raise _too_large(max_body)
        if not stream.eof:
            raise zlib.error("truncated")
        parts.append(part)
        data = stream.unused_data
    return b"".join(parts)


def _too_large(max_body: int) -> HttpError:
    return HttpError(
        413,
        f"the body is larger than {max_body:,} bytes",
        hint="send fewer rows, or raise --max-body of the server",
    )
