"""Progress in a notebook: one element of HTML, which is updated in place and needs no widgets."""

import sys
import threading
from html import escape
from time import monotonic
from typing import Any

from lstm_cli.events import EpochEnded, Event, Note, Progressed, TrainingStarted, val_measure
from lstm_cli.wording import count_noun

DELAY = 0.3  # seconds until the element appears
INTERVAL = 0.2  # seconds between two updates
CELL = "padding:0 1em 0 0;text-align:left"
FIGURE = "padding:0 1em 0 0;text-align:right;font-variant-numeric:tabular-nums"


def is_notebook() -> bool:
    """Return whether the program runs in the kernel of a notebook. IPython is not imported."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


class NotebookProgress:
    """Listener that shows the progress of one step. Networks that train in parallel have one row each."""

    def __init__(self, verb: str) -> None:
        """Start the clock. verb: name of the step."""
        self._verb, self._began, self._shown = verb, monotonic(), 0.0
        self._display: Any = None  # IPython.display.DisplayHandle
        self._stage: Progressed | Note | None = None
        self._networks: dict[
            str, tuple[int, int, float | None, float | None]
        ] = {}  # epoch, epochs, both losses
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            match event:
                case Progressed() | Note():
                    self._stage = event
                case TrainingStarted():
                    self._stage = None
                    self._networks[event.model] = (0, event.epochs, None, None)
                case EpochEnded():
                    self._networks[event.part] = (event.epoch, event.epochs, event.train_loss, event.val_loss)
            now = monotonic()
            if now - self._began >= DELAY and now - self._shown >= INTERVAL:
                self._shown = now
                self._show(self.html())

    def close(self) -> None:
        """Replace the progress by one line with the duration, if it was shown."""
        with self._lock:
            if self._display is not None:
                self._show(f"<small>{escape(self._verb)}: {monotonic() - self._began:.1f} s</small>")

    def html(self) -> str:
        """Return the state as HTML."""
        rows = [
            f"<tr><td style='{CELL}'>{escape(name)}</td><td>{_bar(epoch, epochs)}</td>"
            f"<td style='{FIGURE}'>{epoch}/{epochs}</td>"
            f"<td style='{FIGURE}'>{_loss(train)}</td><td style='{FIGURE}'>{_loss(val)}</td></tr>"
            for name, (epoch, epochs, train, val) in self._networks.items()
        ]
        validation = " or ".join(dict.fromkeys(f"val {val_measure(part)}" for part in self._networks))
        titles = "".join(
            f"<th style='{style}'>{name}</th>"
            for name, style in zip(
                ("network", "", "epoch", "train loss", validation), (CELL, CELL, *[FIGURE] * 3), strict=True
            )
        )
        table = f"<table><tr>{titles}</tr>{''.join(rows)}</table>" if rows else ""
        return f"<div><b>{escape(self._verb)}</b> {self._stage_html()} {monotonic() - self._began:.0f} s{table}</div>"

    def _stage_html(self) -> str:
        stage = self._stage
        if isinstance(stage, Note):
            return escape(stage.text)
        if stage is None:
            return f"training {count_noun(len(self._networks), 'network')}" if self._networks else ""
        return f"{escape(stage.stage)} {_bar(stage.done, stage.total) if stage.total else ''}"

    def _show(self, html: str) -> None:
        from IPython.display import HTML, display

        if self._display is None:
            self._display = display(HTML(html), display_id=True)
        else:
            self._display.update(HTML(html))


def _bar(done: int, total: int) -> str:
    return f"<progress value='{done}' max='{total}'></progress>"


def _loss(loss: float | None) -> str:
    return "" if loss is None else f"{loss:.4f}"
