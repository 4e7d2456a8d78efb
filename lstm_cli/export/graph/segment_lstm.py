"""Graphs of `models/segment_lstm.py`."""

import numpy as np
from torch import nn

from lstm_cli.export.graph.builder import Graph, Value, integers
from lstm_cli.export.graph.layers import linear
from lstm_cli.export.graph.linear_layer import window_moments
from lstm_cli.export.graph.padding import left_align, run_unpadded
from lstm_cli.models.segment_lstm import DEVIATION_FLOOR, SegmentLSTM


def segment_lstm(
    graph: Graph, model: SegmentLSTM, past: Value, future: Value, mask: Value, linear_forecast: Value | None
) -> Value:
    """Return the forecast [B, H, C].

    Args:
        graph: graph.
        model: network.
        past: inputs [B, >= L, F], targets first.
        future: known-ahead inputs [B, H, A].
        mask: 1 for a step of the series, 0 for padding [B, >= L, 1].
        linear_forecast: linear forecast [B, H, C] for an anchored network.
    """
    far = [
        repeat_last_season(graph, past, mask, season, model.horizon, model.targets)
        for season in model.far_seasons
    ]
    past, mask = past.last(1, model.lookback), mask.last(1, model.lookback)
    values = past.first(2, model.targets)
    mean, deviation = window_moments(graph, values, mask, DEVIATION_FLOOR * model.unit)
    rows = ((values - mean) / deviation * mask).transpose(0, 2, 1)
    candidates = _candidates(model, rows)
    others = [*far, linear_forecast] if linear_forecast is not None else far
    candidates += [((other - mean) / deviation).transpose(0, 2, 1).unsqueeze(2) for other in others]
    state = _state(graph, model, past, rows, mask, future)
    gate = _map_blocks(graph, model, model.gate, state).softmax(3).transpose(0, 1, 3, 2)  # [B, C, k, blocks]
    if model.blocks > 1:
        gate = gate.take(3, np.arange(model.horizon) // model.segment)
    correction = _map_blocks(graph, model, model.correct, state).reshape(0, 0, -1).first(2, model.horizon)
    forecast = correction + (gate * graph.add("Concat", *candidates, axis=2)).sum(2).squeeze(2)
    return forecast.transpose(0, 2, 1) * deviation + mean


def repeat_last_season(
    graph: Graph, past: Value, mask: Value, season: int, horizon: int, targets: int
) -> Value:
    """Return the last season repeated [B, H, C]; the last value if a window holds less than one season.

    Args:
        graph: graph.
        past: inputs [B, L, F], targets first.
        mask: 1 for a step of the series, 0 for padding [B, L, 1].
        season: steps in a season.
        horizon: steps ahead H.
        targets: number of target columns C.
    """
    values = past.first(2, targets)
    repeated = values.last(1, season).take(1, np.arange(horizon) % season)
    whole = graph.add("Greater", graph.add("ReduceMin", mask.last(1, season), integers(1), keepdims=1), 0.0)
    return graph.add("Where", whole, repeated, values.last(1, 1))


def _candidates(model: SegmentLSTM, rows: Value) -> list[Value]:
    """Return simple forecasts [B, C, k, H] in units of the window's deviation."""
    ahead = np.arange(model.horizon)
    steps = [model.lookback - season + ahead % season for season in (1, *model.seasons)]
    candidates = [rows.take(2, np.stack(steps))]
    for season in model.cycles:
        cycles = model.lookback // season
        means = rows.last(2, cycles * season).reshape(0, 0, cycles, season).mean(2)
        candidates.append(means.take(3, ahead % season))
    return candidates


def _state(graph: Graph, model: SegmentLSTM, past: Value, rows: Value, mask: Value, future: Value) -> Value:
    """Return the LSTM's last output combined with each segment's known-ahead inputs, [blocks or 1, B, C, hidden]."""
    count, targets = model.lookback // model.segment, model.targets
    real = mask.sum(1).reshape(-1).to_integers()
    segments = graph.add("Div", real + np.array(model.segment - 1), np.array(model.segment))
    segments = graph.add("Max", segments, np.array(1))  # [B]
    lengths = graph.add("Expand", segments.unsqueeze(1), integers(1, targets)).reshape(-1)  # [B * C]
    # Moved before they are embedded, because a segment is shorter than its embedding.
    steps = left_align(graph, rows.reshape(-1, count, model.segment).transpose(1, 0, 2), lengths, count)
    steps = linear(graph, model.embed, steps)
    if model.embed_covariates is not None:
        others = past.last(2, model.covariates) * mask
        others = others.reshape(0, count, -1).transpose(1, 0, 2)
        others = linear(graph, model.embed_covariates, left_align(graph, others, segments, count))
        steps = (steps.reshape(0, -1, targets, model.hidden) + others.unsqueeze(2)).reshape(
            0, -1, model.hidden
        )
    state = run_unpadded(graph, model.layers, steps, lengths, model.attention, count)
    state = state.reshape(1, -1, targets, model.hidden)
    if model.read_future is not None and model.embed_future is not None:
        padding = model.blocks * model.segment - model.horizon
        ahead = graph.add("Pad", future, integers(0, 0, 0, 0, padding, 0)) if padding else future
        ahead = ahead.reshape(0, model.blocks, -1).transpose(1, 0, 2)
        # The layer reads both inputs at once. Apart, each is multiplied only once: a state for all segments, and
        # known-ahead inputs for all targets.
        weight = model.read_future.weight
        read_state, read_ahead = weight[:, : model.hidden].T, weight[:, model.hidden :].T
        read = state @ graph.weight(read_state, weight, part=".state")
        ahead = ahead @ graph.weight(read_ahead, weight, part=".ahead") + model.read_future.bias
        state = state + linear(graph, model.embed_future, graph.add("Relu", read + ahead.unsqueeze(2)))
    return state


def _map_blocks(graph: Graph, model: SegmentLSTM, layer: nn.Linear, state: Value) -> Value:
    """Return [B, C, blocks, out] for a state [blocks or 1, B, C, hidden], with one linear map per block."""
    blocks, targets = model.blocks, model.targets
    if model.read_future is None:  # the state of all blocks
        return linear(graph, layer, state).reshape(-1, targets, blocks, layer.out_features // blocks)
    weight = layer.weight.unflatten(0, (blocks, -1)).transpose(1, 2)  # [blocks, hidden, out]
    bias = layer.bias.unflatten(0, (blocks, 1, -1))
    mapped = state.reshape(blocks, -1, model.hidden) @ graph.weight(weight, layer.weight)
    mapped = mapped + graph.weight(bias, layer.bias)
    return mapped.transpose(1, 0, 2).reshape(-1, targets, blocks, layer.out_features // blocks)
