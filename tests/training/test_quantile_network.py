"""Tests of the training of the quantile network."""

import dataclasses

import numpy as np
import pytest
import torch
from small_data import dataset

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch, split_windows
from lstm_cli.evaluation.quantiles.calibrate_intervals import Calibration, calibrate
from lstm_cli.evaluation.quantiles.learned import LearnedQuantiles
from lstm_cli.training import quantile_network
from lstm_cli.training.quantile_network import _Network, fit_quantiles

LOOKBACK, HORIZON, CYCLE = 36, 4, 12


def daytime_noise(rows: int = 4000) -> Dataset:
    """Return noise that is ten times larger in one half of each cycle, around 0."""
    loud = np.where(np.arange(rows) % CYCLE < CYCLE // 2, 1.0, 0.1)
    values = np.random.default_rng(0).normal(size=rows) * loud
    return dataset(
        [values[:, None]], train_end=[2000], val_end=[3000], lookback=LOOKBACK, horizon=HORIZON,
        seasons=(CYCLE,),
    )  # fmt: skip


def zero(batch: Batch) -> np.ndarray:
    return np.zeros((len(batch.series), HORIZON, 1), dtype=np.float32)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return daytime_noise()


@pytest.fixture(scope="module")
def calibration(data: Dataset) -> Calibration:
    return calibrate(data, zero, lookback=LOOKBACK)


@pytest.fixture(scope="module")
def learned(calibration: Calibration) -> LearnedQuantiles:
    return fit_quantiles(calibration, seed=0)


def test_intervals_are_wide_where_the_noise_is_loud(data: Dataset, learned: LearnedQuantiles) -> None:
    windows = split_windows(data, "test", LOOKBACK)
    batch = windows[:]
    low, high = learned.quantiles((0.1, 0.9), zero(batch), batch)
    width, inside = high - low, (batch.target >= low) & (batch.target <= high)
    loud = ((windows.origins[:, None] + np.arange(HORIZON)) % CYCLE < CYCLE // 2)[:, :, None]
    assert width[loud].mean() > 3 * width[~loud].mean()
    for part in (loud, ~loud):
        assert 100 * inside[part].mean() == pytest.approx(80, abs=8)


def test_the_network_in_numpy_is_that_in_torch(calibration: Calibration) -> None:
    torch.manual_seed(0)
    network = _Network(calibration.cells["train"].features, calibration.quantiles.knots)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    features = calibration.cells["val"].features[:200]
    knots = network.knots().detach().numpy()
    shift, low, high = network.arrays()(features).T
    expected = network(torch.from_numpy(features)).detach().numpy()
    side = np.where(knots < knots[7], np.exp(low)[:, None], np.exp(high)[:, None])
    result = knots[7] + shift[:, None] + side * (knots - knots[7])
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)


def test_equal_seeds_give_equal_quantiles(calibration: Calibration, learned: LearnedQuantiles) -> None:
    assert fit_quantiles(calibration, seed=0).to_dict() == learned.to_dict()


def test_the_random_numbers_of_others_do_not_change(
    calibration: Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantile_network, "MAX_STEPS", 20)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    fit_quantiles(calibration, seed=0)
    assert torch.rand(1) == expected


def test_without_a_pattern_or_validation_there_is_no_network(calibration: Calibration) -> None:
    """Few validation horizons choose nothing, and neither do empty splits."""
    plain = calibration.quantiles
    assert fit_quantiles(dataclasses.replace(calibration, validation_horizons=4.0), seed=0) is plain
    empty = dataclasses.replace(
        calibration.cells["val"], features=np.zeros((0, 11), np.float32), errors=np.zeros(0, np.float32)
    )
    cells = {**calibration.cells, "val": empty}
    assert fit_quantiles(dataclasses.replace(calibration, cells=cells), seed=0) is plain


def test_a_network_that_only_knows_the_training_rows_is_not_used(calibration: Calibration) -> None:
    """Features of the validation cells say the opposite of those in training."""
    cells = calibration.cells["val"]
    mirrored = dataclasses.replace(cells, features=cells.features[::-1].copy(), errors=np.sort(cells.errors))
    train = calibration.cells["train"]
    order = np.argsort(train.features[:, 9])
    sorted_train = dataclasses.replace(
        train, features=train.features[order], errors=np.sort(np.abs(train.errors))
    )
    wrong = dataclasses.replace(calibration, cells={"train": sorted_train, "val": mirrored})
    assert fit_quantiles(wrong, seed=0).network is None


def test_a_signal_ends_the_training(calibration: Calibration) -> None:
    calls = []

    def stop() -> None:
        calls.append(0)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_quantiles(calibration, seed=0, check=stop)
    assert len(calls) == 3 < quantile_network.MAX_STEPS
