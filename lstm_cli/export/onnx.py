"""Export of torch models as ONNX files with an open batch size and the bounds of the forecast."""

from typing import cast

import numpy as np
import torch
from onnx import TensorProto
from torch import Tensor, nn

from lstm_cli.export.graph.builder import Graph, Value
from lstm_cli.export.graph.language_model import language_model
from lstm_cli.export.graph.registry import build_network
from lstm_cli.export.graph.sequence_classifier import combined_classifier
from lstm_cli.inference import sequence_session, text_session
from lstm_cli.inference.session import INPUTS, OUTPUT, PARTS, open_session
from lstm_cli.models.language_model import LanguageModel
from lstm_cli.models.mixture import Mixture
from lstm_cli.models.sequence_classifier import CombinedClassifier

STEPS = "steps"  # name of the open axis of sequences and of tokens


def export_onnx(
    model: nn.Module, *, inputs: int, known_ahead: int, lower: Tensor | None, upper: Tensor | None
) -> bytes:
    """Return the bytes of an ONNX file, without dropout.

    The inputs of the graph are past [batch, L, F], future [batch, H, K] and mask [batch, L], all float32. The output is
    forecast [batch, H, C]. A model that combines P forecasts has a second output, parts [batch, H, C, P]. The same
    weights give the same bytes, and models that differ only in their weights have the same nodes. The file has no text
    from this machine. `check_agreement` compares it with the model.

    Args:
        model: model of the registry, on any device. It is not changed.
        inputs: number of past inputs F.
        known_ahead: number of known-ahead inputs K; if it is 0, the input `future` has zero width.
        lower: lower bounds [C], scaled; infinite or None: no bound.
        upper: upper bounds [C], scaled; infinite or None: no bound.
    """
    lookback, horizon, targets = cast(int, model.lookback), cast(int, model.horizon), cast(int, model.targets)
    graph = Graph(model)
    shapes = (lookback, inputs), (horizon, known_ahead), (lookback,)
    past, future, mask = (graph.input(name, *shape) for name, shape in zip(INPUTS, shapes, strict=True))
    forecast, parts = build_network(graph, model, past, future, mask)
    graph.output(OUTPUT, _clip(graph, forecast, lower, upper), horizon, targets)
    if isinstance(model, Mixture) and parts is not None:
        graph.output(PARTS, parts, horizon, targets, len(model.parts))
    return graph.to_bytes()


def _clip(graph: Graph, forecast: Value, lower: Tensor | None, upper: Tensor | None) -> Value:
    """Return the forecast [B, H, C] between the bounds [C]."""
    if lower is not None:
        forecast = graph.add("Max", forecast, lower)
    if upper is not None:
        forecast = graph.add("Min", forecast, upper)
    return forecast


def check_agreement(model: bytes, network: nn.Module, past: Tensor, future: Tensor, mask: Tensor) -> float:
    """Return the largest absolute difference between the forecasts of an ONNX file and its torch model.

    The torch model is set to evaluation mode and back. For a file with bounds, use a torch model with the same bounds.

    Args:
        model: bytes of the ONNX file.
        network: torch model.
        past: inputs [B, L, F], scaled.
        future: known-ahead inputs [B, H, K], scaled.
        mask: 1 for a step of the series, 0 for padding [B, L].

    Returns:
        The difference in scaled units; NaN if a forecast is NaN.
    """
    training = network.training
    network.eval()
    try:
        device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
        with torch.no_grad():
            expected = network(past.to(device), future.to(device), mask.to(device))
    finally:
        network.train(training)
    session = open_session(model, threads=None)
    inputs = [side.cpu().numpy() for side in (past, future, mask)]
    outputs = expected if isinstance(expected, tuple) else (expected,)
    actual = session.forecast_with_parts(*inputs) if len(outputs) > 1 else (session(*inputs),)
    differences = [
        float(np.abs(values - tensor.cpu().numpy()).max(initial=0.0))
        for values, tensor in zip(actual, outputs, strict=True)
    ]
    return float(np.max(differences))  # NaN if any difference is NaN


def export_classifier(model: CombinedClassifier, *, inputs: int, classes: int) -> bytes:
    """Return the bytes of an ONNX file, without dropout.

    The inputs of the graph are values [batch, steps, F] and lengths [batch, 1], both float32. The values of documents
    are tokens [batch, steps, 1] int64. The outputs are probabilities [batch, K] of the model and of its simple model.
    Batches may have any number of steps.

    Args:
        model: model on any device. It is not changed.
        inputs: number of columns F.
        classes: number of classes K.
    """
    graph = Graph(model)
    kind = TensorProto.FLOAT if model.network.embedding is None else TensorProto.INT64
    values = graph.input(sequence_session.VALUES, STEPS, inputs, kind=kind)
    lengths = graph.input(sequence_session.LENGTHS, 1)
    results = combined_classifier(graph, model, values, lengths)
    for name, result in zip(sequence_session.OUTPUTS, results, strict=True):
        graph.output(name, result, classes)
    return graph.to_bytes()


def check_classifier(
    graph: bytes, model: CombinedClassifier, values: np.ndarray, lengths: np.ndarray
) -> float:
    """Return the largest difference between a probability of an ONNX file and of its torch model.

    Args:
        graph: bytes of the ONNX file.
        model: torch model in evaluation mode, on the CPU.
        values: sequences [B, L, F], scaled.
        lengths: number of real steps [B].
    """
    with torch.no_grad():
        expected = model(torch.from_numpy(values), torch.from_numpy(lengths))
    session = sequence_session.open_sequence_session(graph, threads=None)
    actual = session.probabilities(values, lengths)
    differences = [
        float(np.abs(own - other.numpy()).max(initial=0.0))
        for own, other in zip(actual, expected, strict=True)
    ]
    return float(np.max(differences))  # NaN if any difference is NaN


def export_language_model(model: LanguageModel) -> bytes:
    """Return the bytes of an ONNX file, without dropout.

    The inputs of the graph are tokens int64 [batch, steps] and state float32 [S, batch, H]. The outputs are logits
    [batch, steps, V] of the next tokens, and next_state [S, batch, H]. With one step it writes text, and with many it
    scores text.

    Args:
        model: model on any device. It is not changed.
    """
    graph = Graph(model)
    names, results = text_session.INPUTS, text_session.OUTPUTS
    states, width = 2 * len(model.hidden), max(model.hidden)
    tokens = graph.input(names[0], STEPS, kind=TensorProto.INT64)
    state = graph.input(names[1], states, width, batch_axis=1)
    logits, after = language_model(graph, model, tokens, state)
    graph.output(results[0], logits, STEPS, len(model.bias))
    graph.output(results[1], after, states, width, batch_axis=1)
    return graph.to_bytes()


def check_language_model(graph: bytes, model: LanguageModel, tokens: np.ndarray) -> float:
    """Return the largest difference between a log-probability of an ONNX file and of its torch model.

    The graph reads the last token in a step of its own, from the state after the others.

    Args:
        graph: bytes of the ONNX file.
        model: torch model in evaluation mode, on the CPU.
        tokens: numbers of tokens [B, T], at least 2 steps.
    """
    read = torch.from_numpy(tokens.astype(np.int64))
    with torch.no_grad():
        expected = model(read, model.new_state(len(read)))[0]
    session = text_session.open_text_session(graph, size=len(model.bias), threads=None)
    first, state = session.step(tokens[:, :-1].astype(np.int64), session.start(len(tokens)))
    last, _ = session.step(tokens[:, -1:].astype(np.int64), state)
    actual = torch.from_numpy(np.concatenate([first, last], axis=1))
    difference = actual.log_softmax(dim=2) - expected.log_softmax(dim=2)
    return float(difference.abs().max())  # NaN if any difference is NaN
