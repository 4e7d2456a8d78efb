"""Tests of the simple model: its probabilities are those of scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from small_sequences import sequences

from lstm_cli.training.sequences.folds import folds_of
from lstm_cli.training.sequences.simple_model import (
    PENALTIES,
    choose_penalty,
    class_weights_of,
    fit_simple,
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


def test_one_lucky_validation_sequence_does_not_choose_the_penalty() -> None:
    generator = np.random.default_rng(0)
    train, labels = generator.normal(size=(40, 30)), np.arange(40) % 2  # no statistic depends on the class
    lucky = train[labels == 1].mean(axis=0, keepdims=True)

    def penalty(labels: np.ndarray) -> float:
        return choose_penalty(
            train, labels, lucky, np.array([1]), classes=2, penalties=PENALTIES, should_stop=lambda: None
        ).penalty

    assert penalty(labels) == 0.01


def test_held_out_probabilities_are_those_of_models_of_the_other_folds() -> None:
    data = sequences(lengths=[4] * 24, split=[0] * 20 + [1] * 4)
    fitted = fit_simple(data, should_stop=lambda: None)
    train = statistics_of(data, data.indices("train"))
    scale = train.std(axis=0)
    inputs, labels = (train - train.mean(axis=0)) / np.where(scale < 1e-6, 1, scale), data.labels[:20]
    for fold in folds_of(labels):
        rest = np.setdiff1d(np.arange(20), fold)
        oracle = LogisticRegression(C=fitted.penalty, max_iter=1_000).fit(inputs[rest], labels[rest])
        expected = oracle.predict_proba(inputs[fold])[np.arange(len(fold)), labels[fold]]
        assert fitted.held_out is not None
        np.testing.assert_allclose(fitted.held_out[fold], expected, rtol=1e-6)
