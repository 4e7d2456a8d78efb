"""Ctrl-C, `kill` and a closed terminal: each ends a command with 128 + the signal's number."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from lstm_cli.errors import Interrupted

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def raise_interrupted() -> None:
    """From now on each of the three signals raises Interrupted where the program stands."""
    for signum in _heeded():
        signal.signal(signum, _raise)


@contextmanager
def deferred() -> Iterator[Callable[[], int | None]]:
    """Within this block the first signal is only noted: the function given tells its number, None before.

    A second signal raises Interrupted at once, for whoever does not want to wait for the next step.
    """
    noted: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:
        if noted:
            raise Interrupted(signum)
        noted.append(signum)

    before = {signum: signal.signal(signum, note) for signum in _heeded()}
    try:
        yield lambda: noted[0] if noted else None
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _heeded() -> list[signal.Signals]:
    """The three signals but for those that our parent had us ignore, as nohup does with SIGHUP."""
    return [signum for signum in ENDINGS if signal.getsignal(signum) is not signal.SIG_IGN]


def _raise(signum: int, frame: FrameType | None) -> None:
    raise Interrupted(signum)
