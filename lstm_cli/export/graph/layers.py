"""Graphs of the layers of torch."""

from collections.abc import Sequence

import torch
from torch import nn

from lstm_cli.export.graph.builder import Graph, Value


def linear(graph: Graph, layer: nn.Linear, values: Value) -> Value:
    """Return the result [..., out] of a linear layer.

    Args:
        graph: graph.
        layer: layer.
        values: values [..., in].
    """
    product = values @ graph.weight(layer.weight.T, layer.weight)
    return product if layer.bias is None else product + layer.bias


def layer_norm(graph: Graph, layer: nn.LayerNorm, values: Value) -> Value:
    """Return values normalized over their last axis.

    Args:
        graph: graph.
        layer: layer.
        values: values [..., width].
    """
    return graph.add("LayerNormalization", values, layer.weight, layer.bias, axis=-1, epsilon=layer.eps)


def lstm(
    graph: Graph,
    layers: Sequence[nn.Module],
    steps: Value,
    lengths: Value | None = None,
    hidden: Value | None = None,
) -> tuple[Value, Value]:
    """Return the outputs [T, B, width] of an LSTM, 0 for padding, and its last state [B, width].

    The operator reads only the real steps of each window, so the last state of a forward LSTM is that after the last
    real step. A backward LSTM reads the real steps in reverse order.

    Args:
        graph: graph.
        layers: the `nn.LSTM` that reads forward, and the one that reads backward if there is one.
        steps: steps [T, B, D]; the real ones come first.
        lengths: real steps of each window [B]; None: all.
        hidden: first hidden state [B, width]; None: 0.
    """
    size = hidden_size(layers[0])
    outputs, last = graph.add_many(
        "LSTM",
        2,
        steps,
        *_weights(graph, layers),
        None if lengths is None else lengths.to_integers(bits=32),
        None if hidden is None else hidden.unsqueeze(0),
        hidden_size=size,
        direction="forward" if len(layers) == 1 else "bidirectional",
    )  # [T, directions, B, size] and [directions, B, size]
    if len(layers) == 1:
        return outputs.squeeze(1), last.squeeze(0)
    width = len(layers) * size
    return outputs.transpose(0, 2, 1, 3).reshape(0, -1, width), last.transpose(1, 0, 2).reshape(-1, width)


def carried_lstm(
    graph: Graph, layer: nn.Module, steps: Value, hidden: Value, cell: Value
) -> tuple[Value, Value, Value]:
    """Return the outputs [T, B, width] of an LSTM that goes on from a state, and its last output and cell.

    The output and the cell have the shape [1, B, width].

    Args:
        graph: graph.
        layer: `nn.LSTM`.
        steps: steps [T, B, D].
        hidden: output [1, B, width] before the first step.
        cell: cell [1, B, width] before the first step.
    """
    weights = _weights(graph, [layer])
    outputs, last, last_cell = graph.add_many(
        "LSTM", 3, steps, *weights, None, hidden, cell, hidden_size=hidden_size(layer)
    )  # [T, 1, B, size], and twice [1, B, size]
    return outputs.squeeze(1), last, last_cell


def hidden_size(layer: nn.Module) -> int:
    """Return the number of units of an `nn.LSTM`."""
    return layer.get_parameter("weight_hh_l0").shape[1]


def _weights(graph: Graph, layers: Sequence[nn.Module]) -> tuple[Value, Value, Value]:
    """Return the weights of the inputs, of the outputs before, and the biases, as the operator needs them."""
    return (
        _weight(graph, layers, "weight_ih_l0"),
        _weight(graph, layers, "weight_hh_l0"),
        _weight(graph, layers, "bias_ih_l0", "bias_hh_l0"),
    )


def _weight(graph: Graph, layers: Sequence[nn.Module], *names: str) -> Value:
    """Return a weight [directions, ...] whose gates have the order of ONNX: input, output, forget, cell."""
    directions = []
    for layer in layers:
        gates = [layer.get_parameter(name).chunk(4) for name in names]  # input, forget, cell, output
        directions.append(torch.cat([chunks[gate] for chunks in gates for gate in (0, 3, 1, 2)]))
    return graph.weight(torch.stack(directions), layers[0].get_parameter(names[0]))
