"""State of a training after an epoch, from which another process can resume. This module knows no paths."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

Facts = dict[str, Any]
REFIT_SUFFIX = " again"  # suffix in the names of refits


class IncompatibleState(Exception):
    """Error for a stored state that is intact but belongs to another training."""


@dataclass(frozen=True, kw_only=True)
class SavedState:
    """State of a training between two epochs; see `TrainingState.save`."""

    facts: Facts  # JSON values: part, epoch, epochs, over, history and so on
    tensors: Mapping[str, Tensor]  # on the CPU, never changed


@dataclass(frozen=True, kw_only=True)
class CheckpointSlot:
    """Stored state of one training, and the function that saves a new one."""

    stored: SavedState | None = None
    save: Callable[[SavedState], None] | None = None  # None: states are not saved


@dataclass(frozen=True, kw_only=True)
class Checkpoints:
    """Stored states of all trainings of a model, by name."""

    stored: Mapping[str, SavedState] = field(default_factory=dict)
    save: Callable[[str, SavedState], None] | None = None  # called in the thread of the training

    def slot(self, name: str) -> CheckpointSlot:
        """Return the slot of one training."""
        save = self.save
        return CheckpointSlot(
            stored=self.stored.get(name), save=None if save is None else lambda saved: save(name, saved)
        )


NO_CHECKPOINT = CheckpointSlot()


def is_finished(slot: CheckpointSlot) -> bool:
    """Return whether the training finished in an earlier process."""
    return slot.stored is not None and bool(slot.stored.facts.get("over"))


def without_resume(slot: CheckpointSlot) -> CheckpointSlot:
    """Return the slot without its stored state."""
    return replace(slot, stored=None)
