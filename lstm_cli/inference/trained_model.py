"""Trained model of a run, loaded without torch."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.data.dataset.dataset import MAX_STEPS, Dataset, Schema, SeriesTable, TrainingStatistics
from lstm_cli.data.dataset.imputation import zero_before_first
from lstm_cli.data.dataset.scaling import Scaler
from lstm_cli.data.forecast.bounds import Bounds
from lstm_cli.data.forecast.new_series import with_new_series
from lstm_cli.data.stored_types import checked
from lstm_cli.errors import CorruptArtifact, MissingArtifact, StaleArtifact
from lstm_cli.inference.onnx_format import require_self_contained
from lstm_cli.rundir import ArtifactReader, Run, command, require_fresh, serves_quantized

if TYPE_CHECKING:
    from lstm_cli.evaluation.quantiles.dependence import Dependence
    from lstm_cli.evaluation.quantiles.model import CalibratedQuantiles
    from lstm_cli.linear.model import LinearEnsemble

STEP_CORRELATIONS, TARGET_CORRELATIONS = "step_correlations.npy", "target_correlations.npy"
VALIDATED, WEIGHTS_BEFORE_REFIT = "validated.onnx", "validated.safetensors"
MODEL_VERSION = 2  # of model.json


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """Facts about a model that a forecast needs in addition to the graph."""

    name: str
    settings: dict[str, Any]  # arguments of the model class
    parts: tuple[
        str, ...
    ]  # names of the combined forecasts, in the order of the second output of the graph; () if none
    refitted: bool  # the graph was also trained on the validation rows
    lookback: int  # L, past steps that the graph reads
    bounds: Bounds
    schema: Schema
    series: SeriesTable  # of the training data
    scaler: Scaler
    training: TrainingStatistics


def load_model(run: Run) -> TrainedModel:
    """Return the model of a run.

    Raises:
        MissingArtifact: the model has not been trained.
        CorruptArtifact: a file of the model is corrupt.
        StaleArtifact: another version of lstm made the model.
    """
    reader = run.artifact("model")
    stored = reader.json("model.json")
    with reader.parsing("model.json"):
        version = stored["version"]
    if version != MODEL_VERSION:
        raise StaleArtifact(
            f"the model of {run.path} was made by another version of lstm "
            f"(format {version!r:.20} instead of {MODEL_VERSION})",
            hint=f"run '{command('train', run.path)}' again",
        )
    with reader.parsing():
        model = TrainedModel(
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
        _require_matching(checked(model))
        return model


def _require_matching(model: TrainedModel) -> None:
    """Raise ValueError unless the files of a model have matching shapes."""
    series, targets = len(model.series.names), len(model.schema.targets)
    shapes = {
        model.scaler.center.shape: (series, len(model.schema.columns)),
        model.training.deviation.shape: (series, targets),
        model.bounds.lower.shape: (targets,),
    }
    if model.scaler.floor is not None:
        shapes[model.scaler.floor.shape] = (series, targets)
    if any(own != expected for own, expected in shapes.items()):
        raise ValueError("the shapes of its files do not match")
    if not 1 <= model.lookback <= MAX_STEPS:
        raise ValueError("the lookback is out of range")


def rescale_to_model(dataset: Dataset, model: TrainedModel) -> Dataset:
    """Return the data with the scaling of the model. A series that is new to the model gets a scaling of its own.

    If the scaling is identical, the data are not copied.

    Raises:
        CorruptArtifact: data and model have other columns or another horizon, because one of both was edited.
    """
    if _window_shape(dataset.schema) != _window_shape(model.schema):
        raise CorruptArtifact(
            "the data and the model have different columns or horizons",
            hint="run prepare and train again",
        )
    if dataset.schema.static_scaling != model.schema.static_scaling:
        schema = replace(dataset.schema, static_scaling=model.schema.static_scaling)
        dataset = replace(dataset, schema=schema)
    if dataset.series.names == model.series.names and dataset.scaler.equals(model.scaler):
        return dataset
    index_by_name = {name: index for index, name in enumerate(model.series.names)}
    indices = np.array([index_by_name.get(name, -1) for name in dataset.series.names])
    units = [
        _measured_rows(dataset, series) if index < 0 else np.zeros((0, len(dataset.schema.columns)))
        for series, index in enumerate(indices)
    ]
    scaler, _ = with_new_series(model.scaler, model.training, indices, units, season=dataset.schema.season)
    values = np.empty_like(dataset.values_scaled)
    for series, rows in enumerate(dataset.series.row_slices):
        unscaled = dataset.scaler.inverse_transform(dataset.values_scaled[rows], series)
        values[rows] = scaler.transform(unscaled, series)
        zero_before_first(values[rows], dataset.measured[rows])
    return replace(dataset, scaler=scaler, values_scaled=values)


def _window_shape(schema: Schema) -> tuple[object, ...]:
    return schema.targets, schema.inputs, schema.known_ahead, schema.horizon


def _measured_rows(dataset: Dataset, series: int) -> np.ndarray:
    """Return the usable rows [rows, F] of a series in the file's units, NaN where not measured."""
    begin = int(dataset.series.offset[series])
    rows = slice(begin, begin + int(dataset.series.count[series]))
    values = dataset.scaler.inverse_transform(dataset.values_scaled[rows], series)
    values[~dataset.measured[rows]] = np.nan
    return values


def load_linear(run: Run, *, validated: bool = False) -> "LinearEnsemble":
    """Return the linear forecast of a run. With `validated`, return the one before a refit."""
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
    """Return the graph of the validation scores: the one before a refit, or the final one if there was no refit."""
    reader = run.artifact("model")
    return _graph_bytes(reader, VALIDATED if reader.has(VALIDATED) else "model.onnx")


def load_intervals(run: Run) -> "CalibratedQuantiles | None":
    """Return the calibrated quantiles, which give the prediction intervals, or None if the model has none."""
    from lstm_cli.evaluation.quantiles.learned import quantiles_from_dict

    reader = run.artifact("model")
    if not reader.has("intervals.json"):
        return None
    stored = reader.json("intervals.json")
    series, schema = reader.json("series.json"), reader.json("schema.json")
    with reader.parsing("intervals.json"):
        quantiles = quantiles_from_dict(stored)
        quantiles.require_shape(
            series=len(series["names"]), targets=len(schema["targets"]), horizon=schema["horizon"]
        )
        return quantiles


def load_dependence(run: Run) -> "Dependence | None":
    """Return the dependence between steps and targets, or None if an older release trained the model."""
    from lstm_cli.evaluation.quantiles.dependence import INDEPENDENT, Dependence, require_correlations

    reader = run.artifact("model")
    if not reader.has(STEP_CORRELATIONS):
        return None
    matrices = []
    for name in (STEP_CORRELATIONS, TARGET_CORRELATIONS):
        matrix = INDEPENDENT
        if reader.has(name):
            matrix = np.array(reader.array(name))
            with reader.parsing(name):
                require_correlations(matrix)
        matrices.append(matrix)
    return Dependence(steps=matrices[0], targets=matrices[1])


def load_graph(run: Run, precision: str) -> tuple[bytes, str]:
    """Return the ONNX graph of a precision, and the precision of the graph.

    `auto` is the quantized graph if it is up to date, otherwise the fp32 graph.

    Raises:
        MissingArtifact: the run has no graph of this precision.
        StaleArtifact: the graph of this precision is out of date.
    """
    if precision == "fp32":
        return _graph_bytes(run.artifact("model"), "model.onnx"), "fp32"
    if precision == "auto":
        if not serves_quantized(run):
            return load_graph(run, "fp32")
        reader = run.artifact("quantized")
        return _graph_bytes(reader, "model.onnx"), _precision(reader)
    require_precision(run, precision)
    return _graph_bytes(run.artifact("quantized"), "model.onnx"), precision


def _graph_bytes(reader: ArtifactReader, file: str) -> bytes:
    """Return an ONNX graph. Raise CorruptArtifact if it has values in another file, which an export would copy."""
    graph = reader.bytes(file)
    require_self_contained(graph)
    return graph


def require_precision(run: Run, precision: str) -> None:
    """Raise an error if the run has no up-to-date quantized graph of this precision, int8 or fp16.

    Raises:
        MissingArtifact: the run has no graph of this precision. The hint has the command that makes it.
        StaleArtifact: the graph of this precision is out of date.
    """
    stored = _precision(run.artifact("quantized")) if run.has("quantized") else None
    if stored != precision:
        other = f"its quantized model is {stored}" if stored else "it has no quantized model"
        raise MissingArtifact(
            f"{run.path} has no {precision} model ({other})",
            hint=f"run '{command('quantize', run.path)} --to {precision}' first",
            flag="--precision",
        )
    require_fresh(run, "quantized")


def _precision(reader: ArtifactReader) -> str:
    comparison = reader.json("comparison.json")
    with reader.parsing("comparison.json"):
        return str(comparison["to"])
