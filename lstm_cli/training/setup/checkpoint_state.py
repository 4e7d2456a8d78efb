"""What a training leaves at the end of an epoch, so that another process can go on from there. It knows no paths."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

Facts = dict[str, Any]
AGAIN = " again"  # how the names of refits end


class StateUnfit(Exception):
    """Raised where what was found is not the state of this training, though its bytes are those that were written."""


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A training between two epochs; see `underway`."""

    facts: Facts  # what JSON has a word for: part, epoch, epochs, over, history and so on
    tensors: Mapping[str, Tensor]  # on the CPU; nobody changes them


@dataclass(frozen=True, kw_only=True)
class Keep:
    """Where one training finds and leaves its state."""

    found: Saved | None = None
    save: Callable[[Saved], None] | None = None  # None: nobody asks for it


@dataclass(frozen=True, kw_only=True)
class Checkpoints:
    """Where all trainings of a model do, each by a name of its own."""

    found: Mapping[str, Saved] = field(default_factory=dict)
    save: Callable[[str, Saved], None] | None = None  # called in whichever thread trains

    def of(self, name: str) -> Keep:
        """The place of one training."""
        save = self.save
        return Keep(
            found=self.found.get(name), save=None if save is None else lambda saved: save(name, saved)
        )


NOWHERE = Keep()


def is_over(keep: Keep) -> bool:
    """Whether the training had come to its end before."""
    return keep.found is not None and bool(keep.found.facts.get("over"))


def begun_anew(keep: Keep) -> Keep:
    """The same place without what was found there."""
    return replace(keep, found=None)
