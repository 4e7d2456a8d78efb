"""Tests that a training step never reads a number from the device, because on a GPU that waits for all earlier work.

The meta device has no numbers, so reading one, or a shape that depends on one, is an error there.
"""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from small_data import dataset, plan, wave
from test_fit import segment, stacked
from torch import Tensor, nn

from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.models.dropout import SeededDropout
from lstm_cli.training.loop import optimizer_step as steps
from lstm_cli.training.loop.ema import ExponentialMovingAverage
from lstm_cli.training.setup.hyperparameters import Hyperparameters
from lstm_cli.training.windows.device_windows import DeviceWindows

META = torch.device("meta")
SETTINGS = plan(clip_norm=1.0, clip_value=0.5, max_norm=1.0)


def take_step(model: nn.Module) -> Tensor:
    """Run a step as `fit` does, without dropout, because the meta device has no random generator."""
    for module in model.modules():
        if isinstance(module, SeededDropout):
            module.share = 0.0
    model.to(META)
    optimizer, average = steps.make_optimizer(model, SETTINGS), ExponentialMovingAverage(model)
    data = dataset([wave(90), wave(70)], train_end=[50, 40], val_end=[70, 55], lookback=8, horizon=4)
    windows = DeviceWindows.from_windows(split_windows(data, "train"), META)
    steps.set_learning_rate(optimizer, 1e-3)
    average.set_step(7)
    batch = windows.gather(torch.zeros(4, dtype=torch.long, device=META))
    result = steps.backward(model, batch, SETTINGS)
    steps.apply_gradients(model, optimizer, SETTINGS)
    average.update(model)
    return result


@pytest.fixture(autouse=True)
def no_autocast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable autocast, which the meta device does not support."""
    monkeypatch.setattr(torch, "autocast", lambda *given, **named: nullcontext())


@pytest.mark.parametrize("make", [stacked, segment])
def test_a_step_does_not_read_from_the_device(make: Callable[[], nn.Module]) -> None:
    model = make()
    assert take_step(model).device == META
    assert all(weight.grad is not None for weight in model.parameters() if weight.requires_grad)


@pytest.mark.parametrize(
    "read",
    [
        lambda result: result.tolist(),
        lambda result: float(result[0]),
        lambda result: result.cpu(),
        lambda result: result.numpy(),
        lambda result: result[result > 0],
        lambda result: result.unique(),
        lambda result: torch.allclose(result, result),
        lambda result: bool(result.isfinite().all()),
    ],
)
def test_a_read_is_seen(read: Callable[[Tensor], object], monkeypatch: pytest.MonkeyPatch) -> None:
    kept = steps.clip_gradient

    def clipped(model: nn.Module, settings: Hyperparameters, loss: Tensor) -> Tensor:
        result = kept(model, settings, loss)
        read(result)
        return result

    monkeypatch.setattr(steps, "clip_gradient", clipped)
    with pytest.raises((RuntimeError, NotImplementedError, TypeError)):
        take_step(stacked())
