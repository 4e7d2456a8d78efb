"""Interruption by a signal: raise it at a safe place, and keep it when a library wraps it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lstm_cli.errors import Interrupted


def raise_if_interrupted(should_stop: Callable[[], int | None]) -> None:
    """Raise Interrupted where a signal has come: `should_stop` tells its number, None before."""
    signum = should_stop()
    if signum is not None:
        raise Interrupted(signum)


@contextmanager
def preserve_interrupts() -> Iterator[None]:
    """Within this block an end by a signal stays one: some libraries make errors of their own of what is raised."""
    try:
        yield
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, Interrupted):
                raise cause from None
            cause = cause.__context__
        raise
