"""Log of requests on stderr. A thread writes it, so that a slow reader of stderr does not stop the server."""

import asyncio
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import Any

PrintLines = Callable[[str, Sequence[tuple[str, dict[str, Any]]]], None]
"""Function that writes lines of one event to stderr: the text and the facts of each."""
INTERVAL = 0.1  # seconds; the thread wakes once for all requests of this time
MAX_LINES = 10_000  # lines that wait for the thread; more are dropped and counted
FIELDS = ("method", "path", "status", "code", "seconds", "windows", "version", "request_id")
MAX_PATH = 200


class AccessLog:
    """Log of requests. It belongs to the event loop in which it is made.

    Args:
        print_lines: writes lines to stderr.
    """

    def __init__(self, print_lines: PrintLines) -> None:
        self._print = print_lines
        self._loop = asyncio.get_running_loop()
        self._lines: list[tuple[Any, ...]] = []
        self._dropped = 0
        self._batches: SimpleQueue[tuple[list[tuple[Any, ...]], int] | None] = SimpleQueue()
        self._thread = Thread(target=self._write, name="access log", daemon=True)
        self._thread.start()

    def add(self, *values: Any) -> None:
        """Add the line of a request: a value for each of FIELDS."""
        if not self._lines:
            self._loop.call_later(INTERVAL, self._flush)
        if len(self._lines) < MAX_LINES:
            self._lines.append(values)
        else:
            self._dropped += 1

    def close(self, seconds: float) -> None:
        """Write the last lines, and wait at most some seconds for them."""
        self._flush()
        self._batches.put(None)
        self._thread.join(seconds)

    def _flush(self) -> None:
        if self._batches.qsize():  # the reader of stderr is slow
            self._loop.call_later(INTERVAL, self._flush)
        elif self._lines:
            self._batches.put((self._lines, self._dropped))
            self._lines, self._dropped = [], 0

    def _write(self) -> None:
        while (batch := self._batches.get()) is not None:
            lines, dropped = batch
            records = [dict(zip(FIELDS, values, strict=True)) for values in lines]
            for facts in records:
                facts["path"] = facts["path"][:MAX_PATH]
                if not facts["code"]:
                    del facts["code"]
            self._print("request", [(_as_text(facts), facts) for facts in records])
            if dropped:
                text = f"{dropped:,} requests are not in this log, because stderr was slow"
                self._print("warning", [(f"warning: {text}", {"message": text})])


def _as_text(facts: dict[str, Any]) -> str:
    """Return a line such as `POST /v1/forecast 422 D301 0.0031 s, version 2, id 5f-1`."""
    windows, code = facts["windows"], f" {facts['code']}" if "code" in facts else ""
    counted = f", {windows:,} window{'' if windows == 1 else 's'}" if windows else ""
    return (
        f"{facts['method']} {facts['path']} {facts['status']}{code} {facts['seconds']:.4f} s{counted}, "
        f"version {facts['version']}, id {facts['request_id']}"
    )
