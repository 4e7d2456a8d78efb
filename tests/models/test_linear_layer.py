"""Tests of the linear forecast in torch against NumPy, and of the generator of dropout."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lstm_cli.linear.model import LinearEnsemble
from lstm_cli.models.dropout import SeededDropout, seed_dropout
from lstm_cli.training.recipes.segment_networks import linear_module


def linear(known_ahead: int, *, reach: int = 9, window: int = 6, horizon: int = 5) -> LinearEnsemble:
    """Return a map in which each part of the formula matters, with three targets."""
    random = np.random.default_rng(0)

    def some(*shape: int) -> np.ndarray:
        return random.normal(0, 0.4, shape).astype(np.float32)

    parts: dict[str, Any] = {
        "last_weights": some(reach, horizon),
        "mean_weights": some(reach, horizon),
        "bias": some(horizon),
        "deviation_bias": some(horizon),
        "share": 0.3,
        "window": window,
        "unit": np.array([0.5, 1, 3], dtype=np.float32),
        "response": some(known_ahead, 3),
        "score": 1.0,
        "members": (),
        "smoothed": (),
    }
    return LinearEnsemble(**parts)


@pytest.mark.parametrize("known_ahead", [0, 2])
@pytest.mark.parametrize(("reach", "window"), [(9, 6), (4, 12)])
def test_torch_and_numpy_agree_whatever_the_mask(known_ahead: int, reach: int, window: int) -> None:
    numpy = linear(known_ahead, reach=reach, window=window)
    random = np.random.default_rng(1)
    past = random.normal(2, 1.5, (7, 12, 4 + known_ahead)).astype(np.float32)
    past[3] = 1.25  # constant window
    future = random.normal(size=(7, 5, known_ahead)).astype(np.float32)
    mask = (np.arange(12) >= np.array([0, 0, 3, 0, 8, 11, 5])[:, None]).astype(np.float32)
    expected = numpy(past, future, mask)
    module = linear_module(numpy)
    sides = (torch.from_numpy(side) for side in (past, future, mask))
    np.testing.assert_allclose(module(*sides).numpy(), expected, atol=2e-5)
    assert not list(module.parameters())
    if known_ahead:  # known-ahead inputs are the last ones
        more = future.copy()
        more[:, 2, 1] += 1
        np.testing.assert_allclose(
            numpy(past, more, mask)[:, 2] - expected[:, 2], np.tile(numpy.response[1], (7, 1)), atol=1e-5
        )


def test_the_formula_by_hand() -> None:
    """Example with one target, K=2, H=1: last and mean of the window (4, 2, 6), whose first step is padding."""
    item = linear(0, reach=2, window=3, horizon=1)
    parts: dict[str, Any] = vars(item) | {
        "last_weights": np.array([[0.5], [0.25]], dtype=np.float32),
        "mean_weights": np.array([[1.0], [2.0]], dtype=np.float32),
        "bias": np.array([0.125], dtype=np.float32),
        "deviation_bias": np.array([0.5], dtype=np.float32),
        "share": 0.75,
        "unit": np.array([2.0], dtype=np.float32),
    }
    item = LinearEnsemble(**parts | {"response": np.zeros((0, 1), dtype=np.float32)})
    past = np.array([99.0, 2.0, 6.0], dtype=np.float32)[None, :, None]
    forecast = item(past, np.zeros((1, 1, 0), np.float32), np.array([[0, 1, 1]], dtype=np.float32))
    # mean 4, deviation sqrt(2^2 + (.1 * 2)^2): .75 * 6 + .25 * 4 + (2 - 6) / 2 + (2 - 4) + 2 (6 - 4) + unit * bias
    deviation = np.sqrt(4 + 0.04)
    expected = 4.5 + 1 + (-4 * 0.5) + (-2 * 1.0 + 2 * 2.0) + 2 * 0.125 + deviation * 0.5
    assert forecast[0, 0, 0] == pytest.approx(expected, rel=1e-6)


def test_dropout_keeps_its_share_and_scales_the_kept_values() -> None:
    layer = SeededDropout(0.25)
    ones = torch.ones(20_000)
    layer.generator = torch.Generator().manual_seed(0)
    dropped = layer(ones)
    assert dropped.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert float((dropped == 0).float().mean()) == pytest.approx(0.25, abs=0.02)
    assert layer.eval()(ones) is ones
    assert SeededDropout(0.0).train()(ones) is ones


def test_dropout_uses_only_its_own_generator() -> None:
    model = nn.Sequential(SeededDropout(0.5), SeededDropout(0.5))
    values = torch.ones(50)

    def drawn(disturb: bool) -> torch.Tensor:
        seed_dropout(model, torch.Generator().manual_seed(4))
        if disturb:
            torch.rand(17)  # random numbers of a parallel training
        return model(values)

    state = torch.get_rng_state()
    assert torch.equal(drawn(False), drawn(True))
    torch.set_rng_state(state)
    before = torch.get_rng_state()
    drawn(False)
    assert torch.equal(torch.get_rng_state(), before)
