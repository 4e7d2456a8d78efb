"""What a person or a log hears while a command works. Everything here goes to stderr.

In a terminal: a line an epoch and a moving bar below it (Rich, loaded once there is something to show).
Elsewhere: a line an epoch at most, and one in 30 seconds at least, whatever the work. With --log-format json each
line is an object, with --quiet only warnings are heard.
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
    Note,
    PlotDrawn,
    Progressed,
    TrainingStarted,
    WarningRaised,
    WeightsRecorded,
)

SILENCE = 25.0  # seconds without a line after which one is written
STARTING = "starting"  # the stage before the first event
TRAINING = "training"  # how the stages of networks begin
NAMES: dict[type, str] = {
    WarningRaised: "warning",
    Note: "note",
    Progressed: "progress",
    TrainingStarted: "training",
    EpochEnded: "epoch",
    WeightsRecorded: "weights",
    PlotDrawn: "picture",
}
WIDE = 78  # columns that the line of an epoch may take
PATIENCE = 0.3  # seconds: work that is over sooner shows no bar


@contextmanager
def progress_reporter() -> Iterator["StageTimer"]:
    """Yield a listener for the time of one step: a bar in a terminal, lines elsewhere."""
    listener = ProgressBar() if progress_bar_allowed() else LogReporter(silence=SILENCE)
    timed = StageTimer(listener)
    try:
        yield timed
    finally:
        timed.close()
        listener.close()


class StageTimer:
    """A listener that sums the seconds of each stage since the command began, and passes events on.

    Warnings that --ignore names are left out.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._stage, self._since = STARTING, 0.0
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        if isinstance(event, WarningRaised) and is_ignored(event.finding.rule):
            return
        stage = stage_of(event)
        if stage is not None and stage != self._stage:
            self._enter(stage)
        self._listener(event)

    def close(self) -> None:
        """End the last stage."""
        self._enter(self._stage)

    @property
    def stages(self) -> dict[str, float]:
        """Seconds of each stage, in the order in which they began."""
        return {stage: round(seconds, 2) for stage, seconds in self._seconds.items()}

    def _enter(self, stage: str) -> None:
        with self._lock:
            now = seconds_since_start()
            self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now - self._since
            self._stage, self._since = stage, now


def stage_of(event: Event) -> str | None:
    """Return the stage that an event belongs to; None where it tells none."""
    if isinstance(event, Progressed):
        return event.stage
    return TRAINING if isinstance(event, TrainingStarted | EpochEnded) else None


class LogReporter:
    """Writes events as lines. A thread of its own breaks a silence, whether or not events come."""

    def __init__(self, *, silence: float) -> None:
        self._silence = silence
        self._began = self._spoke = monotonic()
        self._state = "still working"
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._pulse = threading.Thread(target=self._print_while_silent, daemon=True)
        self._pulse.start()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Progressed):
            self._state = describe_progress(event)
        else:
            self._print(event_name(event), describe_event(event), event_fields(event))
        if isinstance(event, EpochEnded):
            following = min(event.epoch + 1, event.epochs)
            self._state = f"{event.part} epoch {following}/{event.epochs} goes on"

    def close(self) -> None:
        """Fall silent for good."""
        self._over.set()
        self._pulse.join()

    def _print(self, name: str, text: str, facts: dict[str, Any]) -> None:
        with self._lock:
            print_line(name, text, facts)
            self._spoke = monotonic()

    def _print_while_silent(self) -> None:
        rest = self._silence
        while not self._over.wait(rest):
            rest = self._spoke + self._silence - monotonic()
            if rest <= 0:
                seconds = round(monotonic() - self._began)
                facts = {"state": self._state, "seconds": seconds}
                self._print("working", f"{self._state}, {seconds} s", facts)
                rest = self._silence


class ProgressBar:
    """Writes events above a bar that moves."""

    def __init__(self) -> None:
        self._began = monotonic()
        self._bar: Any = None  # rich.progress.Progress, once there is something to show
        self._tasks: dict[str, Any] = {}  # stage: its bar; several where networks train side by side
        self._training = False  # the bars are of networks
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        try:
            with self._lock:
                self._handle(event)
        except OSError:  # the terminal went away; the work does not
            redirect_to_devnull(sys.stderr)

    def close(self) -> None:
        """Take the bar off the screen; the lines stay."""
        if self._bar is not None:
            try:
                self._bar.stop()
            except OSError:
                redirect_to_devnull(sys.stderr)

    def _handle(self, event: Event) -> None:
        if isinstance(event, Progressed):
            if self._bar is not None or monotonic() - self._began > PATIENCE:
                self._advance(event.stage, event.done, event.total, trains=event.stage == REFIT)
            return
        self._print(describe_event(event, terminal_width(sys.stderr)), _style(event))
        if isinstance(event, TrainingStarted):
            self._advance(f"{TRAINING} {event.model}", 0, event.epochs, trains=True)
        elif isinstance(event, EpochEnded):
            self._advance(f"{TRAINING} {event.part}", event.epoch, event.epochs, trains=True)

    def _advance(self, stage: str, done: int, total: int | None, *, trains: bool) -> None:
        """Move the bar of a stage. trains: of a network; several train side by side, so their bars stay."""
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
        from rich.text import Text  # a Text, since names may hold what Rich reads as markup

        line = wrap_line(as_one_line(text), self._bar.console.width)
        self._bar.console.print(Text(line, style=style), soft_wrap=True)


def _rich_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class Count(MofNCompleteColumn):
        """How many of how many are done; nothing for work without parts."""

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
    """What a line of --log-format json calls an event."""
    return NAMES[type(event)]


def event_fields(event: Event) -> dict[str, Any]:
    """The fields of an event as JSON values; arrays and pictures, which only other programs are shown, left out."""
    if isinstance(event, WeightsRecorded | PlotDrawn):
        return {"text": describe_event(event)}
    if isinstance(event, WarningRaised):
        return event.finding.to_dict()
    facts = {field.name: getattr(event, field.name) for field in fields(event)}
    return {
        name: None if isinstance(one, float) and not isfinite(one) else one for name, one in facts.items()
    }


def describe_event(event: Event, width: int = WIDE) -> str:
    """Return an event as one line; in a terminal of few columns without what tells least."""
    match event:
        case WarningRaised():
            return f"warning[{event.finding.rule}]: {event.finding.text}"
        case Note():
            return event.text
        case Progressed():
            return describe_progress(event)
        case TrainingStarted():
            return (
                f"training {event.model}: {event.parameters:,} parameters, {event.windows:,} windows, "
                f"at most {event.epochs} epoch{'s' if event.epochs > 1 else ''} of {event.steps_per_epoch} steps"
            )
        case EpochEnded():
            return _describe_epoch(event, with_rate=width >= WIDE)
        case WeightsRecorded():
            return f"{event.part} epoch {event.epoch}: {len(event.weights)} arrays of weights"
        case PlotDrawn():
            return f"picture of {event.name}"


def _describe_epoch(event: EpochEnded, *, with_rate: bool) -> str:
    width = len(str(event.epochs))
    train = "      -" if event.train_loss is None else f"{event.train_loss:7.4f}"
    val = "      -" if event.val_loss is None else f"{event.val_loss:7.4f}"
    best = "best" if event.best else "    "
    parts = [
        f"{event.part:<8} epoch {event.epoch:{width}}/{event.epochs}",
        f"train {train}",
        f"val {val} {best}",
    ]
    parts += [f"lr {event.lr:.1e}"] if with_rate else []
    return ("  " if with_rate else " ").join([*parts, f"{event.seconds:5.1f} s"])


def describe_progress(event: Progressed) -> str:
    """Return how far a stage is, e.g. `reading: 1,200 of 4,000 bytes (30 %)`; its name alone for one without parts."""
    unit = f" {event.unit}" if event.unit else ""
    if not event.total:
        return f"{event.stage}: {event.done:,}{unit}" if event.done else event.stage
    return f"{event.stage}: {event.done:,} of {event.total:,}{unit} ({100 * event.done / event.total:.0f} %)"
