"""Handling of signals: raise `Interrupted` at a safe point, and unwrap it if a library wraps it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lstm_cli.errors import Interrupted


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
