"""A trained model as a run holds it, read without torch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.data.clamp import Bounds
from lstm_cli.data.dataset import Schema, SeriesTable, TrainingStatistics
from lstm_cli.data.scaling import Scaler
from lstm_cli.errors import MissingArtifact
from lstm_cli.rundir import ArtifactReader, Run, command

if TYPE_CHECKING:
    from lstm_cli.baselines import Linear
    from lstm_cli.intervals import Intervals


@dataclass(frozen=True, kw_only=True)
class Model:
    """What a forecast needs beside the graph."""

    name: str
    lookback: int  # L, steps that the graph looks back
    bounds: Bounds
    schema: Schema
    series: SeriesTable  # of its training data
    scaler: Scaler
    training: TrainingStatistics


def load_model(run: Run) -> Model:
    """The run's model. Raises MissingArtifact or CorruptArtifact."""
    reader = run.artifact("model")
    stored = reader.json("model.json")
    return Model(
        name=stored["name"],
        lookback=int(stored["settings"]["lookback"]),
        bounds=Bounds.from_dict(stored["bounds"]),
        schema=Schema.from_dict(reader.json("schema.json")),
        series=SeriesTable.from_dict(reader.json("series.json")),
        scaler=Scaler.from_dict(reader.json("scaler.json")),
        training=TrainingStatistics.from_dict(reader.json("training.json")),
    )


def load_linear(run: Run) -> "Linear":
    """The linear forecast that the run's model is held against."""
    import safetensors.numpy

    from lstm_cli.baselines import Linear

    reader = run.artifact("model")
    arrays: dict[str, np.ndarray] = safetensors.numpy.load(reader.bytes("linear.safetensors"))
    settings: dict[str, Any] = reader.json("model.json")["linear"]
    return Linear(
        weights=arrays["weights"],
        bias=arrays["bias"],
        unit=arrays["unit"],
        penalty=settings["penalty"],
        score=settings["score"],
    )


def load_intervals(run: Run) -> "Intervals | None":
    """What makes intervals of the model's forecasts; None for a model that was trained without."""
    from lstm_cli.intervals import Intervals

    reader = run.artifact("model")
    return Intervals.from_dict(reader.json("intervals.json")) if "intervals.json" in reader.files else None


def load_graph(run: Run, precision: str) -> tuple[bytes, str]:
    """The ONNX graph of a precision, and the precision it has.

    `auto` is the quantised graph where there is one made from the model that is there now, else fp32. A named
    one is refused where it is missing or stale (MissingArtifact, StaleArtifact).
    """
    if precision == "fp32":
        return run.artifact("model").bytes("model.onnx"), "fp32"
    if precision == "auto":
        made_from = dict(run.entry_of("quantized").get("read", {})) if run.has("quantized") else {}
        if not run.has("quantized") or made_from["model"]["sha256"] != run.digest("model"):
            return load_graph(run, "fp32")
        reader = run.artifact("quantized")
        return reader.bytes("model.onnx"), _precision(reader)
    reader = run.artifact("quantized")
    if _precision(reader) != precision:
        raise MissingArtifact(
            f"{run.path} has no {precision} model, its quantised model is {_precision(reader)}",
            hint=f"run '{command('quantize', run.path)} --to {precision}' first",
        )
    run.require_fresh("quantized")
    return reader.bytes("model.onnx"), precision


def _precision(reader: ArtifactReader) -> str:
    return str(reader.json("comparison.json")["to"])
