"""Tests of the settings of a classifier: weights of both models, and the smallest drop of the log-loss."""

import numpy as np
import pytest

from lstm_cli.config.classify import ClassifyTrainConfig
from lstm_cli.training.sequences.train_classifier import choose_share, classifier_hyperparameters


@pytest.mark.parametrize(("count", "low", "high"), [(2, 0.4, 0.95), (400, 1, 1)])
def test_few_sequences_leave_the_weights_near_equal(count: int, low: float, high: float) -> None:
    better, worse = np.full(count, 0.9), np.full(count, 0.6)
    assert low <= choose_share(np.stack([better, worse])) <= high
    assert choose_share(np.stack([worse, better])) == pytest.approx(
        1 - choose_share(np.stack([better, worse]))
    )
    assert choose_share(np.stack([worse, worse])) == 0.5


@pytest.mark.parametrize(("given", "used"), [(None, 1e-3), (0.0, 0.0), (0.1, 0.1)])
def test_a_given_min_delta_is_used_even_if_it_is_zero(given: float | None, used: float) -> None:
    config = ClassifyTrainConfig(model="stacked", min_delta=given)
    assert classifier_hyperparameters(config, 100).min_delta == used
