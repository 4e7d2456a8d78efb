"""Graphs of `models/linear_layer.py`."""

from torch import Tensor

from lstm_cli.export.graph.builder import Graph, Value
from lstm_cli.linear.model import DEVIATION_FLOOR
from lstm_cli.models.linear_layer import LinearForecast


def linear_forecast(graph: Graph, layer: LinearForecast, past: Value, future: Value, mask: Value) -> Value:
    """Return the forecast [B, H, C].

    Args:
        graph: graph.
        layer: layer.
        past: inputs [B, L, F], targets first.
        future: known-ahead inputs [B, H, A].
        mask: 1 for a step of the series, 0 for padding [B, L, 1].
    """
    values = past.first(2, layer.targets)
    if layer.known_ahead:
        values = values - past.last(2, layer.known_ahead) @ layer.response
    window = values.last(1, layer.window), mask.last(1, layer.window)
    mean, deviation = window_moments(graph, *window, DEVIATION_FLOOR * layer.unit)
    last, recent, real = values.last(1, 1), values.last(1, layer.reach), mask.last(1, layer.reach)
    products = (
        ((recent - last) * real).transpose(0, 2, 1) @ layer.last_weights
        + ((recent - mean) * real).transpose(0, 2, 1) @ layer.mean_weights
    ).transpose(0, 2, 1)
    forecast = (
        (last * layer.share + mean * (1 - layer.share))
        + products
        + layer.unit * layer.bias[:, None]
        + deviation * layer.deviation_bias[:, None]
    )
    return forecast + future @ layer.response if layer.known_ahead else forecast


def window_moments(graph: Graph, values: Value, mask: Value, floor: Tensor) -> tuple[Value, Value]:
    """Return mean and deviation [B, 1, C] of the real steps.

    Args:
        graph: graph.
        values: steps of the window [B, L, C].
        mask: 1 for a step of the series, 0 for padding [B, L, 1].
        floor: smallest deviation [C].
    """
    count = graph.add("Max", mask.sum(1), 1.0)
    mean = (values * mask).sum(1) / count
    deviations = (values - mean) * mask
    return mean, graph.add("Sqrt", (deviations * deviations).sum(1) / count + floor**2)
