"""Graphs of `models/padding.py`, for steps with the time first."""

import numpy as np
from torch import nn

from lstm_cli.export.graph.attention import self_attention
from lstm_cli.export.graph.builder import Graph, Value
from lstm_cli.export.graph.layers import lstm
from lstm_cli.models.attention import SelfAttention


def left_align(graph: Graph, steps: Value, lengths: Value, count: int) -> Value:
    """Return steps [T, B, D] with the padding moved from the front to the end.

    Args:
        graph: graph.
        steps: steps [T, B, D].
        lengths: real steps of each window [B].
        count: number of steps T.
    """
    # Reversed, the real steps come first, and then only these are reversed again.
    reversed_steps = steps.take(0, range(count)[::-1])
    return graph.add("ReverseSequence", reversed_steps, lengths, time_axis=0, batch_axis=1)


def step_mask(graph: Graph, lengths: Value, count: int) -> Value:
    """Return whether a step is real [T, B]; the real steps come first.

    Args:
        graph: graph.
        lengths: real steps of each window [B].
        count: number of steps T.
    """
    return graph.add("Less", np.arange(count)[:, None], lengths)


def last_step(graph: Graph, steps: Value, lengths: Value) -> Value:
    """Return the last real step [B, D].

    Args:
        graph: graph.
        steps: steps [T, B, D]; the real ones come first.
        lengths: real steps of each window [B].
    """
    indices = graph.add("Sub", lengths, np.array(1)).unsqueeze(1)
    return graph.add("GatherND", steps.transpose(1, 0, 2), indices, batch_dims=1)


def run_unpadded(
    graph: Graph,
    layers: nn.ModuleList,
    steps: Value,
    lengths: Value,
    attention: SelfAttention | None,
    count: int,
) -> Value:
    """Return the last output [B, hidden] of stacked LSTM layers, after attention over their outputs if given.

    Args:
        graph: graph.
        layers: LSTM layers.
        steps: steps [T, B, D]; the real steps come first.
        lengths: real steps of each window [B].
        attention: self-attention over the outputs of the last layer.
        count: number of steps T.
    """
    for layer in layers:
        steps, last = lstm(graph, [layer], steps, lengths)
    if attention is None:
        return last
    return last_step(
        graph, self_attention(graph, attention, steps, step_mask(graph, lengths, count)), lengths
    )
