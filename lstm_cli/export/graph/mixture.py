"""Graph of `models/mixture.py`."""

from typing import cast

from lstm_cli.export.graph.builder import Graph, Value
from lstm_cli.export.graph.linear_layer import linear_forecast
from lstm_cli.export.graph.segment_lstm import repeat_last_season, segment_lstm
from lstm_cli.models.mixture import Mixture
from lstm_cli.models.segment_lstm import SegmentLSTM


def mixture(graph: Graph, model: Mixture, past: Value, future: Value, mask: Value) -> tuple[Value, Value]:
    """Return the forecast [B, H, C], and the forecasts of the parts [B, H, C, P].

    Args:
        graph: graph.
        model: model.
        past: inputs [B, L, F], targets first.
        future: known-ahead inputs [B, H, A].
        mask: 1 for a step of the series, 0 for padding [B, L].
    """
    mask = mask.unsqueeze(2)
    linear = linear_forecast(graph, model.linear, past, future, mask)
    forecasts = []
    for name in model.parts:
        if name == "linear":
            forecasts.append(linear)
        elif name == "simple":
            season = model.simple_season
            forecasts.append(repeat_last_season(graph, past, mask, season, model.horizon, model.targets))
        else:
            networks = model.anchored if name == "anchored" else model.free
            anchor = linear if name == "anchored" else None
            seed_forecasts = [
                segment_lstm(graph, cast(SegmentLSTM, network), past, future, mask, anchor)
                for network in networks
            ]
            forecasts.append(graph.add("Mean", *seed_forecasts) if len(networks) > 1 else seed_forecasts[0])
    parts = graph.add("Concat", *(forecast.unsqueeze(3) for forecast in forecasts), axis=3)
    return (parts * model.weights[:, None]).sum(3).squeeze(3), parts
