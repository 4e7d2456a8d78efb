"""Reporters of progress on stderr.

In a terminal, each epoch prints a line above a progress bar (`progress_bar.py`). Elsewhere, there is at most one line
per epoch and at least one line per 30 seconds. With --log-format json each line is an object. With --quiet only
warnings are printed.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from lstm_cli.cli.progress.event_text import TRAINING, event_fields, event_name
from lstm_cli.cli.stdio import (
    is_ignored,
    is_terminal,
    print_line,
    progress_bar_allowed,
    seconds_since_start,
    terminal_width,
)
from lstm_cli.events import (
    EpochEnded,
    Event,
    Listener,
    Progressed,
    TrainingStarted,
    WarningRaised,
    describe_event,
    describe_progress,
)

MAX_SILENCE = 25.0  # seconds without output until a line is written
STARTING = "starting"  # stage before the first event


@contextmanager
def progress_reporter() -> Iterator["StageTimer"]:
    """Yield a listener for one step: a progress bar in a terminal, lines elsewhere."""
    if progress_bar_allowed():
        from lstm_cli.cli.progress.progress_bar import ProgressBar

        listener: ProgressBar | LogReporter = ProgressBar()
    else:
        listener = LogReporter(max_silence=MAX_SILENCE)
    timer = StageTimer(listener)
    try:
        yield timer
    finally:
        timer.close()
        listener.close()


class StageTimer:
    """Listener that measures the seconds of each stage and forwards events, without the warnings of --ignore."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._stage, self._stage_start = STARTING, 0.0
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        if isinstance(event, WarningRaised) and is_ignored(event.finding.rule):
            return
        stage = event_stage(event)
        if stage is not None and stage != self._stage:
            self._enter(stage)
        self._listener(event)

    def close(self) -> None:
        """End the last stage."""
        self._enter(self._stage)

    @property
    def stages(self) -> dict[str, float]:
        """Return the seconds of each stage, in order of their start."""
        return {stage: round(seconds, 2) for stage, seconds in self._seconds.items()}

    def _enter(self, stage: str) -> None:
        with self._lock:
            now = seconds_since_start()
            self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now - self._stage_start
            self._stage, self._stage_start = stage, now


def event_stage(event: Event) -> str | None:
    """Return the stage of an event; None for an event without a stage."""
    if isinstance(event, Progressed):
        return event.stage
    return TRAINING if isinstance(event, TrainingStarted | EpochEnded) else None


class LogReporter:
    """Listener that writes events as lines; a thread writes a line after each long silence."""

    def __init__(self, *, max_silence: float) -> None:
        self._max_silence = max_silence
        self._started = self._last_line = monotonic()
        self._state = "still working"
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._break_silence, daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Progressed):
            self._state = describe_progress(event)
        else:
            width = terminal_width(sys.stderr) if is_terminal(sys.stderr) else None
            self._print(event_name(event), describe_event(event, width, with_left=True), event_fields(event))
        if isinstance(event, EpochEnded):
            next_epoch = min(event.epoch + 1, event.epochs)
            self._state = f"{event.part} epoch {next_epoch}/{event.epochs} running"

    def close(self) -> None:
        """Stop the thread."""
        self._closed.set()
        self._thread.join()

    def _print(self, name: str, text: str, facts: dict[str, Any]) -> None:
        with self._lock:
            print_line(name, text, facts)
            self._last_line = monotonic()

    def _break_silence(self) -> None:
        wait = self._max_silence
        while not self._closed.wait(wait):
            wait = self._last_line + self._max_silence - monotonic()
            if wait <= 0:
                seconds = round(monotonic() - self._started)
                facts = {"state": self._state, "seconds": seconds}
                self._print("working", f"{self._state}, {seconds} s", facts)
                wait = self._max_silence
