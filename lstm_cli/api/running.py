"""Run of a step from Python: warnings, log lines, progress in a notebook, errors with hints, and Ctrl-C."""

import logging
import os
import signal
import sys
import threading
import warnings
from _thread import interrupt_main
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lstm_cli.api.names import python_text
from lstm_cli.api.notebook import NotebookProgress, is_notebook
from lstm_cli.config.extras import missing_module_error
from lstm_cli.errors import Interrupted, LstmError
from lstm_cli.events import Event, Listener, Progressed, WarningRaised, describe_event
from lstm_cli.findings import Finding

GRACE = 3.0  # seconds for a training to reach its next step after Ctrl-C
LOG = logging.getLogger("lstm_cli")
_INTERNAL = (str(Path(__file__).parents[1]), contextmanager.__code__.co_filename)  # files of frames to skip


class DataWarning(UserWarning):
    """Guess, repair or doubt about data or a model. Its text begins with the id of its rule.

    Attributes:
        rule: Id of the rule, such as D516.
        finding: The warning as data, with its column, its rows and the settings that change the result. None in a
            warning that came from another process as text.
    """

    def __init__(self, text: str, finding: Finding | None = None) -> None:
        super().__init__(text)
        self.rule, self.finding = text.partition(":")[0], finding


class Running:
    """Block in which a step runs, as a context manager that gives the listener of the step.

    At its end, findings become warnings. An expected error names settings as in Python, ends with its hint, and has a
    short traceback: the lines inside of lstm do not help its user. `LSTM_DEBUG=1` keeps them.
    """

    def __init__(self, verb: str) -> None:
        """Create the block. verb: name of the step."""
        self._verb = verb
        self._findings: list[Finding] = []
        self._progress = NotebookProgress(verb) if is_notebook() else None

    def __enter__(self) -> Listener:
        return self._listen

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if self._progress is not None:
            self._progress.close()
        for finding in self._findings:
            text = f"{finding.rule}: {python_text(finding.text)}"
            warnings.warn(DataWarning(text, finding), stacklevel=_caller_level())
        if isinstance(error, Interrupted):
            raise KeyboardInterrupt(f"{self._verb} was stopped; the same call resumes it") from None
        if isinstance(error, ModuleNotFoundError):
            error = missing_module_error(error, self._verb)
        if isinstance(error, LstmError):
            is_debugged = os.environ.get("LSTM_DEBUG") == "1"
            raise _with_hint(error).with_traceback(error.__traceback__ if is_debugged else None) from None

    def _listen(self, event: Event) -> None:
        if isinstance(event, WarningRaised):
            self._findings.append(event.finding)
            return
        LOG.log(
            logging.DEBUG if isinstance(event, Progressed) else logging.INFO,
            "%s",
            python_text(describe_event(event)),
        )
        if self._progress is not None:
            self._progress(event)


def _with_hint(error: LstmError) -> LstmError:
    """Return an error whose text names settings as in Python, and ends with its hint."""
    error.message, error.hint = python_text(error.message), python_text(error.hint)
    error.args = (f"{error.message}\nhint: {error.hint}" if error.hint else error.message,)
    return error


def _caller_level() -> int:
    """Return the `stacklevel` of a warning in the function that calls this one, so that it names the user's line."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INTERNAL):
        frame, level = frame.f_back, level + 1
    return level


@contextmanager
def stopping_at_ctrl_c() -> Iterator[Callable[[], int | None]]:
    """Yield a function that returns SIGINT after Ctrl-C, so that a training can save a checkpoint before it stops.

    A second Ctrl-C, or three seconds without a stop, raise KeyboardInterrupt. In a thread, or where the program does
    not raise KeyboardInterrupt at Ctrl-C, the function returns None.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield lambda: None
        return
    received: list[int] = []
    timer = threading.Timer(GRACE, interrupt_main)
    timer.daemon = True

    def record(signum: int, frame: object) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(signum)
        timer.start()

    signal.signal(signal.SIGINT, record)
    try:
        yield lambda: received[0] if received else None
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if received:  # the step reached its end before it could stop
        raise KeyboardInterrupt
