"""End of the time of each request, with one timer for all of them."""

import asyncio
from collections.abc import Callable


class Deadline:
    """End of the time of a request. Only one thing waits for it at a time.

    Args:
        at: moment on the clock of the event loop.
    """

    __slots__ = ("at", "expire", "is_over")

    def __init__(self, at: float) -> None:
        self.at = at
        self.is_over = False
        self.expire: Callable[[], object] | None = None  # called at the end; None: nothing waits


class Deadlines:
    """Deadlines of requests that all have the same time, so they end in the order in which they began.

    A timer for each wait costs more than all else that a small request needs from the event loop. It belongs to the
    event loop in which it is made.

    Args:
        seconds: time of a request.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._open: dict[Deadline, None] = {}  # the earliest first
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> Deadline:
        """Return the deadline of a request that begins now. The caller gives it to `end` after the answer."""
        deadline = Deadline(self._loop.time() + self._seconds)
        self._open[deadline] = None
        if self._timer is None:
            self._timer = self._loop.call_at(deadline.at, self._expire)
        return deadline

    def end(self, deadline: Deadline) -> None:
        """Forget the deadline of a request that has its answer."""
        self._open.pop(deadline, None)

    def _expire(self) -> None:
        now = self._loop.time()
        for deadline in [deadline for deadline in self._open if deadline.at <= now]:
            del self._open[deadline]
            deadline.is_over = True
            if deadline.expire is not None:
                deadline.expire()
        first = next(iter(self._open), None)
        self._timer = None if first is None else self._loop.call_at(first.at, self._expire)
