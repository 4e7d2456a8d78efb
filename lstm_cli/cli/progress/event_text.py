"""Events as fields of JSON."""

from dataclasses import fields
from math import isfinite
from typing import Any

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
    describe_event,
    seconds_left,
)

TRAINING = "training"  # first word of the stages of networks
EVENT_NAMES: dict[type, str] = {
    WarningRaised: "warning",
    Note: "note",
    Progressed: "progress",
    TrainingStarted: "training",
    EpochEnded: "epoch",
    WeightsRecorded: "weights",
    PlotDrawn: "picture",
    ModelScored: "scores",
}


def event_name(event: Event) -> str:
    """Return the name of an event in --log-format json."""
    return EVENT_NAMES[type(event)]


def event_fields(event: Event) -> dict[str, Any]:
    """Return the fields of an event as JSON values, without arrays and images."""
    if isinstance(event, WeightsRecorded | PlotDrawn | ModelScored):
        return {"text": describe_event(event)}
    if isinstance(event, WarningRaised):
        return event.finding.to_dict()
    facts = {field.name: getattr(event, field.name) for field in fields(event)}
    if isinstance(event, EpochEnded):
        facts["seconds_left_at_most"] = seconds_left(event)
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in facts.items()
    }
