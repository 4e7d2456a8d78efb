"""Tests of the weighted sum of the parts of the default model."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lstm_cli.evaluation.baselines import naive, seasonal_naive
from lstm_cli.models.mixture import Mixture
from lstm_cli.models.registry import build_model

SETTINGS: dict[str, Any] = {
    "inputs": 3,
    "targets": 2,
    "known_ahead": 1,
    "lookback": 12,
    "horizon": 6,
    "parts": ["linear", "anchored", "free", "simple"],
    "linear_reach": 10,
    "linear_window": 8,
    "linear_share": 0.4,
    "linear_response": 1,
    "anchored_lookback": 8,
    "free_lookback": 12,
    "networks": 1,
    "segment": 4,
    "seasons": [4],
    "hidden": 4,
    "dropout": 0.1,
    "simple_season": 4,
}


def combined(**changes: Any) -> Mixture:
    """Return a mixture without zeros, so that each part has a different forecast."""
    torch.manual_seed(0)
    model = build_model("segment", SETTINGS | changes)
    assert isinstance(model, Mixture)
    with torch.no_grad():
        for value in (*model.parameters(), *(value for value in model.linear.buffers())):
            value.add_(0.2 * torch.randn_like(value))
        model.weights.copy_(torch.rand(model.weights.shape))
    return model.eval()


def inputs(real: tuple[int, ...] = (12, 9, 4, 3)) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    mask = (torch.arange(12) >= 12 - torch.tensor(real)[:, None]).float()
    return (
        torch.randn(len(real), 12, 3, generator=generator),
        torch.randn(len(real), 6, 1, generator=generator),
        mask,
    )


@torch.no_grad()
def test_the_forecast_is_the_weighted_sum_of_its_parts_step_by_step() -> None:
    model = combined()
    sides = inputs()
    linear = model.linear(*sides)
    each = {
        "linear": linear,
        "anchored": model.anchored[0](*sides, linear),
        "free": model.free[0](*sides),
        "simple": torch.from_numpy(
            seasonal_naive(sides[0].numpy(), sides[2].numpy(), horizon=6, targets=2, season=4)
        ),
    }
    expected = torch.zeros(4, 6, 2)
    for place, name in enumerate(model.parts):
        for step in range(6):
            expected[:, step] += model.weights[step, place] * each[name][:, step]
    torch.testing.assert_close(model(*sides), expected, atol=1e-5, rtol=1e-5)
    stacked = model.part_forecasts(*sides)
    for place, name in enumerate(model.parts):
        torch.testing.assert_close(stacked[..., place], each[name])


@torch.no_grad()
def test_the_simple_part_of_season_1_is_the_last_value() -> None:
    model = combined(parts=["simple"], simple_season=1)
    past, future, mask = inputs()
    np.testing.assert_array_equal(
        model.part_forecasts(past, future, mask)[..., 0].numpy(), naive(past.numpy(), 6, 2)
    )


@torch.no_grad()
def test_networks_that_differ_in_their_seed_are_averaged() -> None:
    model = combined(networks=3, parts=["anchored", "free"])
    sides = inputs()
    linear = model.linear(*sides)
    anchored = torch.stack([network(*sides, linear) for network in model.anchored])
    free = torch.stack([network(*sides) for network in model.free])
    assert anchored.std(dim=0).min() > 0
    torch.testing.assert_close(model.part_forecasts(*sides)[..., 0], anchored.mean(dim=0))
    torch.testing.assert_close(model.part_forecasts(*sides)[..., 1], free.mean(dim=0))


@pytest.mark.parametrize("parts", [["linear"], ["free"], ["linear", "anchored"]])
@torch.no_grad()
def test_a_part_that_is_left_out_has_no_weights(parts: list[str]) -> None:
    model = combined(parts=parts)
    held = {name.split(".")[0] for name, _ in model.named_parameters()}
    assert held == set(parts) - {"linear"}
    assert model(*inputs()).shape == (4, 6, 2)
    fresh = build_model("segment", SETTINGS | {"parts": parts})
    assert isinstance(fresh, Mixture)
    torch.testing.assert_close(fresh.weights, torch.full((6, len(parts)), 1 / len(parts)))


@torch.no_grad()
def test_padding_content_does_not_change_the_forecast() -> None:
    model = combined()
    past, future, mask = inputs()
    loud = torch.where(mask[:, :, None] > 0, past, 1e4)
    torch.testing.assert_close(
        model.part_forecasts(loud, future, mask),
        model.part_forecasts(past, future, mask),
        atol=1e-4,
        rtol=1e-5,
    )
