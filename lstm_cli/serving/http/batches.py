"""Queue of requests, and batches for the model without a timer: what waits becomes the next batch."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any

from lstm_cli.serving.http.metrics import Metrics
from lstm_cli.serving.messages.deadlines import Deadline
from lstm_cli.serving.messages.http_error import HttpError, too_many_requests
from lstm_cli.serving.protocol import ReadBody, Served


@dataclass(slots=True)
class _Job:
    model: Served
    rows: ReadBody
    forecast: "asyncio.Future[Any]"


class Batches:
    """Queue in front of one thread that runs the model. It belongs to the event loop in which it is made.

    Args:
        max_windows: maximum number of windows in a batch. A request with more windows is a batch of its own.
        max_waiting: maximum number of requests that wait.
        metrics: metrics of the server.
    """

    def __init__(self, *, max_windows: int, max_waiting: int, metrics: Metrics) -> None:
        self._max_windows, self._max_waiting = max_windows, max_waiting
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Job] = deque()
        self._is_running = False
        self._batches: SimpleQueue[list[_Job] | None] = SimpleQueue()
        # A daemon, because native code may not return when the server stops.
        Thread(target=self._run, name="model", daemon=True).start()

    def waiting(self) -> int:
        """Return the number of requests that wait."""
        return len(self._waiting)

    def require_room(self) -> None:
        """Raise HttpError 503 if the queue is full."""
        if len(self._waiting) >= self._max_waiting:
            raise too_many_requests(f"the queue of {self._max_waiting:,} requests is full")

    async def forecast(self, model: Served, rows: ReadBody, *, deadline: Deadline) -> Any:
        """Return the forecast of a request.

        Args:
            model: model that read the rows.
            rows: rows of the request.
            deadline: end of the time for the answer.

        Raises:
            HttpError: 503 if the queue is full, 504 after the deadline.
            LstmError: the model cannot forecast from the rows.
        """
        self.require_room()
        if deadline.is_over:
            raise timeout_error()
        job = _Job(model, rows, self._loop.create_future())
        if not self._is_running:
            # At the end of this round of the loop, so that requests that came together share a batch.
            self._is_running = True
            self._loop.call_soon(self._start_next)
        self._waiting.append(job)
        deadline.expire = partial(_expire, job.forecast)
        try:
            return await job.forecast
        finally:
            deadline.expire = None

    def close(self) -> None:
        """End the thread after its batch."""
        self._batches.put(None)

    def _start_next(self) -> None:
        batch, windows = list[_Job](), 0
        while self._waiting:
            job = self._waiting[0]
            if job.forecast.done():  # expired, or the client is gone
                self._waiting.popleft()
                continue
            full = windows + job.rows.windows > self._max_windows
            if batch and (full or job.model is not batch[0].model):
                break
            batch.append(self._waiting.popleft())
            windows += job.rows.windows
        self._is_running = bool(batch)
        if batch:
            self._metrics.batch_windows.observe(windows)
            self._batches.put(batch)

    def _run(self) -> None:
        """Run the model in its thread."""
        while (batch := self._batches.get()) is not None:
            started = time.perf_counter()
            results = _forecast(batch)
            seconds = time.perf_counter() - started
            try:
                self._loop.call_soon_threadsafe(self._finish, batch, results, seconds)
            except RuntimeError:  # the loop is closed
                return

    def _finish(self, batch: list[_Job], results: Sequence[Any], seconds: float) -> None:
        self._start_next()
        self._metrics.batch_seconds.observe(seconds)
        for job, result in zip(batch, results, strict=True):
            if job.forecast.done():
                continue
            if isinstance(result, Exception):
                job.forecast.set_exception(result)
            else:
                job.forecast.set_result(result)


def _forecast(batch: list[_Job]) -> Sequence[Any]:
    """Return the forecast of each job, or its error. If the batch fails as a whole, each job runs alone."""
    try:
        return batch[0].model.forecast([job.rows for job in batch])
    except Exception as error:  # such as MemoryError
        return [error] if len(batch) == 1 else [result for job in batch for result in _forecast([job])]


def _expire(forecast: "asyncio.Future[Any]") -> None:
    if not forecast.done():
        forecast.set_exception(timeout_error())


def timeout_error() -> HttpError:
    """Return the error of a request whose time is over."""
    return HttpError(
        504, "the forecast was not ready in time", hint="send fewer rows, or raise --timeout of the server"
    )
