"""Tests of the cross-validation of few training sequences."""

import numpy as np
import torch
from small_data import plan
from small_sequences import sequences

from lstm_cli.events import ignore_events, val_measure
from lstm_cli.models.sequence_classifier import SequenceClassifier
from lstm_cli.training.sequences.device_sequences import DeviceSequences
from lstm_cli.training.sequences.folds import FEW, FOLDS, folds_of, train_folds
from lstm_cli.training.setup.checkpoint_state import Checkpoints


def test_folds_have_the_same_share_of_each_class() -> None:
    labels = np.array([0, 1] * 8 + [2] * 4)
    folds = folds_of(labels)
    assert sorted(np.concatenate(folds)) == list(range(20))
    assert [np.bincount(labels[fold]).tolist() for fold in folds] == [[2, 2, 1]] * FOLDS


def test_there_are_no_folds_of_many_sequences_or_of_one_class() -> None:
    assert folds_of(np.arange(FEW) % 2) == []
    assert folds_of(np.array([0, 0, 0, 1])) == []


def test_no_network_learns_its_own_fold() -> None:
    # The labels are random, so a network can only remember them.
    data = sequences(lengths=[3] * 32, labels=np.random.default_rng(0).integers(0, 2, 32).tolist())
    train = DeviceSequences.from_data(data, "train", torch.device("cpu"))

    def make_network() -> SequenceClassifier:
        torch.manual_seed(0)
        return SequenceClassifier(inputs=2, classes=2, max_length=3, hidden=(8,), dropout=0.0)

    result = train_folds(
        make_network,
        train,
        plan(epochs=6, lr=0.05, batch_size=8, steps_per_epoch=20),
        part="classifier",
        listen=ignore_events,
        should_stop=lambda: None,
        checkpoints=Checkpoints(),
    )
    parts = [f"classifier fold {number}" for number in range(1, FOLDS + 1)]
    assert list(dict.fromkeys(entry["part"] for entry in result.history)) == parts
    assert {val_measure(part) for part in parts} == {"log-loss"}
    assert 1 <= result.epochs <= 6
    assert 0.3 < result.truth.mean() < 0.7
