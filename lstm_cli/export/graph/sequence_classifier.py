"""Graphs of `models/sequence_classifier.py`, for values with the time first."""

import numpy as np

from lstm_cli.export.graph.attention import self_attention
from lstm_cli.export.graph.builder import END, Graph, Value, integers
from lstm_cli.export.graph.layers import linear
from lstm_cli.export.graph.ngram_classifier import ngram_scores
from lstm_cli.export.graph.padding import last_step
from lstm_cli.export.graph.stacked_lstm import last_state, normalize, stacked_outputs, stacked_state
from lstm_cli.models.ngram_classifier import NgramClassifier
from lstm_cli.models.sequence_classifier import (
    LAGS,
    SEGMENTS,
    SMALL_DEVIATION,
    SMALL_SQUARES,
    CombinedClassifier,
    SequenceClassifier,
    SimpleClassifier,
)


def combined_classifier(
    graph: Graph, model: CombinedClassifier, values: Value, lengths: Value
) -> tuple[Value, Value]:
    """Return the probabilities [B, K] of the model, and those of the simple model.

    Args:
        graph: graph.
        model: model.
        values: [B, L, F] scaled, with the padding at the end; tokens [B, L, 1] of documents.
        lengths: [B, 1] number of real steps.
    """
    count = graph.add("Max", lengths.reshape(-1).to_integers(), np.array(1))
    real = _step_mask(graph, values, count)
    steps = values.transpose(1, 0, 2)
    if model.network.embedding is not None:
        steps = graph.add("Gather", model.network.embedding.weight, steps.squeeze(2), axis=0)
    steps = steps * real.to_floats().unsqueeze(2)
    if isinstance(model.simple, NgramClassifier):
        scores = ngram_scores(graph, model.simple, values, real)
    else:
        scores = _simple_scores(graph, model.simple, steps, count, real)
    simple = scores.softmax(1)
    network = _network_scores(graph, model.network, steps, count, real).softmax(1)
    rest = graph.weight(1 - model.share, model.share, "_of_simple")
    return network * model.share + simple * rest, simple


def _network_scores(
    graph: Graph, model: SequenceClassifier, steps: Value, lengths: Value, real: Value
) -> Value:
    """Return the scores [B, K] of the network for steps [L, B, F]."""
    outputs, last = stacked_outputs(graph, model, steps, lengths)
    if model.head_kind not in ("max", "concat"):
        return linear(graph, model.head, stacked_state(graph, model, outputs, last, lengths, real))
    outputs = normalize(graph, model, -1, outputs)
    if model.attention is not None:
        outputs = self_attention(graph, model.attention, outputs, real)
    largest = graph.add("Where", real.unsqueeze(2), outputs, -np.inf).maximum(0).squeeze(0)
    if model.head_kind == "max":
        return linear(graph, model.head, largest)
    total = (outputs * real.to_floats().unsqueeze(2)).sum(0).squeeze(0)
    mean = total / lengths.to_floats().unsqueeze(1)
    states = graph.add("Concat", last_state(graph, model, outputs, lengths), mean, largest, axis=1)
    return linear(graph, model.head, states)


def _simple_scores(graph: Graph, model: SimpleClassifier, steps: Value, lengths: Value, real: Value) -> Value:
    """Return the scores [B, K] of the simple model for steps [L, B, F] with zeros as padding."""
    count = lengths.to_floats().unsqueeze(1)
    known = real.unsqueeze(2)
    mean = steps.sum(0).squeeze(0) / count
    centered = (steps - mean.unsqueeze(0)) * known.to_floats()
    squares = (centered * centered).sum(0).squeeze(0)
    deviation = graph.add("Sqrt", squares / count)
    low = graph.add("Where", known, steps, np.inf).minimum(0).squeeze(0)
    high = graph.add("Where", known, steps, -np.inf).maximum(0).squeeze(0)
    first, last = steps.take(0, 0), last_step(graph, steps, lengths)
    before = graph.add("Concat", steps.first(0, 1), steps.first(0, -1), axis=0)  # -1: all but the last step
    moves = (steps - before) * known.to_floats()
    sizes, moved = graph.add("Abs", moves), graph.add("Max", count - 1.0, 1.0)
    change = sizes.sum(0).squeeze(0) / moved
    spread = graph.add("Sqrt", (moves * moves).sum(0).squeeze(0) / moved)
    fall, rise = moves.minimum(0).squeeze(0), moves.maximum(0).squeeze(0)
    statistics = [
        *(mean, deviation, _log(graph, deviation), low, high, first, last),
        *(change, _log(graph, change), spread, fall, rise),
        *(_segment_means(graph, side, lengths) for side in (steps, sizes)),
        *(_lagged(graph, centered, lag) / (squares + SMALL_SQUARES) for lag in LAGS),
        count / float(model.max_length),
    ]
    values = graph.add("Concat", *statistics, axis=1)
    return linear(graph, model.linear, (values - model.center) / model.scale)


def _step_mask(graph: Graph, values: Value, lengths: Value) -> Value:
    """Return whether a step is real [L, B], for values [B, L, F] of any length L."""
    count = graph.add("Shape", values, start=1, end=2).squeeze(0)
    return graph.add("Less", graph.add("Range", np.array(0), count, np.array(1)).unsqueeze(1), lengths)


def _log(graph: Graph, values: Value) -> Value:
    return graph.add("Log", values + SMALL_DEVIATION)


def _lagged(graph: Graph, steps: Value, lag: int) -> Value:
    """Return the sums [B, F] of the products of values with a number of steps between them, of steps [L, B, F]."""
    later = graph.add("Slice", steps, integers(lag), integers(END), integers(0))
    return (later * steps.first(0, -lag)).sum(0).squeeze(0)


def _segment_means(graph: Graph, steps: Value, lengths: Value) -> Value:
    """Return the means [B, SEGMENTS * F] of equal parts of steps [L, B, F]."""
    parts = np.arange(SEGMENTS)
    whole = lengths.unsqueeze(1)  # [B, 1]
    begin = graph.add("Div", graph.add("Mul", whole, parts), np.array(SEGMENTS))
    end = graph.add("Div", graph.add("Mul", whole, parts + 1), np.array(SEGMENTS))
    end = graph.add("Max", end, graph.add("Add", begin, np.array(1)))
    values = steps.transpose(1, 0, 2)
    sums = graph.add("CumSum", values, np.array(1))
    zero = values.first(1, 1) * 0.0
    sums = graph.add("Concat", zero, sums, axis=1)  # [B, L + 1, F]
    ends, begins = (graph.add("GatherND", sums, place.unsqueeze(2), batch_dims=1) for place in (end, begin))
    width = graph.add("Sub", end, begin).to_floats().unsqueeze(2)
    return ((ends - begins) / width).reshape(0, -1)
