"""Signal handlers for Ctrl-C, `kill` and a closed terminal; the exit code is 128 + the signal number.

Python calls a handler when the main thread returns from native code, which may be never. So a thread watches the
signals too: it cancels native code, and ends the process in any state after a time limit.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from select import select
from time import monotonic
from types import FrameType

from lstm_cli.cli import exit_handling
from lstm_cli.errors import Interrupted
from lstm_cli.interrupts import stop_native_calls

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_CODES = tuple(128 + signum for signum in SIGNALS)
GRACE = 3.0  # seconds for a training to reach its next step
LIMIT = 4.0  # seconds until the process exits in any state, which is safe because a run is always consistent
SHORT_LIMIT = 0.5  # seconds until exit after a second signal, and for threads still running after the command
PRINTING = 0.2  # seconds for the last error, because stderr may be blocked


class _Watch:
    """Thread that watches the signals of a command, even while the main thread is in native code."""

    def __init__(self, handled: list[signal.Signals]) -> None:
        self.grace, self.limit = 0.0, LIMIT  # of the next first signal
        self._handled = handled
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._previous = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._stop_at: float | None = None  # monotonic time
        self._exit_at: float | None = None
        self._signum = 0
        threading.Thread(target=self._run, daemon=True).start()

    def end(self) -> None:
        """End the thread."""
        if self._writer >= 0:
            signal.set_wakeup_fd(self._previous)
            os.close(self._writer)
            self._writer = -1

    def forget_in_child(self) -> None:
        """Leave the pipe to the parent process after a fork."""
        if self._writer >= 0:
            with suppress(ValueError):  # not in the main thread
                signal.set_wakeup_fd(-1)
            os.close(self._writer)
            os.close(self._reader)
            self._writer = -1

    def forget_signal(self) -> None:
        """Do not exit after all, because the command has reached its end."""
        self._stop_at = self._exit_at = None

    def _run(self) -> None:
        while True:
            due = [at for at in (self._stop_at, self._exit_at) if at is not None]
            timeout = max(0.0, min(due) - monotonic()) if due else None
            if select([self._reader], [], [], timeout)[0]:
                numbers = os.read(self._reader, 64)
                if not numbers:
                    os.close(self._reader)
                    return
                for signum in numbers:
                    if signum in self._handled:
                        self._receive(signum)
            now, stop_at, exit_at = monotonic(), self._stop_at, self._exit_at
            if stop_at is not None and now >= stop_at:
                self._stop_at = None
                stop_native_calls(self._signum)
            if exit_at is not None and now >= exit_at:
                _report_and_exit(self._signum)

    def _receive(self, signum: int) -> None:
        now, is_first = monotonic(), self._exit_at is None
        self._signum = signum
        self._stop_at = now + (self.grace if is_first else 0.0)
        self._exit_at = now + (self.limit if is_first else SHORT_LIMIT)


_watches: list[_Watch] = []  # of the command in this process


def _forget_in_child() -> None:
    while _watches:
        _watches.pop().forget_in_child()


os.register_at_fork(after_in_child=_forget_in_child)


@contextmanager
def handled_signals() -> Iterator[None]:
    """Raise Interrupted in the block for each of the three signals. The handlers stay installed after the block."""
    handled = _handled_signals()
    for signum in handled:
        signal.signal(signum, _raise_interrupted)
    watch = _Watch(handled)
    _watches.append(watch)
    try:
        yield
    finally:
        if watch in _watches:  # not in a forked process
            _watches.remove(watch)
            watch.end()


@contextmanager
def defer_signals(*, grace: float = GRACE, limit: float = LIMIT) -> Iterator[Callable[[], int | None]]:
    """Record the first signal of the block, and yield a function that returns its number, or None.

    The caller checks that function and stops at a safe point. A second signal, or `grace` seconds without a stop,
    raises Interrupted. If a library blocks the exception, the process exits after `limit` seconds.
    """
    received: list[int] = []

    def record(signum: int, frame: FrameType | None) -> None:
        if received:
            raise Interrupted(signum)
        received.append(signum)
        signal.setitimer(signal.ITIMER_REAL, grace)

    def raise_after_grace(signum: int, frame: FrameType | None) -> None:
        raise Interrupted(received[0])

    previous = {signum: signal.signal(signum, record) for signum in _handled_signals()}
    previous[signal.SIGALRM] = signal.signal(signal.SIGALRM, raise_after_grace)
    for watch in _watches:
        watch.grace, watch.limit = grace, limit
    try:
        yield lambda: received[0] if received else None
        for watch in _watches:
            watch.forget_signal()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for watch in _watches:
            watch.grace, watch.limit = 0.0, LIMIT
        for signum, handler in previous.items():
            signal.signal(signum, handler)


def exit_soon(code: int) -> None:
    """Exit after a short wait for threads that still run, when a signal has stopped the command."""
    timer = threading.Timer(SHORT_LIMIT, lambda: os._exit(code))
    timer.daemon = True
    timer.start()


def _report_and_exit(signum: int) -> None:
    """Print that a signal has ended the process, and end it without the main thread."""

    def report() -> None:
        sys.stderr = sys.__stderr__ or sys.stderr  # an export in progress replaces sys.stderr
        exit_handling.report_interrupt(signum)

    printer = threading.Thread(target=report, daemon=True)
    printer.start()
    printer.join(PRINTING)
    os._exit(128 + signum)


def _handled_signals() -> list[signal.Signals]:
    """Return the three signals without those that the parent process ignores, such as SIGHUP under nohup."""
    return [signum for signum in SIGNALS if signal.getsignal(signum) is not signal.SIG_IGN]


def _raise_interrupted(signum: int, frame: FrameType | None) -> None:
    raise Interrupted(signum)
