"""Graphs of `models/attention.py`, for steps with the time first."""

import numpy as np

from lstm_cli.export.graph.builder import Graph, Value
from lstm_cli.export.graph.layers import linear
from lstm_cli.models.attention import AdditivePooling, SelfAttention


def self_attention(graph: Graph, layer: SelfAttention, steps: Value, real: Value) -> Value:
    """Return steps [T, B, width] after attention to the real steps.

    Args:
        graph: graph.
        layer: layer.
        steps: steps [T, B, width].
        real: whether a step is real [T, B].
    """
    projected = linear(graph, layer.project, steps).reshape(0, 0, 3, layer.heads, -1).transpose(2, 1, 3, 0, 4)
    query, key, value = (projected.take(0, part) for part in range(3))  # each [B, heads, T, width / heads]
    size = layer.out.in_features // layer.heads
    scores = (query / size**0.5) @ key.transpose(0, 1, 3, 2)
    weights = (scores + _ignore_padding(graph, real.transpose(1, 0).unsqueeze(1, 2))).softmax(3)
    attended = (weights @ value).transpose(2, 0, 1, 3).reshape(0, 0, -1)
    return steps + linear(graph, layer.out, attended)


def additive_pooling(graph: Graph, layer: AdditivePooling, steps: Value, real: Value) -> Value:
    """Return the weighted mean [B, width] of steps.

    Args:
        graph: graph.
        layer: layer.
        steps: steps [T, B, width].
        real: whether a step is real [T, B].
    """
    scores = linear(graph, layer.score, graph.add("Tanh", linear(graph, layer.project, steps)))
    weights = (scores + _ignore_padding(graph, real.unsqueeze(2))).softmax(0)
    return (weights * steps).sum(0).squeeze(0)


def _ignore_padding(graph: Graph, real: Value) -> Value:
    """Return what is added to scores: 0, and minus infinity for padding."""
    return graph.add("Where", real, 0.0, -np.inf)
