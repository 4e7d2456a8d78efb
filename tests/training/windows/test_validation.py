"""Tests of the loss of windows, and of validation losses."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_data import dataset, wave
from torch import Tensor, nn

from lstm_cli.data.build.log_transform import log_transform
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.mase_scale import MaseScale
from lstm_cli.data.dataset.windows import Batch, split_windows
from lstm_cli.training.windows import validation
from lstm_cli.training.windows.device_windows import DeviceWindows, TensorBatch

CPU = torch.device("cpu")


def _batch() -> TensorBatch:
    cells = torch.tensor([0.0, 1.0, -3.0, 100.0]).view(1, 4, 1)  # the last one is a filled value
    return TensorBatch(
        past=torch.zeros(1, 8, 1),
        future=torch.zeros(1, 4, 0),
        mask=torch.ones(1, 8),
        target=-cells,
        observed=torch.tensor([1.0, 1, 1, 0]).view(1, 4, 1),
        series=torch.zeros(1, dtype=torch.long),
    )


class Zero(nn.Module):
    """Network that forecasts 0, with a loss scale of 2: the errors are 0, 1/2 and -3/2."""

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> Tensor:
        return torch.zeros(len(past), 4, 1)

    def loss_scale(self, past: Tensor, mask: Tensor) -> Tensor:
        return torch.full_like(past[:, :1], 2.0)


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        ("mae", (0.5 + 1.5) / 3),
        ("mse", (0.25 + 2.25) / 3),
        ("huber", (0.125 + 1.0) / 3),  # e^2 / 2 within 1, |e| - 1/2 beyond
    ],
)
def test_losses_by_hand_and_filled_targets_do_not_count(kind: str, loss: float) -> None:
    assert float(_batch().loss(Zero(), kind)) == pytest.approx(loss)


def test_a_batch_without_a_measured_target_costs_nothing() -> None:
    batch = _batch()
    batch.observed.zero_()
    assert float(batch.loss(Zero(), "mae")) == 0


# Validation losses


class Repeats(Zero):
    """Network with the naive forecast."""

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> Tensor:
        return past[:, -1:, :1].expand(-1, 4, -1)


def _with_gaps() -> tuple[Dataset, DeviceWindows, Batch]:
    """Return more windows than one validation batch, with filled targets and series of different lengths."""
    series = [wave(700, seed=1), 40 + 9 * wave(80, seed=2)]
    series[0][500:520] = np.nan
    data = dataset(series, train_end=[60, 40], val_end=[690, 70], lookback=8, horizon=4)
    chosen = split_windows(data, "val")
    assert len(chosen) > chosen.batch_size
    return data, DeviceWindows.from_windows(chosen, CPU), chosen[:]


def _mase_of_naive(data: Dataset, batch: Batch) -> np.ndarray:
    """Return the error of each measured target in the file's units, divided by the series' seasonal error."""
    truth, last = (
        data.inverse_transform_targets(side, batch.series) for side in (batch.target, batch.past[:, -1:])
    )
    error = np.abs(np.repeat(last, 4, axis=1) - truth) / data.training.seasonal_error[batch.series][:, None]
    return error[batch.observed]


@pytest.mark.parametrize("logs", [False, True])
def test_the_score_is_mase_over_windows(logs: bool) -> None:
    data, on_device, batch = _with_gaps()
    expected = _mase_of_naive(data, batch).mean()
    if logs:
        data = log_transform(data)
        on_device = DeviceWindows.from_windows(split_windows(data, "val"), CPU)
    assert validation.mase_validator(on_device, MaseScale.from_dataset(data))(Repeats()) == pytest.approx(
        expected, rel=1e-4
    )


def test_a_series_without_scale_is_left_out_of_the_score() -> None:
    data, on_device, batch = _with_gaps()
    for none in (float("nan"), 0.0):
        statistics = replace(data.training, seasonal_error=np.array([[0.5], [none]]))
        score = validation.mase_validator(
            on_device, MaseScale.from_dataset(replace(data, training=statistics))
        )(Repeats())
        error = np.abs(batch.past[:, -1:] - batch.target) * data.scaler.scale[batch.series][:, None]
        counted = batch.observed & (batch.series == 0)[:, None, None]
        assert score == pytest.approx((error / 0.5)[counted].mean(), rel=1e-5)


def test_the_validation_loss_is_over_all_windows_at_once() -> None:
    _, on_device, batch = _with_gaps()
    error = (batch.past[:, -1:] - batch.target)[batch.observed]
    expected = np.square(error / 2).mean()  # its loss scale is 2
    assert validation.loss_validator(on_device, "mse")(Repeats()) == pytest.approx(expected, rel=1e-5)
