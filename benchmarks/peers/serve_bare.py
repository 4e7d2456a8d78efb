"""Server of serving.py that is as fast as Python allows: uvicorn, ONNX Runtime, scaled float32 windows as bodies.

It checks nothing, scales nothing and has no intervals, tokens, limits, log or metrics. With `batches`, the windows
that wait become the next batch. With `single`, each request runs the model alone.
"""

import asyncio
import sys
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import numpy as np
import uvicorn
from served_graph import ServedGraph

HEADERS = [(b"content-type", b"application/octet-stream")]


class Batches:
    """Thread that runs what waits as one batch."""

    def __init__(self, graph: ServedGraph) -> None:
        self._graph, self._loop = graph, asyncio.get_running_loop()
        self._waiting: list[tuple[bytes, asyncio.Future]] = []
        self._busy = False
        self._queue: SimpleQueue[Any] = SimpleQueue()
        Thread(target=self._run, daemon=True).start()

    async def forecast(self, body: bytes) -> bytes:
        future = self._loop.create_future()
        self._waiting.append((body, future))
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._next)
        return await future

    def _next(self) -> None:
        self._busy = bool(self._waiting)
        if self._waiting:
            self._queue.put(self._waiting)
            self._waiting = []

    def _run(self) -> None:
        while True:
            batch = self._queue.get()
            windows = np.frombuffer(b"".join(body for body, _ in batch), dtype=np.float32)
            made = self._graph.run(windows.reshape(len(batch), self._graph.lookback))
            self._loop.call_soon_threadsafe(self._finish, batch, made)

    def _finish(self, batch: list[tuple[bytes, asyncio.Future]], made: np.ndarray) -> None:
        self._next()
        for (_, future), row in zip(batch, made, strict=True):
            if not future.done():
                future.set_result(row.tobytes())


class Server:
    """ASGI application."""

    def __init__(self, graph: ServedGraph, *, batches: bool) -> None:
        self._graph, self._with_batches, self._batches = graph, batches, None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if not body:
            made = b"ready"
        elif self._with_batches:
            self._batches = self._batches or Batches(self._graph)
            made = await self._batches.forecast(body)
        else:
            made = self._graph.run(np.frombuffer(body, dtype=np.float32)[None]).tobytes()
        headers = [*HEADERS, (b"content-length", b"%d" % len(made))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": made})


if __name__ == "__main__":
    mode, folder, port = sys.argv[1:]
    server = Server(ServedGraph(Path(folder)), batches=mode == "batches")
    uvicorn.run(server, port=int(port), log_level="critical", access_log=False, lifespan="off", loop="uvloop")
