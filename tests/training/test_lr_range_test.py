"""Tests of the learning rate range test: its end, its suggestion, and training at the suggested rate."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from small_data import dataset, plan, wave
from torch import Tensor, nn

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.errors import Interrupted, TrainingDiverged
from lstm_cli.events import ignore_events
from lstm_cli.models.stacked_lstm import StackedLSTM
from lstm_cli.training.loop.fit import fit
from lstm_cli.training.lr_range_test import (
    FIRST_STEPS,
    MAX_LR,
    MIN_LR,
    STEPS,
    RangeTest,
    run_range_test,
    run_range_tests,
)
from lstm_cli.training.setup.hyperparameters import Hyperparameters
from lstm_cli.training.windows import validation
from lstm_cli.training.windows.device_windows import DeviceWindows

DATA = dataset([wave(700, noise=0.1)], train_end=[400], val_end=[690], lookback=12, horizon=4)


def windows(split: str = "train") -> DeviceWindows:
    return DeviceWindows.from_windows(split_windows(DATA, split), torch.device("cpu"))


def stacked(*hidden: int) -> StackedLSTM:
    torch.manual_seed(0)
    return StackedLSTM(
        inputs=1, targets=1, known_ahead=0, lookback=12, horizon=4, hidden=hidden or (8,), dropout=0.1
    )


def tried(model: nn.Module, chosen: Hyperparameters | None = None, **options: Any) -> RangeTest:
    options = {"part": "stacked", "listen": ignore_events, "should_stop": lambda: None} | options
    return run_range_test(model, windows(), chosen or plan(batch_size=16, clip_norm=1.0), **options)


@pytest.mark.parametrize(("optimizer", "hidden"), [("adamw", (8,)), ("adamw", (32,)), ("sgd", (8,))])
def test_training_at_the_suggestion_beats_rates_far_from_it(optimizer: str, hidden: tuple[int, ...]) -> None:
    usual = {"optimizer": optimizer, "batch_size": 16, "clip_norm": 1.0}
    suggestion = tried(stacked(*hidden), plan(**usual)).suggestion
    assert suggestion is not None

    def loss(lr: float) -> float:
        best = fit(
            stacked(*hidden),
            windows(),
            validation.loss_validator(windows("val"), "mae"),
            plan(**usual, lr=lr, epochs=8, steps_per_epoch=20, schedule="cosine"),
            part="stacked",
            listen=ignore_events,
            should_stop=lambda: None,
        ).best_loss
        assert best is not None
        return best

    assert loss(suggestion) < 0.8 * min(loss(suggestion / 30), loss(suggestion * 300))


def test_the_rate_rises_by_one_factor_until_the_loss_diverges() -> None:
    result = tried(stacked(32, 32))
    factors = [after / before for before, after in pairwise(result.lr)]
    assert result.lr[0] == MIN_LR
    np.testing.assert_allclose(factors, (MAX_LR / MIN_LR) ** (1 / (STEPS - 1)))
    assert len(result.lr) == len(result.loss) == len(result.smoothed) <= STEPS
    assert result.smoothed[-1] > result.smoothed.min() * 1.5
    assert FIRST_STEPS <= result.lowest < len(result.lr)


def test_the_smoothed_loss_is_an_exponential_average() -> None:
    result = tried(stacked())
    weights = 0.9 ** np.arange(50)[::-1]
    assert result.smoothed[49] == pytest.approx((weights * result.loss[:50]).sum() / weights.sum())


def test_the_same_seed_gives_the_same_losses() -> None:
    item, repeated = tried(stacked()), tried(stacked())
    other = tried(stacked(), plan(batch_size=16, clip_norm=1.0, seed=5))
    np.testing.assert_array_equal(item.loss, repeated.loss)
    assert (item.loss[:10] != other.loss[:10]).any()


class Stubborn(nn.Module):
    """Network whose forecast does not depend on its weight, or is not finite after some steps."""

    def __init__(self, breaks_at: int = 10_000) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.left = breaks_at

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> Tensor:
        self.left -= 1
        forecast = past[:, -1:] + 0 * self.weight
        return forecast.expand(-1, 4, -1) / (1.0 if self.left > 0 else 0.0)

    def loss_scale(self, past: Tensor, mask: Tensor) -> Tensor:
        return torch.ones_like(past[:, :1])


def test_no_rate_is_suggested_if_the_loss_never_falls() -> None:
    result = tried(Stubborn())
    assert len(result.lr) == STEPS
    assert result.suggestion is None


def test_an_infinite_loss_ends_the_range_test_and_is_an_error_at_the_first_step() -> None:
    assert len(tried(Stubborn(breaks_at=40)).lr) == 39
    with pytest.raises(TrainingDiverged):
        tried(Stubborn(breaks_at=1))


def test_a_signal_ends_it() -> None:
    with pytest.raises(Interrupted) as interrupted:
        tried(stacked(), should_stop=lambda: 15)
    assert interrupted.value.exit_code == 143


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        (TrainConfig(hidden=(4,), log_transform="off", device="cpu"), ["anchored", "free"]),
        (TrainConfig(hidden=(4,), log_transform="off", device="cpu", effort="fast"), ["anchored"]),
        (
            TrainConfig(hidden=(4,), log_transform="off", device="cpu", model="stacked", init="he"),
            ["stacked"],
        ),
    ],
    ids=["segment", "fast", "stacked"],
)
def test_range_tests_do_not_depend_on_the_number_of_threads(config: TrainConfig, parts: list[str]) -> None:
    data = dataset(
        [wave(220, season=6)], train_end=[150], val_end=[190], lookback=12, horizon=6, seasons=(6,)
    )
    item, two = (
        run_range_tests(data, config, threads=threads, listen=ignore_events, should_stop=lambda: None)
        for threads in (1, 2)
    )
    assert [result.part for result in item] == parts
    for ours, theirs in zip(item, two, strict=True):
        np.testing.assert_array_equal(ours.loss, theirs.loss)
