"""Events of a step as lines of text, for the reporters of the command line and for the log of the Python API."""

from lstm_cli.events import (
    EpochEnded,
    Event,
    ModelScored,
    Note,
    PlotDrawn,
    Progressed,
    TrainingStarted,
    WarningRaised,
    WeightsRecorded,
)

EPOCH_COLUMNS = 78  # width of the full line of an epoch


def describe_event(event: Event, width: int = EPOCH_COLUMNS) -> str:
    """Return an event as one line, without the learning rate if the terminal is narrow (width in columns)."""
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
            return _describe_epoch(event, with_lr=width >= EPOCH_COLUMNS)
        case WeightsRecorded():
            return f"{event.part} epoch {event.epoch}: {len(event.weights)} arrays of weights"
        case PlotDrawn():
            return f"plot of {event.name}"
        case ModelScored():
            return f"validation MASE {event.scores.get('mase')}"


def _describe_epoch(event: EpochEnded, *, with_lr: bool) -> str:
    width = len(str(event.epochs))
    train = "      -" if event.train_loss is None else f"{event.train_loss:7.4f}"
    val = "      -" if event.val_loss is None else f"{event.val_loss:7.4f}"
    best = "best" if event.best else "    "
    parts = [
        f"{event.part:<8} epoch {event.epoch:{width}}/{event.epochs}",
        f"train {train}",
        f"val {val} {best}",
    ]
    parts += [f"lr {event.lr:.1e}"] if with_lr else []
    return ("  " if with_lr else " ").join([*parts, f"{event.seconds:5.1f} s"])


def describe_progress(event: Progressed) -> str:
    """Return the progress of a stage, e.g. `reading: 1,200 of 4,000 bytes (30 %)`, or its name without a total."""
    unit = f" {event.unit}" if event.unit else ""
    if not event.total:
        return f"{event.stage}: {event.done:,}{unit}" if event.done else event.stage
    return f"{event.stage}: {event.done:,} of {event.total:,}{unit} ({100 * event.done / event.total:.0f} %)"
