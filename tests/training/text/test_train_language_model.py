"""Tests of the hyperparameters of a language model."""

import pytest

from lstm_cli.config.generate import GenerateTrainConfig
from lstm_cli.training.text.train_language_model import (
    LANES,
    MAX_EPOCH_STEPS,
    MAX_STEPS,
    MIN_STEPS,
    PASSES,
    PIECE,
    new_network,
    text_hyperparameters,
)


def test_a_text_of_1_mb_is_read_some_times() -> None:
    hparams = text_hyperparameters(GenerateTrainConfig(), 1_000_000)
    assert hparams.batch_size == LANES
    assert hparams.epochs == PASSES
    assert hparams.steps_per_epoch == -(-999_999 // LANES // PIECE)


@pytest.mark.parametrize("tokens", [1_000, 20_000, 80_000])
def test_a_short_text_gets_enough_steps_and_fewer_lanes(tokens: int) -> None:
    hparams = text_hyperparameters(GenerateTrainConfig(), tokens)
    assert hparams.epochs * hparams.steps_per_epoch >= MIN_STEPS
    assert 1 <= hparams.batch_size <= max(1, tokens // PIECE // 16)


def test_a_long_text_is_validated_several_times_in_a_pass() -> None:
    hparams = text_hyperparameters(GenerateTrainConfig(), 100_000_000)
    assert hparams.steps_per_epoch == MAX_EPOCH_STEPS
    assert hparams.epochs * hparams.steps_per_epoch == MAX_STEPS


def test_given_settings_are_used() -> None:
    config = GenerateTrainConfig(epochs=3, batch_size=8, bptt=10, lr=0.5, patience=2)
    hparams = text_hyperparameters(config, 8_001)
    assert (hparams.epochs, hparams.batch_size, hparams.steps_per_epoch) == (3, 8, 100)
    assert (hparams.lr, hparams.patience) == (0.5, 2)
    assert text_hyperparameters(GenerateTrainConfig(batch_size=9_999), 500).batch_size == 499


def test_init_draws_other_weights() -> None:
    settings = {"vocabulary": 5, "hidden": [4], "dropout": 0.0}
    plain, other = (
        new_network(settings, GenerateTrainConfig(model="stacked", init=init)) for init in (None, "xavier")
    )
    name = "layers.0.weight_ih_l0"
    assert not plain.get_parameter(name).equal(other.get_parameter(name))
    for network in (plain, other):
        assert network.get_parameter("layers.0.bias_ih_l0")[4:8].tolist() == [1, 1, 1, 1]
