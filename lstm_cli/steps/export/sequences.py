"""Content of `export` for labelled sequences: the classifier as a file, or its sequences."""

import hashlib
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from lstm_cli.config import ExportConfig
from lstm_cli.events import Listener, Note, Progressed
from lstm_cli.export.formats import CLASSIFIER_FORMATS
from lstm_cli.export.metadata import needs_facts
from lstm_cli.export.sequences.metadata import classifier_tensors, sequence_facts
from lstm_cli.inference.trained_model import load_graph, require_precision
from lstm_cli.rundir import Run, require_fresh
from lstm_cli.sequences.dataset import SequenceScaler, SequenceSchema
from lstm_cli.sequences.store import VOCABULARY, load_data, load_description
from lstm_cli.steps.export.content import Content

COMPARED_SEQUENCES = 64  # validation sequences on which a converted model is compared with its original


@dataclass(frozen=True, kw_only=True)
class CurrentClassifier:
    """Facts about the classifier of a run."""

    name: str
    settings: dict[str, Any]
    schema: SequenceSchema
    scaler: SequenceScaler


def current_classifier(run: Run, config: ExportConfig) -> CurrentClassifier:
    """Return the classifier of a run. Raise an error if it is out of date, or the precision is missing."""
    require_fresh(run, "model")
    if config.precision != "fp32":
        require_precision(run, config.precision)
    reader = run.artifact("model")
    about = reader.json("model.json")
    schema, scaler = load_description(reader)
    with reader.parsing("model.json"):
        return CurrentClassifier(
            name=str(about["name"]), settings=dict(about["settings"]), schema=schema, scaler=scaler
        )


def network_content(run: Run, config: ExportConfig, model: CurrentClassifier, listen: Listener) -> Content:
    """Return the classifier: its stored bytes, or a conversion whose probabilities agree with torch.

    Args:
        run: run with the model.
        config: settings of `export`.
        model: facts about the model.
        listen: receives events.
    """
    to, format = config.to, CLASSIFIER_FORMATS[config.to]
    difference, compared = None, 0
    if to == "onnx":
        data, _ = load_graph(run, config.precision)
    elif to == "safetensors":
        data = run.artifact("model").bytes("weights.safetensors")
    else:
        listen(Progressed(stage=f"converting to {to}", done=0))
        data, difference, compared = _converted(run, to)
    facts: dict[str, Any] = {"sha256": hashlib.sha256(data).hexdigest()}
    facts |= {"precision": config.precision, "needs": needs_facts(format, config.precision)}
    facts |= {"model": {"name": model.name, "settings": model.settings}}
    shapes = {}
    if format.holds_graph:
        inputs, outputs = classifier_tensors(format, model.schema)
        facts |= {"inputs": inputs, "input_order": list(inputs), "outputs": outputs}
        shapes = {name: tensor["shape"] for name, tensor in (inputs | outputs).items()}
    facts |= sequence_facts(model.schema, model.scaler, _vocabulary(run, "model", model.schema))
    facts["agreement"] = {"largest_difference": difference, "sequences": compared, "unit": "probability"}
    return Content(
        model=model.name,
        size=len(data),
        write=lambda stream: stream.write(data),
        facts=facts,
        shapes=shapes,
        difference=difference,
        compared=compared,
    )


def _converted(run: Run, to: str) -> tuple[bytes, float, int]:
    """Return the bytes of the file, its largest difference from torch, and the number of compared sequences."""
    from lstm_cli.export.sequences.convert import convert_classifier, load_classifier_model

    reader = run.artifact("model")
    about, simple = reader.json("model.json"), reader.json("simple.json")
    weights = reader.bytes("weights.safetensors")
    with reader.parsing():
        network = load_classifier_model(about, simple, weights)
    data = load_data(run)
    chosen = data.indices("val")[:COMPARED_SEQUENCES]
    chosen = chosen if len(chosen) else np.arange(min(COMPARED_SEQUENCES, len(data.names)))
    values = data.padded(chosen, data.schema.max_length)
    return *convert_classifier(to, network, values, data.lengths[chosen]), len(chosen)


def _vocabulary(run: Run, artifact: str, schema: SequenceSchema) -> Any:
    """Return the JSON object of the vocabulary of documents; None for value columns."""
    return run.artifact(artifact).json(VOCABULARY) if schema.tokens else None


def sequences_content(run: Run, model: CurrentClassifier | None, listen: Listener) -> Content:
    """Return the padded sequences of every split, in the scaling of the run.

    Args:
        run: run with data.
        model: facts about the model; None without one.
        listen: receives events.
    """
    from lstm_cli.export.sequences.npz import sequence_arrays
    from lstm_cli.export.windows_npz import write_windows

    data = load_data(run)
    arrays = sequence_arrays(data)
    size = sum(array.size for array in arrays)
    listen(Note(text=f"writing {len(data.names):,} sequences: {size / 1e6:,.1f} MB"))

    def write(stream: BinaryIO) -> None:
        write_windows(stream, arrays)

    described = {
        array.name: {"shape": list(array.shape), "dtype": array.dtype.name, "meaning": array.meaning}
        for array in arrays
    }
    return Content(
        size=size,
        write=write,
        facts={
            "arrays": described,
            **sequence_facts(data.schema, data.scaler, _vocabulary(run, "data", data.schema)),
        },
        shapes={array.name: list(array.shape) for array in arrays if array.name.startswith(("X", "y"))},
        model=None if model is None else model.name,
        holds_model=False,
    )
