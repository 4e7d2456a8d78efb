"""Reporters of progress on stderr.

In a terminal, each epoch prints a line above a progress bar (Rich, imported on first use). Elsewhere, there is at most
one line per epoch and at least one line per 30 seconds. With --log-format json each line is an object. With --quiet
only warnings are printed.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from math import isfinite
from time import monotonic
from typing import Any

from lstm_cli.cli.stdio import (
    as_one_line,
    is_ignored,
    print_line,
    progress_bar_allowed,
    redirect_to_devnull,
    seconds_since_start,
    terminal_width,
    wrap_line,
)
from lstm_cli.events import (
    REFIT,
    EpochEnded,
    Event,
    Listener,
    ModelScored,
    Note,
    PlotDrawn,
    Progressed,
    TrainingStarted,
    WarningRaised,
    WeightsRecorded,
    describe_event,
    describe_progress,
)

MAX_SILENCE = 25.0  # seconds without output until a line is written
STARTING = "starting"  # stage before the first event
TRAINING = "training"  # first word of the stages of networks
EVENT_NAMES: dict[type, str] = {
    WarningRaised: "warning",
    Note: "note",
    Progressed: "progress",
    TrainingStarted: "training",
    EpochEnded: "epoch",
    WeightsRecorded: "weights",
    PlotDrawn: "picture",
    ModelScored: "scores",
}
BAR_DELAY = 0.3  # seconds until the first progress bar appears


@contextmanager
def progress_reporter() -> Iterator["StageTimer"]:
    """Yield a listener for one step: a progress bar in a terminal, lines elsewhere."""
    listener = ProgressBar() if progress_bar_allowed() else LogReporter(max_silence=MAX_SILENCE)
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
            self._print(event_name(event), describe_event(event), event_fields(event))
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


class ProgressBar:
    """Listener that writes events as lines above a progress bar."""

    def __init__(self) -> None:
        self._started = monotonic()
        self._bar: Any = None  # rich.progress.Progress, made on first use
        self._tasks: dict[str, Any] = {}  # stage: bar; several bars if networks train in parallel
        self._training = False  # whether the bars belong to networks
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        try:
            with self._lock:
                self._handle(event)
        except OSError:  # the terminal was closed, but the command continues
            redirect_to_devnull(sys.stderr)

    def close(self) -> None:
        """Remove the bar from the screen; the lines stay."""
        if self._bar is not None:
            try:
                self._bar.stop()
            except OSError:
                redirect_to_devnull(sys.stderr)

    def _handle(self, event: Event) -> None:
        if isinstance(event, Progressed):
            if self._bar is not None or monotonic() - self._started > BAR_DELAY:
                self._advance(event.stage, event.done, event.total, trains=event.stage == REFIT)
            return
        self._print(describe_event(event, terminal_width(sys.stderr)), _style(event))
        if isinstance(event, TrainingStarted):
            self._advance(f"{TRAINING} {event.model}", 0, event.epochs, trains=True)
        elif isinstance(event, EpochEnded):
            self._advance(f"{TRAINING} {event.part}", event.epoch, event.epochs, trains=True)

    def _advance(self, stage: str, done: int, total: int | None, *, trains: bool) -> None:
        """Move the bar of a stage. Bars of networks (trains) stay, because several networks train in parallel."""
        if self._bar is None:
            self._bar = _rich_bar()
            self._bar.start()
        if not (trains and self._training):
            for other in [other for other in self._tasks if other != stage]:
                self._bar.remove_task(self._tasks.pop(other))
        self._training = trains
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(as_one_line(stage), total=total)
        self._bar.update(self._tasks[stage], completed=done, total=total)

    def _print(self, text: str, style: str) -> None:
        if self._bar is None:
            print_line("note", text)
            return
        from rich.text import Text  # a Text, because names may contain Rich markup

        line = wrap_line(as_one_line(text), self._bar.console.width)
        self._bar.console.print(Text(line, style=style), soft_wrap=True)


def _rich_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class Count(MofNCompleteColumn):
        """Column with the done and total numbers; empty for a stage without a total."""

        def render(self, task: Task) -> Text:
            return super().render(task) if task.total is not None else Text()

    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=max(4, min(30, console.width - 50))),
        Count(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True)


def _style(event: Event) -> str:
    if isinstance(event, WarningRaised):
        return "yellow"
    return "green" if isinstance(event, EpochEnded) and event.best else ""


def event_name(event: Event) -> str:
    """Return the name of an event in --log-format json."""
    return EVENT_NAMES[type(event)]


def event_fields(event: Event) -> dict[str, Any]:
    """Return the fields of an event as JSON values, without arrays and images."""
    if isinstance(event, WeightsRecorded | PlotDrawn | ModelScored):
        return {"text": describe_event(event)}
    if isinstance(event, WarningRaised):
        return event.finding.to_dict()
    facts = {field.name: getattr(event, field.name) for field in fields(event)}
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in facts.items()
    }
