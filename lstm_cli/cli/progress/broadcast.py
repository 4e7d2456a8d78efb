"""Several listeners to one training: the bar or the log, and those that write for other programs."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from lstm_cli.events import ON_DEMAND, Event, Listener, is_wanted


@dataclass(frozen=True, kw_only=True)
class BroadcastListener:
    """A listener that passes each event on; one that is made on demand to those alone that want it.

    Networks that train side by side speak from threads of their own, and are heard one after the other.
    """

    listeners: tuple[Listener, ...]
    lock: Lock = field(default_factory=Lock)

    @property
    def wants(self) -> frozenset[type]:
        """What any of them wants."""
        return frozenset(kind for kind in ON_DEMAND if any(is_wanted(one, kind) for one in self.listeners))

    def __call__(self, event: Event) -> None:
        with self.lock:
            for listener in self.listeners:
                if not isinstance(event, ON_DEMAND) or is_wanted(listener, type(event)):
                    listener(event)


@contextmanager
def with_loggers(
    told: Listener, run: Path, *, tensorboard: bool, wandb: bool, config: Mapping[str, Any]
) -> Iterator[Listener]:
    """Add the files below RUN/logs that are asked for to a listener. config: what they say of the training.

    Raises MissingArtifact where there is no run, ForeignFolder where RUN/logs leads out of it.
    """
    with ExitStack() as stack:
        listeners = [told]
        if tensorboard or wandb:
            from lstm_cli.rundir import logs_folder, open_run

            open_run(run).close()  # nothing is made in a folder that is no run
        if tensorboard:
            from lstm_cli.cli.progress.tensorboard import TensorBoardLog

            folder = logs_folder(run, "tensorboard")
            listeners.append(stack.enter_context(closing(TensorBoardLog(folder))))
        if wandb:
            from lstm_cli.cli.progress.wandb import WandbLog

            folder = logs_folder(run, "wandb").parent  # W&B itself writes in `wandb` below it
            listeners.append(stack.enter_context(closing(WandbLog(folder, config=config))))
        yield BroadcastListener(listeners=tuple(listeners))
