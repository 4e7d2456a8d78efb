"""Progress bar in a terminal (Rich), below the lines of the events.

The bar of a network shows both losses of its last epoch and the time left. No number is cut: in a narrow terminal,
whole parts of the line are left out.
"""

import sys
import threading
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from lstm_cli.cli.progress.event_text import TRAINING
from lstm_cli.cli.stdio import as_one_line, print_line, redirect_to_devnull, terminal_width, wrap_line
from lstm_cli.events import (
    REFIT,
    EpochEnded,
    Event,
    Progressed,
    TrainingStarted,
    WarningRaised,
    describe_event,
    seconds_left,
    time_left,
    val_measure,
)

if TYPE_CHECKING:
    from rich.progress import Task

BAR_DELAY = 0.3  # seconds until the first progress bar appears
MIN_BAR = 4  # columns
COLUMN_GAPS = "     "  # between the parts of a line


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
            self._advance(f"{TRAINING} {event.part}", event.epoch, event.epochs, trains=True, epoch=event)

    def _advance(
        self, stage: str, done: int, total: int | None, *, trains: bool, epoch: EpochEnded | None = None
    ) -> None:
        """Move the bar of a stage. Bars of networks (trains) stay, because several networks train in parallel."""
        if self._bar is None:
            self._bar = _rich_bar()
            self._bar.start()
        if not (trains and self._training):
            for other in [other for other in self._tasks if other != stage]:
                self._bar.remove_task(self._tasks.pop(other))
        self._training = trains
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(as_one_line(stage), total=total, epoch=None, ended=0.0)
        self._bar.update(self._tasks[stage], completed=done, total=total, epoch=epoch, ended=monotonic())

    def _print(self, text: str, style: str) -> None:
        if self._bar is None:
            print_line("note", text)
            return
        from rich.text import Text  # a Text, because names may contain Rich markup

        line = wrap_line(as_one_line(text), self._bar.console.width)
        self._bar.console.print(Text(line, style=style), soft_wrap=True)


def losses_text(epoch: EpochEnded) -> str:
    """Return both losses of an epoch; a loss that is not known is left out.

    At epoch 0 there is no training loss, and in a refit no validation loss.
    """
    losses = (("train loss", epoch.train_loss), (f"val {val_measure(epoch.part)}", epoch.val_loss))
    return " ".join(f"{name} {loss:.4f}" for name, loss in losses if loss is not None)


def current_time_left(epoch: EpochEnded, since: float) -> str:
    """Return the time left, some seconds after the end of an epoch; "" if it is not known.

    Args:
        epoch: last epoch that ended.
        since: seconds since then. An epoch that is slower than the mean does not use up the time of the next ones.
    """
    left = seconds_left(epoch)
    if left is None:
        return ""
    return time_left(left - min(since, left / (epoch.epochs - epoch.epoch)))


def parts_that_fit(tasks: "Sequence[Task]", width: int) -> frozenset[str]:
    """Return the parts of the lines of networks that fit into a terminal, so that no number is cut.

    Args:
        tasks: bars on the screen; they share columns.
        width: columns of the terminal.
    """
    epochs = [task.fields["epoch"] for task in tasks if task.fields["epoch"] is not None]
    sizes = {
        "word": len(TRAINING) + 1,
        "bar": MIN_BAR,
        "elapsed": len("0:00:00"),
        "losses": max((len(losses_text(epoch)) for epoch in epochs), default=0),
        "left": max((len(current_time_left(epoch, 0.0)) for epoch in epochs), default=0),
    }
    needed = max((len(task.description.removeprefix(f"{TRAINING} ")) for task in tasks), default=0)
    needed += max((2 * len(f"{task.total:.0f}") + 1 for task in tasks if task.total is not None), default=0)
    needed += len(COLUMN_GAPS)
    for left_out in ((), ("word", "bar", "elapsed"), ("word", "bar", "elapsed", "losses")):
        shown = sizes.keys() - set(left_out)
        if needed + sum(sizes[name] for name in shown) <= width:
            return frozenset(shown)
    return frozenset()


def _rich_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TimeElapsedColumn
    from rich.text import Text

    console = Console(stderr=True, highlight=False)

    def is_shown(part: str) -> bool:
        """Return whether a part fits; those of a stage without losses always do."""
        tasks = progress.tasks
        return all(task.fields["epoch"] is None for task in tasks) or part in parts_that_fit(
            tasks, console.width
        )

    class Name(ProgressColumn):
        """Column with the stage; in a narrow terminal, a network without the word "training"."""

        def render(self, task: "Task") -> Text:
            prefix = "" if is_shown("word") else f"{TRAINING} "
            return Text(task.description.removeprefix(prefix))

    class Bar(BarColumn):
        """Column with the bar, if it fits."""

        def render(self, task: "Task") -> Any:
            trains = any(other.fields["epoch"] is not None for other in progress.tasks)
            self.bar_width = max(MIN_BAR, min(30, console.width - (100 if trains else 50)))
            return super().render(task) if is_shown("bar") else Text()

    class Count(MofNCompleteColumn):
        """Column with the done and total numbers; empty for a stage without a total."""

        def render(self, task: "Task") -> Text:
            return super().render(task) if task.total is not None else Text()

    class Elapsed(TimeElapsedColumn):
        """Column with the time since the start of the stage, if it fits."""

        def render(self, task: "Task") -> Text:
            return super().render(task) if is_shown("elapsed") else Text()

    class Losses(ProgressColumn):
        """Column with the losses of a network and the time left, as far as they fit."""

        def render(self, task: "Task") -> Text:
            epoch = task.fields["epoch"]
            if epoch is None:
                return Text()
            losses = losses_text(epoch) if is_shown("losses") else ""
            left = current_time_left(epoch, monotonic() - task.fields["ended"]) if is_shown("left") else ""
            return Text(" ".join(filter(None, (losses, left))))

    progress = Progress(Name(), Bar(), Count(), Elapsed(), Losses(), console=console, transient=True)
    return progress


def _style(event: Event) -> str:
    if isinstance(event, WarningRaised):
        return "yellow"
    return "green" if isinstance(event, EpochEnded) and event.best else ""
