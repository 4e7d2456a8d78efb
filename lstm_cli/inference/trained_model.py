"""A trained model as a run holds it, read without torch."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset, Schema, SeriesTable, TrainingStatistics
from lstm_cli.data.dataset.imputation import zero_before_first
from lstm_cli.data.dataset.scaling import Scaler
from lstm_cli.data.forecast.bounds import Bounds
from lstm_cli.errors import MissingArtifact, StaleArtifact
from lstm_cli.rundir import ArtifactReader, Run, command, require_fresh

if TYPE_CHECKING:
    from lstm_cli.evaluation.intervals import Intervals
    from lstm_cli.linear.model import LinearEnsemble

VALIDATED = "validated.onnx"
MODEL_VERSION = 2  # of model.json


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """What a forecast needs beside the graph."""

    name: str
    settings: dict[str, Any]  # the arguments of its class
    parts: tuple[str, ...]  # of the combination, as in the graph's second output; () where it has none
    refitted: bool  # the shipped graph has seen the validation rows
    lookback: int  # L, steps that the graph looks back
    bounds: Bounds
    schema: Schema
    series: SeriesTable  # of its training data
    scaler: Scaler
    training: TrainingStatistics


def load_model(run: Run) -> TrainedModel:
    """The run's model. Raises MissingArtifact or CorruptArtifact, StaleArtifact for one of another version of lstm."""
    reader = run.artifact("model")
    stored = reader.json("model.json")
    with reader.parsing("model.json"):
        version = stored["version"]
    if version != MODEL_VERSION:
        raise StaleArtifact(
            f"the model of {run.path} was made by another version of lstm (format {version!r:.20}, this one "
            f"reads {MODEL_VERSION})",
            hint=f"run '{command('train', run.path)}' again",
        )
    with reader.parsing():
        return TrainedModel(
            name=stored["name"],
            settings=stored["settings"],
            parts=tuple(stored["settings"].get("parts", ())),
            refitted=reader.has(VALIDATED),
            lookback=int(stored["settings"]["lookback"]),
            bounds=Bounds.from_dict(stored["bounds"]),
            schema=Schema.from_dict(reader.json("schema.json")),
            series=SeriesTable.from_dict(reader.json("series.json")),
            scaler=Scaler.from_dict(reader.json("scaler.json")),
            training=TrainingStatistics.from_dict(reader.json("training.json")),
        )


def rescale_to_model(dataset: Dataset, model: TrainedModel) -> Dataset:
    """The data in the model's scaling; a series that the model has not seen keeps its own.

    Nothing is copied where the scaling is the same.
    """
    scaler = model.scaler
    if dataset.series.names == model.series.names and dataset.scaler.equals(scaler):
        return dataset
    at = {name: place for place, name in enumerate(model.series.names)}
    places = [at.get(name) for name in dataset.series.names]
    center, scale = dataset.scaler.center.copy(), dataset.scaler.scale.copy()
    floor = None if scaler.floor is None else dataset.training.least / 2
    for one, place in enumerate(places):
        if place is not None:
            center[one], scale[one] = scaler.center[place], scaler.scale[place]
            if floor is not None and scaler.floor is not None:
                floor[one] = scaler.floor[place]
    renewed = Scaler(kind=scaler.kind, center=center, scale=scale, floor=floor)
    values = np.empty_like(dataset.values_scaled)
    for one, rows in enumerate(dataset.series.row_slices):
        values[rows] = renewed.transform(
            dataset.scaler.inverse_transform(dataset.values_scaled[rows], one), one
        )
        zero_before_first(values[rows], dataset.measured[rows])
    return replace(dataset, scaler=renewed, values_scaled=values)


def load_linear(run: Run, *, validated: bool = False) -> "LinearEnsemble":
    """The linear forecast that the run's model is held against; validated: as it was before a refit."""
    import safetensors.numpy

    from lstm_cli.linear.model import LinearEnsemble

    reader = run.artifact("model")
    about = reader.json("model.json")
    before = validated and reader.has("validated_linear.safetensors")
    name = "validated_linear.safetensors" if before else "linear.safetensors"
    data = reader.bytes(name)
    with reader.parsing(name):
        arrays: dict[str, np.ndarray] = safetensors.numpy.load(data)
        return LinearEnsemble.from_stored(arrays, about["linear"])


def load_validated(run: Run) -> bytes:
    """The graph that validation scores speak of: as it was before a refit, else the shipped one."""
    reader = run.artifact("model")
    return reader.bytes(VALIDATED if reader.has(VALIDATED) else "model.onnx")


def load_intervals(run: Run) -> "Intervals | None":
    """What makes intervals of the model's forecasts; None for a model that was trained without."""
    from lstm_cli.evaluation.intervals import Intervals

    reader = run.artifact("model")
    if not reader.has("intervals.json"):
        return None
    stored = reader.json("intervals.json")
    with reader.parsing("intervals.json"):
        return Intervals.from_dict(stored)


def load_graph(run: Run, precision: str) -> tuple[bytes, str]:
    """The ONNX graph of a precision, and the precision it has.

    `auto` is the quantised graph where there is one made from the model that is there now, else fp32. A named
    one is refused where it is missing or stale (MissingArtifact, StaleArtifact).
    """
    if precision == "fp32":
        return run.artifact("model").bytes("model.onnx"), "fp32"
    if precision == "auto":
        if not serves_quantized(run):
            return load_graph(run, "fp32")
        reader = run.artifact("quantized")
        return reader.bytes("model.onnx"), _precision(reader)
    reader = run.artifact("quantized")
    if _precision(reader) != precision:
        raise MissingArtifact(
            f"{run.path} has no {precision} model, its quantised model is {_precision(reader)}",
            hint=f"run '{command('quantize', run.path)} --to {precision}' first",
        )
    require_fresh(run, "quantized")
    return reader.bytes("model.onnx"), precision


def serves_quantized(run: Run) -> bool:
    """Return whether `auto` is the quantised graph: one was made from the model that is there now."""
    if not run.has("quantized"):
        return False
    made_from: str = run.producer_entry("quantized").get("read", {})["model"]["sha256"]
    return made_from == run.digest("model")


def _precision(reader: ArtifactReader) -> str:
    comparison = reader.json("comparison.json")
    with reader.parsing("comparison.json"):
        return str(comparison["to"])
