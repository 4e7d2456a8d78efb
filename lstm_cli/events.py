"""Progress as frozen events to one listener. Steps and training speak only through these."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from lstm_cli.findings import Finding

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True)
class WarningRaised:
    """A guess or repair that a person should know of: one `warning[RULE]:` line."""

    finding: Finding


@dataclass(frozen=True, kw_only=True)
class Note:
    """A choice that was made, such as the device: one plain line."""

    text: str


REFIT = "training again"  # the stage in which networks are fitted on validation rows too


@dataclass(frozen=True, kw_only=True)
class Progressed:
    """Work of a known or unknown length goes on."""

    stage: str  # what is being done, e.g. "reading"
    done: int  # so much is done, in `unit`
    total: int | None = None  # of so much; None where the end is not known
    unit: str = ""  # e.g. "bytes", "windows"


@dataclass(frozen=True, kw_only=True)
class TrainingStarted:
    """Training begins."""

    model: str  # its name, or that of the part that is trained
    parameters: int
    windows: int  # training windows
    epochs: int  # at most so many
    steps_per_epoch: int


@dataclass(frozen=True, kw_only=True)
class EpochEnded:
    """One interval between two validations is over. Epoch 0 is the validation before the first step."""

    part: str  # of the model, or its name where it is trained as a whole
    epoch: int
    epochs: int
    step: int  # optimizer steps so far
    train_loss: float | None  # mean over the epoch's steps; None at epoch 0
    val_loss: float | None  # None where a model is fitted again on the validation rows too
    best: bool  # the best validation loss so far
    lr: float
    grad_norm: float | None  # mean over the epoch's steps, before clipping
    seconds: float  # since training began
    first_grad_norm: float | None = None  # likewise, of the first LSTM layer alone


@dataclass(frozen=True, kw_only=True)
class WeightsRecorded:
    """The weights of a network at the end of an epoch. Made only for a listener that wants it."""

    part: str  # as in EpochEnded
    epoch: int
    step: int  # optimizer steps so far
    validated: bool  # False while a model is fitted again on the validation rows too
    weights: "Mapping[str, np.ndarray]"  # by the parameter's name; on the CPU


@dataclass(frozen=True, kw_only=True)
class PlotDrawn:
    """A picture of what a training gave. Made only for a listener that wants it."""

    name: str  # e.g. "forecasts"
    png: bytes


Event: TypeAlias = (
    WarningRaised | Note | Progressed | TrainingStarted | EpochEnded | WeightsRecorded | PlotDrawn
)
Listener: TypeAlias = Callable[[Event], None]
ON_DEMAND = (WeightsRecorded, PlotDrawn)  # events that cost work to make


def is_wanted(listen: Listener, kind: type) -> bool:
    """Whether the listener asks for this kind of event among those made on demand: by its attribute `wants`."""
    return kind in getattr(listen, "wants", ())


def ignore_events(event: Event) -> None:
    """A listener that hears nothing."""
