"""Tests of the simple model: its probabilities are those of scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from small_sequences import sequences

from lstm_cli.training.sequences.simple_model import (
    choose_penalty,
    class_weights_of,
    fit_simple,
    folds_of,
    statistics_of,
)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_probabilities_are_those_of_scikit_learn(classes: int) -> None:
    lengths = np.random.default_rng(1).integers(2, 20, 60).tolist()
    data = sequences(lengths=lengths, classes=classes, split=[number % 4 == 3 for number in range(60)])
    fitted = fit_simple(data, should_stop=lambda: None)
    train, val = (statistics_of(data, data.indices(split)) for split in ("train", "val"))
    center, scale = train.mean(axis=0), train.std(axis=0)
    scale[scale < 1e-6] = 1
    oracle = LogisticRegression(C=fitted.penalty, max_iter=1_000)
    oracle.fit((train - center) / scale, data.labels[data.indices("train")])
    indices = data.indices("val")
    scores = fitted.model(torch.from_numpy(data.padded(indices)), torch.from_numpy(data.lengths[indices]))
    expected = oracle.predict_proba((val - center) / scale)
    np.testing.assert_allclose(scores.softmax(1).numpy(), expected, atol=1e-4)


def test_a_class_without_training_sequences_is_improbable() -> None:
    weights, bias = class_weights_of(np.array([[2.0]]), np.array([1.0]), np.array([0, 2]), 3)
    scores = np.array([0.5]) @ weights.T + bias
    probabilities = np.exp(scores) / np.exp(scores).sum()
    assert probabilities[2] / probabilities[0] == pytest.approx(
        np.exp(2.0)
    )  # the decision value of scikit-learn
    assert probabilities[1] < 1e-9


def test_folds_have_the_same_share_of_each_class() -> None:
    labels = np.array([0, 1] * 10 + [2] * 5)
    folds = folds_of(labels)
    assert sorted(np.concatenate(folds)) == list(range(25))
    assert all(np.bincount(labels[fold]).tolist() == [2, 2, 1] for fold in folds)
    assert [fold.tolist() for fold in folds_of(np.array([0, 1]))] == [[0], [1]]


def test_one_lucky_validation_sequence_does_not_choose_the_penalty() -> None:
    generator = np.random.default_rng(0)
    train, labels = generator.normal(size=(40, 30)), np.arange(40) % 2  # no statistic depends on the class
    lucky = train[labels == 1].mean(axis=0, keepdims=True)

    def penalty(labels: np.ndarray) -> float:
        return choose_penalty(train, labels, lucky, np.array([1]), classes=2, should_stop=lambda: None)

    assert penalty(labels) == 0.01
    assert penalty(np.array([0, 1] + [1] * 38)) > 0  # a fold without a second class is left out
