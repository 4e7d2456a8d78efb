"""Handling of signals: raise `Interrupted` at a safe point, stop native code, and unwrap it if a library wraps it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lstm_cli.errors import Interrupted

_running: "list[NativeCall]" = []


def raise_if_interrupted(should_stop: Callable[[], int | None]) -> None:
    """Raise Interrupted if a signal has arrived: `should_stop` returns its number, or None."""
    signum = should_stop()
    if signum is not None:
        raise Interrupted(signum)


@contextmanager
def preserve_interrupts() -> Iterator[None]:
    """Raise the original Interrupted if a library in this block wraps it in an error of its own."""
    try:
        yield
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, Interrupted):
                raise cause from None
            cause = cause.__context__
        raise


class NativeCall:
    """Block around a call of native code, which Python's signal handlers cannot interrupt. It raises Interrupted.

    `cancel` makes the native code return with an error. The thread that watches signals calls it.
    """

    def __init__(self, cancel: Callable[[], None]) -> None:
        self._cancel = cancel
        self._signum: int | None = None

    def __enter__(self) -> None:
        _running.append(self)

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        _running.remove(self)
        if self._signum is not None and isinstance(error, Exception):
            raise Interrupted(self._signum) from None

    def stop(self, signum: int) -> None:
        """Cancel the call because of a signal."""
        self._signum = signum
        self._cancel()


def stop_native_calls(signum: int) -> None:
    """Cancel all native calls, from another thread, because a signal arrived."""
    for call in tuple(_running):
        call.stop(signum)
