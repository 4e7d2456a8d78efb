"""Graph of `models/language_model.py`, for tokens with the batch first."""

import numpy as np

from lstm_cli.export.graph.builder import Graph, Value
from lstm_cli.export.graph.layers import carried_lstm
from lstm_cli.models.language_model import LanguageModel


def language_model(graph: Graph, model: LanguageModel, tokens: Value, state: Value) -> tuple[Value, Value]:
    """Return the scores [B, T, V] of the next tokens, and the state [S, B, H] after the last one.

    Args:
        graph: graph.
        model: model.
        tokens: [B, T] numbers of tokens.
        state: [S, B, H] state before the first token.
    """
    layers, width = len(model.hidden), max(model.hidden)
    rows = graph.add("Gather", model.embedding.weight, tokens, axis=0) * model.input_scale
    steps = rows.transpose(1, 0, 2)
    after: list[list[Value]] = [[], []]
    for number, (layer, size) in enumerate(zip(model.layers, model.hidden, strict=True)):
        begin = [state.take(0, [number + part * layers]).first(2, size) for part in range(2)]
        steps, *end = carried_lstm(graph, layer, steps, *begin)
        for part, value in zip(after, end, strict=True):
            part.append(_widened(graph, value, width - size))
    softmax = graph.weight(model.embedding.weight.T, model.embedding.weight, "_of_softmax")
    scores = steps.transpose(1, 0, 2) @ softmax + model.bias
    return scores, graph.add("Concat", *after[0], *after[1], axis=0)


def _widened(graph: Graph, value: Value, more: int) -> Value:
    """Return a state [1, B, H] of a layer with zeros at the end, so that all layers have one size."""
    return graph.add("Pad", value, np.array([0, 0, 0, 0, 0, more], np.int64)) if more else value
