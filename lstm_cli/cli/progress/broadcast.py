"""Broadcast of training events to several listeners: the bar or log, TensorBoard, and Weights & Biases."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from lstm_cli.events import ON_DEMAND, Event, Listener, is_wanted


@dataclass(frozen=True, kw_only=True)
class BroadcastListener:
    """Listener that forwards each event; an on-demand event goes only to the listeners that want it.

    A lock protects the listeners, because networks that train in parallel send events from their own threads.
    """

    listeners: tuple[Listener, ...]
    lock: Lock = field(default_factory=Lock)

    @property
    def wants(self) -> frozenset[type]:
        """Return the on-demand events that at least one listener wants."""
        return frozenset(
            kind for kind in ON_DEMAND if any(is_wanted(listener, kind) for listener in self.listeners)
        )

    def __call__(self, event: Event) -> None:
        with self.lock:
            for listener in self.listeners:
                if not isinstance(event, ON_DEMAND) or is_wanted(listener, type(event)):
                    listener(event)


@contextmanager
def with_loggers(
    listener: Listener, run: Path, *, tensorboard: bool, wandb: bool, config: Mapping[str, Any]
) -> Iterator[Listener]:
    """Yield a listener that also writes the requested logs below RUN/logs.

    Args:
        listener: listener that gets all events too.
        run: run directory.
        tensorboard: whether to write a TensorBoard log.
        wandb: whether to write a Weights & Biases log.
        config: settings of the training.

    Raises:
        MissingArtifact: the run was not found.
        ForeignFolder: RUN/logs is a link to a folder outside the run.
    """
    with ExitStack() as stack:
        listeners = [listener]
        if tensorboard or wandb:
            from lstm_cli.rundir import logs_folder, open_run

            open_run(run).close()  # check that the folder is a run before a file is made
        if tensorboard:
            from lstm_cli.cli.progress.tensorboard import TensorBoardLog

            folder = logs_folder(run, "tensorboard")
            listeners.append(stack.enter_context(closing(TensorBoardLog(folder))))
        if wandb:
            from lstm_cli.cli.progress.wandb import WandbLog

            folder = logs_folder(run, "wandb").parent  # W&B adds the subfolder `wandb`
            name = f"{run.absolute().name} {config['model']}"
            listeners.append(stack.enter_context(closing(WandbLog(folder, name=name, config=config))))
        yield BroadcastListener(listeners=tuple(listeners))
