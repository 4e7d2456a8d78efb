"""Progress events for a listener, and their texts. Steps and training produce no other output."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, TypeAlias

from lstm_cli.findings import Finding

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True)
class WarningRaised:
    """Guess or repair that the user should know of, printed as one `warning[RULE]:` line."""

    finding: Finding


@dataclass(frozen=True, kw_only=True)
class Note:
    """Choice that was made, such as the device, printed as one plain line."""

    text: str


# Measure of the validation loss by network, and name of its examples; others have MASE and windows.
MEASURES = {"stacked": "loss", "classifier": "log-loss", "language model": "nats per token"}
EXAMPLES = {"classifier": "sequences", "language model": "tokens"}
FOLD = " fold "  # between the name of a network and the number of its fold
REFIT = "training again"  # stage in which networks are refitted on training and validation rows


@dataclass(frozen=True, kw_only=True)
class Progressed:
    """Progress of work whose length may be unknown."""

    stage: str  # e.g. "reading"
    done: int  # amount done, in `unit`
    total: int | None = None  # amount to do, in `unit`; None if unknown
    unit: str = ""  # e.g. "bytes", "windows"


@dataclass(frozen=True, kw_only=True)
class TrainingStarted:
    """Start of a training."""

    model: str  # name of the model, or of its part that is trained
    parameters: int
    windows: int  # training windows
    epochs: int  # maximum number
    steps_per_epoch: int


@dataclass(frozen=True, kw_only=True)
class EpochEnded:
    """End of an epoch, with its validation. Epoch 0 is the validation before the first step."""

    part: str  # name of the part; name of the model if it has no parts
    epoch: int
    epochs: int
    step: int  # optimizer steps so far
    train_loss: float | None  # mean over the steps of the epoch; None at epoch 0
    val_loss: float | None  # None during a refit on training and validation rows
    best: bool  # best validation loss so far
    lr: float
    grad_norm: float | None  # mean over the steps of the epoch, before clipping
    seconds: float  # since training began
    first_grad_norm: float | None = None  # `grad_norm` of the first LSTM layer only


@dataclass(frozen=True, kw_only=True)
class WeightsRecorded:
    """Weights of a network at the end of an epoch. Made only for a listener that wants them."""

    part: str  # as in EpochEnded
    epoch: int
    step: int  # optimizer steps so far
    validated: bool  # False during a refit on training and validation rows
    weights: "Mapping[str, np.ndarray]"  # parameter name -> values on the CPU


@dataclass(frozen=True, kw_only=True)
class PlotDrawn:
    """Plot of the result of a training. Made only for a listener that wants it."""

    name: str  # e.g. "forecasts"
    png: bytes


@dataclass(frozen=True, kw_only=True)
class ModelScored:
    """Result of a training: settings that were used, and scores on the validation rows before a refit.

    Made only for a listener that wants it.
    """

    settings: Mapping[str, Any]  # with the values that automatic settings had; "none": off, or no limit
    scores: Mapping[str, float | None]  # mase and mae_scaled; None: not defined


Event: TypeAlias = (
    WarningRaised
    | Note
    | Progressed
    | TrainingStarted
    | EpochEnded
    | WeightsRecorded
    | PlotDrawn
    | ModelScored
)
Listener: TypeAlias = Callable[[Event], None]
ON_DEMAND = (WeightsRecorded, PlotDrawn, ModelScored)  # events that only logs want


def is_wanted(listen: Listener, kind: type) -> bool:
    """Return whether the listener wants an on-demand event of this kind (its attribute `wants` lists them)."""
    return kind in getattr(listen, "wants", ())


def ignore_events(event: Event) -> None:
    """Ignore the event; a listener for callers that need no output."""


def describe_event(event: Event, width: int | None = None, *, with_left: bool = False) -> str:
    """Return an event as one line.

    Args:
        event: event.
        width: columns of the terminal, for which the line of an epoch leaves out parts; None: no limit.
        with_left: whether the line of an epoch has the time left.
    """
    match event:
        case WarningRaised():
            return f"warning[{event.finding.rule}]: {event.finding.text}"
        case Note():
            return event.text
        case Progressed():
            return describe_progress(event)
        case TrainingStarted():
            return (
                f"training {event.model}: {event.parameters:,} parameters, "
                f"{event.windows:,} {EXAMPLES.get(_network(event.model), 'windows')}, "
                f"at most {event.epochs} epoch{'s' if event.epochs > 1 else ''} of {event.steps_per_epoch} steps"
            )
        case EpochEnded():
            return _describe_epoch(event, width, with_left=with_left)
        case WeightsRecorded():
            return f"{event.part} epoch {event.epoch}: {len(event.weights)} arrays of weights"
        case PlotDrawn():
            return f"plot of {event.name}"
        case ModelScored():
            return f"validation MASE {event.scores.get('mase')}"


def val_measure(part: str) -> str:
    """Return the measure of the validation loss of a network: MASE, or the training loss for `stacked`."""
    return MEASURES.get(_network(part), "MASE")


def _network(part: str) -> str:
    """Return the network of a part, which may be that of a fold of a cross-validation."""
    return part.partition(FOLD)[0]


def _describe_epoch(event: EpochEnded, width: int | None, *, with_left: bool) -> str:
    """Return the line of an epoch, in a narrow terminal without the time left, then without the learning rate."""
    epoch = f"{event.epoch:{len(str(event.epochs))}}/{event.epochs}"
    train = "     -" if event.train_loss is None else f"{event.train_loss:6.4f}"
    val = "     -" if event.val_loss is None else f"{event.val_loss:6.4f}"
    best = "best" if event.best else "    "
    name, lr, seconds = f"{event.part:<8}", f"lr {event.lr:.1e}", f"{event.seconds:5.1f} s"
    validation = f"val {val_measure(event.part)} {val} {best}"
    parts = [f"{name} epoch {epoch}", f"train loss {train}", validation]
    left = time_left(seconds_left(event)) if with_left else ""
    lines = ["  ".join([*parts, lr, seconds])]
    if left:
        lines.insert(0, f"{lines[0]}, {left}")
    lines += [
        " ".join([*parts, lr, seconds]),
        " ".join([*parts, seconds]),
        " ".join([name, epoch, f"loss {train}", validation, seconds]),
    ]
    return next((line for line in lines if width is None or len(line) <= width), lines[-1])


def seconds_left(event: EpochEnded) -> float | None:
    """Return the seconds that a network trains at most, if its next epochs are as long as the mean of its epochs.

    Early stopping can end the training before. None before the first epoch and after the last one.
    """
    if not 0 < event.epoch < event.epochs:
        return None
    return event.seconds / event.epoch * (event.epochs - event.epoch)


def time_left(seconds: float | None) -> str:
    """Return the time left as a text; "" if it is not known.

    >>> time_left(42.3), time_left(3723), time_left(None)
    ('at most 0:43 left', 'at most 1:02:03 left', '')
    """
    if seconds is None:
        return ""
    minutes, rest = divmod(ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"at most {hours}:{minutes:02}:{rest:02} left" if hours else f"at most {minutes}:{rest:02} left"


def describe_progress(event: Progressed) -> str:
    """Return the progress of a stage, e.g. `reading: 1,200 of 4,000 bytes (30 %)`, or its name without a total."""
    unit = f" {event.unit}" if event.unit else ""
    if not event.total:
        return f"{event.stage}: {event.done:,}{unit}" if event.done else event.stage
    return f"{event.stage}: {event.done:,} of {event.total:,}{unit} ({100 * event.done / event.total:.0f} %)"
