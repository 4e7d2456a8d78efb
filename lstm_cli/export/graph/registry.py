"""Graphs of the networks of `models/registry.py`."""

from torch import nn

from lstm_cli.export.graph.builder import Graph, Value
from lstm_cli.export.graph.mixture import mixture
from lstm_cli.export.graph.stacked_lstm import stacked_lstm
from lstm_cli.models.mixture import Mixture
from lstm_cli.models.stacked_lstm import StackedLSTM


def build_network(
    graph: Graph, model: nn.Module, past: Value, future: Value, mask: Value
) -> tuple[Value, Value | None]:
    """Return the forecast [B, H, C], and the forecasts of the parts [B, H, C, P]; None for a model without parts.

    Args:
        graph: graph.
        model: model of the registry.
        past: inputs [B, L, F], targets first.
        future: known-ahead inputs [B, H, K].
        mask: 1 for a step of the series, 0 for padding [B, L].

    Raises:
        TypeError: the model is not in the registry.
    """
    if isinstance(model, Mixture):
        return mixture(graph, model, past, future, mask)
    if isinstance(model, StackedLSTM):
        return stacked_lstm(graph, model, past, future, mask), None
    raise TypeError(f"no graph for a model of the class {type(model).__name__}")
