"""Ctrl-C, `kill` and a closed terminal: each ends a command with 128 + the signal's number."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from lstm_cli.cli import exit_handling
from lstm_cli.errors import Interrupted

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CODES = tuple(128 + signum for signum in ENDINGS)
GRACE = 3.0  # seconds that a training has to come to its next step
LIMIT = 4.5  # seconds after which the process ends as it stands: the run is sound at every moment
AT_ONCE = 0.5  # the same after a second signal, and for threads that work on when the command has ended


def install_handlers() -> None:
    """From now on each of the three signals raises Interrupted where the program stands."""
    for signum in _handled():
        signal.signal(signum, _raise)


@contextmanager
def defer_signals(*, grace: float = GRACE, limit: float = LIMIT) -> Iterator[Callable[[], int | None]]:
    """Within this block the first signal is noted: the function given tells its number, None before.

    Whoever asks that function ends at a place of its own choice. A second signal, or `grace` seconds without an
    end (a long stage between two questions), raises Interrupted after all. Where even that ends nothing, since a
    library works on without looking up, the process is over after `limit` seconds.
    """
    noted: list[int] = []
    timers: list[threading.Timer] = []

    def note(signum: int, frame: FrameType | None) -> None:
        timers.append(_end_within(AT_ONCE if noted else limit, signum))
        if noted:
            raise Interrupted(signum)
        noted.append(signum)
        signal.setitimer(signal.ITIMER_REAL, grace)

    def lose_patience(signum: int, frame: FrameType | None) -> None:
        raise Interrupted(noted[0])

    before = {signum: signal.signal(signum, note) for signum in _handled()}
    before[signal.SIGALRM] = signal.signal(signal.SIGALRM, lose_patience)
    try:
        yield lambda: noted[0] if noted else None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for timer in timers:
            timer.cancel()
        for signum, handler in before.items():
            signal.signal(signum, handler)


def exit_soon(code: int) -> None:
    """The command has ended by a signal: what its threads still compute is waited for no longer than this."""
    _timer(AT_ONCE, lambda: os._exit(code))


def _end_within(seconds: float, signum: int) -> threading.Timer:
    def over() -> None:
        sys.stderr = sys.__stderr__ or sys.stderr  # an export in progress has put another one there
        os._exit(exit_handling.report_exception(Interrupted(signum)))

    return _timer(seconds, over)


def _timer(seconds: float, act: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()
    return timer


def _handled() -> list[signal.Signals]:
    """The three signals but for those that our parent had us ignore, as nohup does with SIGHUP."""
    return [signum for signum in ENDINGS if signal.getsignal(signum) is not signal.SIG_IGN]


def _raise(signum: int, frame: FrameType | None) -> None:
    raise Interrupted(signum)
