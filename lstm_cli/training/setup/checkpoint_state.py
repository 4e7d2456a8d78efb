"""What a training leaves at the end of an epoch, so that another process can go on from there. It knows no paths."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

Facts = dict[str, Any]
REFIT_SUFFIX = " again"  # how the names of refits end


class IncompatibleState(Exception):
    """Raised where what was found is not the state of this training, though its bytes are those that were written."""


@dataclass(frozen=True, kw_only=True)
class SavedState:
    """A training between two epochs; see `underway`."""

    facts: Facts  # what JSON has a word for: part, epoch, epochs, over, history and so on
    tensors: Mapping[str, Tensor]  # on the CPU; nobody changes them


@dataclass(frozen=True, kw_only=True)
class CheckpointSlot:
    """Where one training finds and leaves its state."""

    stored: SavedState | None = None
    save: Callable[[SavedState], None] | None = None  # None: nobody asks for it


@dataclass(frozen=True, kw_only=True)
class Checkpoints:
    """Where all trainings of a model do, each by a name of its own."""

    stored: Mapping[str, SavedState] = field(default_factory=dict)
    save: Callable[[str, SavedState], None] | None = None  # called in whichever thread trains

    def slot(self, name: str) -> CheckpointSlot:
        """The place of one training."""
        save = self.save
        return CheckpointSlot(
            stored=self.stored.get(name), save=None if save is None else lambda saved: save(name, saved)
        )


NO_CHECKPOINT = CheckpointSlot()


def is_finished(slot: CheckpointSlot) -> bool:
    """Whether the training had come to its end before."""
    return slot.stored is not None and bool(slot.stored.facts.get("over"))


def without_resume(slot: CheckpointSlot) -> CheckpointSlot:
    """The same place without what was found there."""
    return replace(slot, stored=None)
