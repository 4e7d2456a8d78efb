"""Tests of sequences of unequal length and their padding."""

from dataclasses import replace

import numpy as np
import pytest
from small_sequences import sequences

from lstm_cli.sequences.dataset import SequenceScaler, SequenceSchema, batches_of_similar_length


def test_padding_is_zeros_after_the_last_step() -> None:
    data = sequences(lengths=[3, 1, 2])
    padded = data.padded(np.array([1, 0]))
    assert padded.shape == (2, 3, 2)
    np.testing.assert_array_equal(padded[1], data.values[:3])
    np.testing.assert_array_equal(padded[0, :1], data.values[3:4])
    assert not padded[0, 1:].any()
    assert data.padded(np.array([1]), 4).shape == (1, 4, 2)


def test_chosen_sequences_keep_their_steps() -> None:
    data = sequences(lengths=[3, 1, 2])
    chosen = data.select(np.array([2, 0]))
    assert chosen.names == ("s2", "s0")
    np.testing.assert_array_equal(chosen.values, data.values[[4, 5, 0, 1, 2]])
    assert not len(data.select(np.zeros(0, dtype=int)).names)


@pytest.mark.parametrize(
    "changes",
    [
        {"lengths": np.array([3, 1, 1])},
        {"lengths": np.array([3, 3, 0])},
        {"labels": np.array([0, 1, 2])},
        {"split": np.array([0, 1, 3])},
        {"names": ("a", "b")},
    ],
)
def test_parts_that_do_not_match_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="do not match"):
        replace(sequences(lengths=[3, 1, 2]), **changes)


def test_batches_hold_every_sequence_once_and_little_padding() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 500)
    batches = list(batches_of_similar_length(lengths, 300, largest=40))
    assert sorted(np.concatenate(batches).tolist()) == list(range(500))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= 300
        assert len(batch) <= 40
    padded = sum(len(batch) * lengths[batch].max() for batch in batches)
    assert padded < 1.1 * lengths.sum()
    assert [batch.tolist() for batch in batches_of_similar_length(np.array([900]), 300)] == [[0]]


def test_description_survives_json() -> None:
    data = sequences(lengths=[3, 1, 2])
    assert SequenceSchema.from_dict(data.schema.to_dict()) == data.schema
    restored = SequenceScaler.from_dict(data.scaler.to_dict())
    np.testing.assert_array_equal(restored.scale, data.scaler.scale)
    with pytest.raises(ValueError, match="scale"):
        SequenceScaler.from_dict({"kind": "standard", "center": [0], "scale": [0]})
