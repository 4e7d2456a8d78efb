"""Tests of the classifier of sequences: packed sequences as the oracle, padding, and statistics by hand."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lstm_cli.models.sequence_classifier import (
    KINDS,
    SEGMENTS,
    CombinedClassifier,
    SequenceClassifier,
    SimpleClassifier,
    segment_means,
    sequence_statistics,
    statistic_names,
    statistics_count,
)

LENGTHS = torch.tensor([7, 1, 4, 9])


def classifier(pooling: str = "last", **options: Any) -> SequenceClassifier:
    torch.manual_seed(0)
    network = SequenceClassifier(
        inputs=3, classes=4, max_length=9, hidden=(6, 5), dropout=0.0, pooling=pooling, **options
    )
    return network.eval()


def padded(seed: int = 1, length: int = 9) -> Tensor:
    values = torch.randn(4, length, 3, generator=torch.Generator().manual_seed(seed))
    return values * (torch.arange(length) < LENGTHS[:, None])[:, :, None]


def packed_outputs(
    network: SequenceClassifier, values: Tensor, *, bidirectional: bool
) -> tuple[Tensor, Tensor]:
    """Return the outputs of torch's own LSTM over packed sequences, and its last state of both directions."""
    steps = nn.utils.rnn.pack_padded_sequence(values, LENGTHS, batch_first=True, enforce_sorted=False)
    for number, forward in enumerate(network.layers):
        layer = nn.LSTM(
            forward.input_size, forward.hidden_size, batch_first=True, bidirectional=bidirectional
        )
        state = dict(forward.state_dict())
        if bidirectional:
            backward = network.backward_layers[number].state_dict()
            state |= {f"{name}_reverse": value for name, value in backward.items()}
        layer.load_state_dict(state)
        steps, (hidden, _) = layer(steps)
    outputs, _ = nn.utils.rnn.pad_packed_sequence(steps, batch_first=True)
    return outputs, torch.cat(list(hidden), dim=1)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pooling", ["last", "mean", "max", "concat"])
def test_scores_equal_those_of_packed_sequences(pooling: str, bidirectional: bool) -> None:
    network, values = classifier(pooling, bidirectional=bidirectional), padded()
    outputs, last = packed_outputs(network, values, bidirectional=bidirectional)
    rows = [row[:length] for row, length in zip(outputs, LENGTHS, strict=True)]
    states = {
        "last": last,
        "mean": torch.stack([row.mean(dim=0) for row in rows]),
        "max": torch.stack([row.amax(dim=0) for row in rows]),
    }
    states["concat"] = torch.cat(list(states.values()), dim=1)
    torch.testing.assert_close(network(values, LENGTHS), network.head(states[pooling]), atol=1e-6, rtol=1e-5)


OPTIONS: list[dict[str, Any]] = [
    {},
    {"bidirectional": True, "attention": 2},
    {"batch_norm": True},
    {"layer_norm": True, "attention": 5},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("pooling", ["last", "mean", "max", "concat", "attention"])
def test_padding_does_not_change_the_scores(pooling: str, options: dict[str, Any]) -> None:
    network, values = classifier(pooling, **options), padded()
    expected = network(values, LENGTHS)
    longer = nn.functional.pad(values, (0, 0, 0, 5), value=3.0)  # content of the padding has no effect
    torch.testing.assert_close(network(longer, LENGTHS), expected, atol=1e-6, rtol=1e-5)
    alone = [
        network(row[None, :length], length[None])[0] for row, length in zip(values, LENGTHS, strict=True)
    ]
    torch.testing.assert_close(torch.stack(alone), expected, atol=1e-6, rtol=1e-5)


def test_statistics_by_hand() -> None:
    values = torch.tensor([[[2.0], [4.0], [9.0], [0.0]], [[5.0], [0.0], [0.0], [0.0]]])
    statistics = sequence_statistics(values, torch.tensor([3, 1]), max_length=4).numpy()
    assert statistics.shape == (2, statistics_count(1))
    first, second = (dict(zip(KINDS, row, strict=False)) for row in statistics)
    deviation, squares = np.std([2, 4, 9]), 9 + 1 + 16
    expected = {
        **{"mean": 5, "deviation": deviation, "log deviation": np.log(deviation + 1e-3)},
        **{"minimum": 2, "maximum": 9, "first": 2, "last": 9},
        **{"change": 3.5, "log change": np.log(3.501), "change deviation": np.sqrt((4 + 25) / 2)},
        **{"largest fall": 0, "largest rise": 5},
        **{"mean of part 1": 2, "mean of part 16": 9, "change of part 1": 0, "change of part 16": 5},
        # The values less their mean are -3, -1 and 4.
        **{
            "autocorrelation 1": (3 - 4) / squares,
            "autocorrelation 2": -12 / squares,
            "autocorrelation 4": 0,
        },
    }
    assert {name: first[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    assert second["mean"] == second["minimum"] == second["mean of part 7"] == 5
    assert second["change"] == second["deviation"] == second["autocorrelation 1"] == 0
    assert statistics[:, -1].tolist() == [0.75, 0.25]


def test_statistics_are_in_the_order_of_their_names() -> None:
    names = statistic_names(["x", "y", "z"])
    assert len(names) == statistics_count(3)
    values = padded()
    values[:, :, 1] = 7.0
    row = dict(zip(names, sequence_statistics(values, LENGTHS, 9)[0].tolist(), strict=True))
    assert row["length"] == pytest.approx(7 / 9)
    constant = ("mean", "minimum", "last", "mean of part 3", "mean of part 16")
    assert [row[f"y: {name}"] for name in constant] == pytest.approx([7] * 5)
    assert row["y: change of part 5"] == row["y: autocorrelation 2"] == 0
    assert row["x: largest rise"] == pytest.approx(float(values[0, :7, 0].diff().max()))
    assert row["z: change of part 16"] == pytest.approx(abs(float(values[0, 6, 2] - values[0, 5, 2])))


def test_means_of_equal_parts() -> None:
    values = torch.arange(32.0)[None, :, None]
    pairs = [float(pair) for pair in np.arange(32).reshape(SEGMENTS, 2).mean(axis=1)]
    assert segment_means(values, torch.tensor([32]))[0, :, 0].tolist() == pairs
    ragged = segment_means(values, torch.tensor([21]))[0, :, 0].tolist()
    bounds = [21 * part // SEGMENTS for part in range(SEGMENTS + 1)]
    expected = [np.arange(begin, max(end, begin + 1)).mean() for begin, end in pairwise(bounds)]
    assert ragged == pytest.approx(expected)


@pytest.mark.parametrize("length", [9, 12, 30])
def test_padding_does_not_change_the_statistics(length: int) -> None:
    values = padded(length=9)
    expected = sequence_statistics(values, LENGTHS, 9)
    longer = nn.functional.pad(values, (0, 0, 0, length - 9), value=-7.0)
    torch.testing.assert_close(sequence_statistics(longer, LENGTHS, 9), expected)


def test_the_combination_is_a_mean_of_probabilities() -> None:
    network, simple = classifier(), SimpleClassifier(inputs=3, classes=4, max_length=9)
    probabilities, of_simple = CombinedClassifier(network, simple, 0.25).eval()(padded(), LENGTHS)
    expected = 0.25 * network(padded(), LENGTHS).softmax(1) + 0.75 * of_simple
    torch.testing.assert_close(probabilities, expected)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(4))
