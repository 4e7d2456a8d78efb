"""Tests of the settings of a classifier: weights of both models, and the smallest drop of the log-loss."""

import pytest
import torch
from small_sequences import sequences
from torch import Tensor, nn

from lstm_cli.config.classify import ClassifyTrainConfig
from lstm_cli.training.sequences.device_sequences import DeviceSequences
from lstm_cli.training.sequences.train_classifier import choose_share, classifier_hyperparameters


class Certain(nn.Module):
    """Model that gives the second class this probability."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.scores = torch.tensor([1 - probability, probability]).log()

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        return self.scores.expand(len(values), 2)


@pytest.mark.parametrize(("count", "low", "high"), [(2, 0.4, 0.95), (400, 1, 1)])
def test_few_sequences_leave_the_weights_near_equal(count: int, low: float, high: float) -> None:
    data = sequences(lengths=[2] * count, labels=[1] * count, split=[1] * count)
    val = DeviceSequences.from_data(data, "val", torch.device("cpu"))
    better, worse = Certain(0.9), Certain(0.6)
    assert low <= choose_share(better, worse, val) <= high
    assert choose_share(worse, better, val) == pytest.approx(1 - choose_share(better, worse, val))
    assert choose_share(worse, worse, val) == 0.5


@pytest.mark.parametrize(("given", "used"), [(None, 1e-3), (0.0, 0.0), (0.1, 0.1)])
def test_a_given_min_delta_is_used_even_if_it_is_zero(given: float | None, used: float) -> None:
    config = ClassifyTrainConfig(model="stacked", min_delta=given)
    assert classifier_hyperparameters(config, 100).min_delta == used
