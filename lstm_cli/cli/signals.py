"""Ctrl-C, `kill` and a closed terminal: each ends a command with 128 + the signal's number."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from lstm_cli.errors import Interrupted

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 3.0  # seconds that a training has to come to its next step


def raise_interrupted() -> None:
    """From now on each of the three signals raises Interrupted where the program stands."""
    for signum in _heeded():
        signal.signal(signum, _raise)


@contextmanager
def deferred(*, grace: float = GRACE) -> Iterator[Callable[[], int | None]]:
    """Within this block the first signal is noted: the function given tells its number, None before.

    Whoever asks that function ends at a place of its own choice. A second signal, or `grace` seconds without an
    end (a long stage between two questions), raises Interrupted after all.
    """
    noted: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:
        if noted:
            raise Interrupted(signum)
        noted.append(signum)
        signal.setitimer(signal.ITIMER_REAL, grace)

    def lose_patience(signum: int, frame: FrameType | None) -> None:
        raise Interrupted(noted[0])

    before = {signum: signal.signal(signum, note) for signum in _heeded()}
    before[signal.SIGALRM] = signal.signal(signal.SIGALRM, lose_patience)
    try:
        yield lambda: noted[0] if noted else None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _heeded() -> list[signal.Signals]:
    """The three signals but for those that our parent had us ignore, as nohup does with SIGHUP."""
    return [signum for signum in ENDINGS if signal.getsignal(signum) is not signal.SIG_IGN]


def _raise(signum: int, frame: FrameType | None) -> None:
    raise Interrupted(signum)
