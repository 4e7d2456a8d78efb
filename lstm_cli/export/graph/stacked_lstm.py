"""Graphs of `models/stacked_lstm.py`, for steps with the time first."""

import numpy as np
from torch import nn

from lstm_cli.export.graph.attention import additive_pooling, self_attention
from lstm_cli.export.graph.batch_norm import batch_norm
from lstm_cli.export.graph.builder import Graph, Value, integers
from lstm_cli.export.graph.layers import hidden_size, layer_norm, linear, lstm
from lstm_cli.export.graph.padding import last_step, left_align, step_mask
from lstm_cli.models.batch_norm import MaskedBatchNorm
from lstm_cli.models.stacked_lstm import StackedLSTM


def stacked_lstm(graph: Graph, model: StackedLSTM, past: Value, future: Value, mask: Value) -> Value:
    """Return the forecast [B, H, C].

    Args:
        graph: graph.
        model: model.
        past: inputs [B, L, F], targets first.
        future: known-ahead inputs [B, H, K].
        mask: 1 for a step of the series, 0 for padding [B, L].
    """
    lengths = graph.add("Max", mask.sum(1).reshape(-1).to_integers(), np.array(1))
    steps = (past * mask.unsqueeze(2)).transpose(1, 0, 2)
    outputs, last = stacked_outputs(graph, model, left_align(graph, steps, lengths, model.lookback), lengths)
    state = stacked_state(graph, model, outputs, last, lengths, step_mask(graph, lengths, model.lookback))
    if model.decoder is not None:
        return _decode(graph, model, state, future)
    forecast = linear(graph, model.head, state)
    if model.ahead is not None:
        ahead = future.reshape(-1, model.horizon * model.known_ahead)
        forecast = forecast + linear(graph, model.ahead, ahead)
    return forecast.reshape(-1, model.horizon, model.targets)


def stacked_outputs(graph: Graph, model: StackedLSTM, steps: Value, lengths: Value) -> tuple[Value, Value]:
    """Return the outputs [L, B, width] of the last layer and its last state [B, width], not yet normalized.

    Args:
        graph: graph.
        model: model.
        steps: steps [L, B, F]; the real ones come first.
        lengths: real steps of each window [B].
    """
    for number, layer in enumerate(model.layers):
        if number:
            steps = normalize(graph, model, number - 1, steps)
        directions = [layer, *model.backward_layers[number : number + 1]]
        steps, last = lstm(graph, directions, steps, lengths)
    return steps, last


def stacked_state(
    graph: Graph, model: StackedLSTM, outputs: Value, last: Value, lengths: Value, real: Value
) -> Value:
    """Return one state [B, width] per window.

    Args:
        graph: graph.
        model: model.
        outputs: outputs [L, B, width] of the last layer.
        last: its last state [B, width].
        lengths: real steps of each window [B].
        real: whether a step is real [L, B].
    """
    needs_last, last = model.head_kind in ("last", "seq2seq"), normalize(graph, model, -1, last)
    if needs_last and model.attention is None:
        return last
    outputs = normalize(graph, model, -1, outputs)
    if model.attention is not None:
        outputs = self_attention(graph, model.attention, outputs, real)
    if needs_last:
        return last_state(graph, model, outputs, lengths)
    if model.pooling is not None:
        return additive_pooling(graph, model.pooling, outputs, real)
    total = (outputs * real.to_floats().unsqueeze(2)).sum(0).squeeze(0)
    return total / lengths.to_floats().unsqueeze(1)


def last_state(graph: Graph, model: StackedLSTM, outputs: Value, lengths: Value) -> Value:
    """Return the last state [B, width] of both directions: forward at the last step, backward at the first.

    Args:
        graph: graph.
        model: model.
        outputs: outputs [L, B, width] of the last layer.
        lengths: real steps of each window [B].
    """
    last = last_step(graph, outputs, lengths)
    if not model.backward_layers:
        return last
    size = hidden_size(model.layers[-1])
    return graph.add("Concat", last.first(1, size), outputs.take(0, 0).last(1, size), axis=1)


def normalize(graph: Graph, model: StackedLSTM, number: int, steps: Value) -> Value:
    """Return the outputs [..., width] of a layer after its normalization, if it has one.

    Args:
        graph: graph.
        model: model.
        number: number of the layer.
        steps: outputs [..., width].
    """
    if not model.norms:
        return steps
    norm = model.norms[number]
    if isinstance(norm, MaskedBatchNorm):
        return batch_norm(norm, steps)
    assert isinstance(norm, nn.LayerNorm)
    return layer_norm(graph, norm, steps)


def _decode(graph: Graph, model: StackedLSTM, state: Value, future: Value) -> Value:
    """Return the decoder's forecast [B, H, C] from a state [B, width] and known-ahead inputs [B, H, K]."""
    assert model.decoder is not None
    assert model.bridge is not None
    steps = graph.add("Expand", state.unsqueeze(0), integers(model.horizon, 1, 1))
    if model.known_ahead:
        steps = graph.add("Concat", steps, future.transpose(1, 0, 2), axis=2)
    hidden = graph.add("Tanh", linear(graph, model.bridge, state))
    outputs, _ = lstm(graph, [model.decoder], steps, hidden=hidden)
    return linear(graph, model.head, outputs).transpose(1, 0, 2)
