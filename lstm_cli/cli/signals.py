"""Signal handlers for Ctrl-C, `kill` and a closed terminal; the exit code is 128 + the signal number."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from lstm_cli.cli import exit_handling
from lstm_cli.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_CODES = tuple(128 + signum for signum in SIGNALS)
GRACE = 3.0  # seconds for a training to reach its next step
LIMIT = 4.5  # seconds until the process exits in any state, which is safe because a run is always consistent
SHORT_LIMIT = 0.5  # seconds until exit after a second signal, and for threads still running after the command


def install_handlers() -> None:
    """Install handlers that raise Interrupted for each of the three signals."""
    for signum in _handled_signals():
        signal.signal(signum, _raise_interrupted)


@contextmanager
def defer_signals(*, grace: float = GRACE, limit: float = LIMIT) -> Iterator[Callable[[], int | None]]:
    """Record the first signal of the block, and yield a function that returns its number, or None.

    The caller checks that function and stops at a safe point. A second signal, or `grace` seconds without a stop,
    raises Interrupted. If a library blocks the exception, the process exits after `limit` seconds.
    """
    received: list[int] = []
    timers: list[threading.Timer] = []

    def record(signum: int, frame: FrameType | None) -> None:
        timers.append(_exit_after(SHORT_LIMIT if received else limit, signum))
        if received:
            raise Interrupted(signum)
        received.append(signum)
        signal.setitimer(signal.ITIMER_REAL, grace)

    def raise_after_grace(signum: int, frame: FrameType | None) -> None:
        raise Interrupted(received[0])

    previous = {signum: signal.signal(signum, record) for signum in _handled_signals()}
    previous[signal.SIGALRM] = signal.signal(signal.SIGALRM, raise_after_grace)
    try:
        yield lambda: received[0] if received else None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for timer in timers:
            timer.cancel()
        for signum, handler in previous.items():
            signal.signal(signum, handler)


def exit_soon(code: int) -> None:
    """Exit after a short wait for threads that still run, when a signal has stopped the command."""
    _start_timer(SHORT_LIMIT, lambda: os._exit(code))


def _exit_after(seconds: float, signum: int) -> threading.Timer:
    def report_and_exit() -> None:
        sys.stderr = sys.__stderr__ or sys.stderr  # an export in progress replaces sys.stderr
        os._exit(exit_handling.report_exception(Interrupted(signum)))

    return _start_timer(seconds, report_and_exit)


def _start_timer(seconds: float, action: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    return timer


def _handled_signals() -> list[signal.Signals]:
    """Return the three signals without those that the parent process ignores, such as SIGHUP under nohup."""
    return [signum for signum in SIGNALS if signal.getsignal(signum) is not signal.SIG_IGN]


def _raise_interrupted(signum: int, frame: FrameType | None) -> None:
    raise Interrupted(signum)
