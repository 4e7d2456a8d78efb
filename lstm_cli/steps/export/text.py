"""Content of `export` for text: the step graph or the weights, with the vocabulary in the JSON file."""

import hashlib
from dataclasses import dataclass
from typing import Any

from lstm_cli.config import ExportConfig
from lstm_cli.export.formats import FORMATS
from lstm_cli.export.metadata import needs_facts
from lstm_cli.inference.text_session import INPUTS, OUTPUTS
from lstm_cli.inference.trained_model import load_graph, require_precision
from lstm_cli.rundir import Run, require_fresh
from lstm_cli.steps.export.content import Content
from lstm_cli.text.store import load_model_vocabulary
from lstm_cli.text.vocabulary import Vocabulary


@dataclass(frozen=True, kw_only=True)
class CurrentText:
    """Facts about the text model of a run."""

    name: str
    settings: dict[str, Any]
    states: int  # S: twice the number of layers
    units: int  # H
    vocabulary: Vocabulary


def current_text(run: Run, config: ExportConfig) -> CurrentText:
    """Return the text model of a run. Raise an error if it is out of date, or the precision is missing."""
    require_fresh(run, "model")
    if config.precision != "fp32":
        require_precision(run, config.precision)
    reader = run.artifact("model")
    about = reader.json("model.json")
    vocabulary = load_model_vocabulary(reader)
    with reader.parsing("model.json"):
        hidden = [int(size) for size in about["settings"]["hidden"]]
        return CurrentText(
            name=str(about["name"]),
            settings=dict(about["settings"]),
            states=2 * len(hidden),
            units=max(hidden),
            vocabulary=vocabulary,
        )


def text_content(run: Run, config: ExportConfig, model: CurrentText) -> Content:
    """Return the stored bytes of a text model.

    Args:
        run: run with the model.
        config: settings of `export`.
        model: facts about the model.
    """
    format = FORMATS[config.to]
    if format.holds_graph:
        data, _ = load_graph(run, config.precision)
    else:
        data = run.artifact("model").bytes("weights.safetensors")
    facts: dict[str, Any] = {"sha256": hashlib.sha256(data).hexdigest()}
    facts |= {"precision": config.precision, "needs": needs_facts(format, config.precision)}
    facts |= {"model": {"name": model.name, "settings": model.settings}}
    shapes = {}
    if format.holds_graph:
        inputs, outputs = _tensors(model)
        facts |= {"inputs": inputs, "input_order": list(inputs), "outputs": outputs}
        shapes = {name: tensor["shape"] for name, tensor in (inputs | outputs).items()}
    facts["vocabulary"] = model.vocabulary.to_json()
    return Content(
        model=model.name, size=len(data), write=lambda stream: stream.write(data), facts=facts, shapes=shapes
    )


def _tensors(model: CurrentText) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the inputs, in the order of their positions, and the outputs of the graph."""
    (tokens, state), (logits, after) = INPUTS, OUTPUTS
    state_shape = [model.states, "batch", model.units]
    inputs = {
        tokens: _tensor(["batch", "steps"], "int64", "numbers of the tokens, in the order of `vocabulary`"),
        state: _tensor(
            state_shape,
            "float32",
            "state before the first token: h of each layer, then c of each; 0 at the start",
        ),
    }
    outputs = {
        logits: _tensor(
            ["batch", "steps", model.vocabulary.size],
            "float32",
            "scores of the token after each token; softmax gives probabilities",
        ),
        after: _tensor(state_shape, "float32", "state after the last token, for the next call"),
    }
    return inputs, outputs


def _tensor(shape: list[Any], dtype: str, meaning: str) -> dict[str, Any]:
    return {"shape": shape, "dtype": dtype, "meaning": meaning}
