"""Content of `export` for forecasts: the model as a file, or its windows."""

import hashlib
from typing import Any, BinaryIO

from lstm_cli.config import ExportConfig
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.windows import SPLITS, split_windows
from lstm_cli.events import Listener, Note, Progressed
from lstm_cli.export.formats import FORMATS, require_supported
from lstm_cli.export.interval_facts import interval_facts
from lstm_cli.export.metadata import bounds_facts, data_facts, needs_facts, tensor_facts
from lstm_cli.inference.trained_model import (
    TrainedModel,
    load_graph,
    load_intervals,
    load_model,
    require_precision,
    rescale_to_model,
)
from lstm_cli.rundir import Run, require_fresh
from lstm_cli.steps.export.content import Content

COMPARED_WINDOWS = 64  # validation windows on which a converted model is compared with its original


def current_model(run: Run, config: ExportConfig) -> TrainedModel:
    """Return the model of a run. Raise an error if it is out of date, or not possible in the format."""
    require_fresh(run, "model")
    if config.precision != "fp32":
        require_precision(run, config.precision)
    model = load_model(run)
    require_supported(config.to, model.name, model.settings)
    return model


def _load_data(run: Run, model: TrainedModel | None) -> Dataset:
    dataset = load_dataset(run)
    return dataset if model is None else rescale_to_model(dataset, model)


def network_content(run: Run, config: ExportConfig, model: TrainedModel, listen: Listener) -> Content:
    """Return the model: its stored bytes, or a conversion whose forecasts agree with the model.

    Args:
        run: run with the model.
        config: settings of `export`.
        model: facts about the model.
        listen: receives events.
    """
    to, format, bounds = config.to, FORMATS[config.to], model.bounds.transform(model.scaler)
    difference, compared = None, 0
    if to == "onnx":
        data, _ = load_graph(run, config.precision)
    elif to == "safetensors":
        data = run.artifact("model").bytes("weights.safetensors")
    else:
        from lstm_cli.export.convert import convert_model
        from lstm_cli.export.load_network import load_network

        listen(Progressed(stage=f"converting to {to}", done=0))
        reader = run.artifact("model")
        weights = reader.bytes("weights.safetensors")
        with reader.parsing("weights.safetensors"):
            network = load_network(model.name, model.settings, weights)
        windows = split_windows(_load_data(run, model), "val", model.lookback)
        batch = windows.sample(min(COMPARED_WINDOWS, windows.batch_size))[:]
        data, difference = convert_model(to, network, bounds, batch)
        compared = len(batch.series)
    facts: dict[str, Any] = {"sha256": hashlib.sha256(data).hexdigest()}
    facts |= {"precision": config.precision, "needs": needs_facts(format, config.precision)}
    facts |= {"model": {"name": model.name, "settings": model.settings}}
    shapes = {}
    if format.holds_graph:
        inputs, outputs = tensor_facts(format, model.schema, lookback=model.lookback, parts=model.parts)
        facts |= {"inputs": inputs, "input_order": list(inputs), "outputs": outputs}
        shapes = {name: tensor["shape"] for name, tensor in (inputs | outputs).items()}
    facts |= data_facts(model.schema, model.series, model.scaler)
    facts["bounds"] = bounds_facts(model.schema, model.bounds, bounds, holds_graph=format.holds_graph)
    facts["agreement"] = {"largest_difference": difference, "windows": compared, "unit": "scaled"}
    intervals = load_intervals(run)
    if intervals is not None:
        facts["intervals"] = interval_facts(intervals, horizon=model.schema.horizon)
    return Content(
        model=model.name,
        size=len(data),
        write=lambda stream: stream.write(data),
        facts=facts,
        shapes=shapes,
        difference=difference,
        compared=compared,
    )


def windows_content(run: Run, model: TrainedModel | None, listen: Listener) -> Content:
    """Return the windows of every split, in the scaling of the model if there is one.

    Args:
        run: run with data.
        model: facts about the model; None without one.
        listen: receives events.
    """
    from lstm_cli.export.windows_npz import window_arrays, write_windows

    dataset = _load_data(run, model)
    lookback = dataset.schema.lookback if model is None else model.lookback
    splits = {split: split_windows(dataset, split, lookback) for split in SPLITS}
    arrays = window_arrays(splits)
    size = sum(array.size for array in arrays)
    counts = ", ".join(f"{split} {len(windows):,}" for split, windows in splits.items())
    listen(Note(text=f"writing windows of {lookback} steps ({counts}): {size / 1e6:,.1f} MB"))

    def write(stream: BinaryIO) -> None:
        def report_progress(done: int) -> None:
            listen(Progressed(stage="writing windows", done=done, total=size, unit="bytes"))

        write_windows(stream, arrays, progress=report_progress)

    described = {
        array.name: {"shape": list(array.shape), "dtype": array.dtype.name, "meaning": array.meaning}
        for array in arrays
    }
    facts = {
        "lookback": lookback,
        "arrays": described,
        **data_facts(dataset.schema, dataset.series, dataset.scaler),
    }
    shapes: dict[str, list[Any]] = {
        array.name: list(array.shape) for array in arrays if array.name.startswith(("X", "y"))
    }
    name = None if model is None else model.name
    return Content(size=size, write=write, facts=facts, shapes=shapes, model=name, holds_model=False)
