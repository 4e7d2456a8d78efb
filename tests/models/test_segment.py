"""The segment model: its start, its padding, its covariates."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from lstm_cli.models.build import build_model
from lstm_cli.models.segment import LINEAR_BIAS, Segment, segment_length


def segment(**changes: Any) -> Segment:
    """L=12 of which the network reads 8 in segments of 4; H=6; the linear forecast reads 10."""
    settings: dict[str, Any] = {
        "inputs": 2,
        "targets": 2,
        "known_ahead": 0,
        "lookback": 12,
        "network_lookback": 8,
        "linear_lookback": 10,
        "horizon": 6,
        "segment": 4,
        "seasons": (4, 8),
        "hidden": 8,
        "dropout": 0.0,
    }
    settings |= changes
    torch.manual_seed(0)
    model = Segment(**settings)
    # The linear part does not take numbers from the networks' generator.
    generator = torch.Generator().manual_seed(1)
    model.linear_weights.copy_(0.1 * torch.randn(model.linear_weights.shape, generator=generator))
    model.linear_bias.copy_(torch.randn(model.linear_bias.shape, generator=generator))
    model.unit.copy_(torch.arange(1.0, settings["targets"] + 1))
    return model.eval()


def trained(model: Segment) -> Segment:
    """Weights as after some steps: nothing is zero, the embeddings of covariates apart."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for layer in (model.gate, model.correct):
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
            layer.bias.copy_(torch.randn(layer.bias.shape, generator=generator))
    return model


def inputs(model: Segment, batch: int = 5, real: list[int] | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """past, future and mask with `real` steps at the end of each window; all of them by default."""
    generator = torch.Generator().manual_seed(3)
    past = 3 + torch.randn(batch, model.lookback, model.targets + model.covariates, generator=generator)
    future = torch.randn(batch, model.horizon, model.known_ahead, generator=generator)
    mask = torch.ones(batch, model.lookback)
    for row, steps in enumerate(real or []):
        mask[row, : model.lookback - steps] = 0
    return past, future, mask


def linear_forecast(model: Segment, past: Tensor, mask: Tensor) -> Tensor:
    reach = len(model.linear_weights)
    last = past[:, -1:, : model.targets]
    centred = (past[:, -reach:, : model.targets] - last) * mask[:, -reach:, None]
    forecast = torch.einsum("bkc,kh->bhc", centred, model.linear_weights)
    return last + forecast + model.linear_bias[:, None] * model.unit


@torch.no_grad()
def test_gate_and_correction_start_at_zero_and_the_embeddings_of_covariates_too() -> None:
    model = segment(inputs=4, known_ahead=1)
    for layer in (model.gate, model.correct, model.embed_covariates, model.embed_future):
        assert layer is not None
        assert not layer.weight.any()
    assert not model.correct.bias.any()
    bias = model.gate.bias.view(model.blocks, model.candidates)
    assert not bias[:, :-1].any()
    assert (bias[:, -1] == LINEAR_BIAS).all()
    assert model.layers[0].weight_ih_l0.any()


@torch.no_grad()
def test_the_first_forecast_is_mostly_the_linear_one() -> None:
    """Worked by hand: the gate's share of the linear candidate, the rest evenly on the simple forecasts."""
    model = segment()
    past, future, mask = inputs(model)
    last = past[:, -1:].expand(-1, 6, -1)
    four = past[:, -4:].repeat(1, 2, 1)[:, :6]
    eight = past[:, -8:][:, :6]
    cycle = past[:, -8:].unflatten(1, (2, 4)).mean(dim=1).repeat(1, 2, 1)[:, :6]
    linear = linear_forecast(model, past, mask)
    share = math.exp(LINEAR_BIAS) / (math.exp(LINEAR_BIAS) + 4)
    assert share > 0.8
    expected = share * linear + (1 - share) * (last + four + eight + cycle) / 4
    torch.testing.assert_close(model(past, future, mask), expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_with_the_gate_wide_open_it_is_the_linear_forecast() -> None:
    model = segment()
    model.gate.bias.view(model.blocks, model.candidates)[:, -1] = 50
    past, future, mask = inputs(model, real=[12, 10, 7, 2, 1])
    torch.testing.assert_close(
        model(past, future, mask), linear_forecast(model, past, mask), atol=1e-5, rtol=1e-5
    )


@torch.no_grad()
def test_what_stands_in_the_padding_changes_nothing() -> None:
    model = trained(segment(inputs=4, known_ahead=1))
    torch.nn.init.normal_(model.embed_covariates.weight)  # type: ignore[union-attr]
    past, future, mask = inputs(model, real=[12, 10, 7, 4, 1])
    forecast, scale = model(past, future, mask), model.loss_scale(past, mask)
    for content in (0.0, -1e4, 1e6):
        other = torch.where(mask[:, :, None] > 0, past, content)
        assert torch.equal(model(other, future, mask), forecast)
        assert torch.equal(model.loss_scale(other, mask), scale)


@torch.no_grad()
def test_how_much_padding_there_is_changes_nothing() -> None:
    short = trained(segment(inputs=4, known_ahead=1, lookback=12))
    long = trained(segment(inputs=4, known_ahead=1, lookback=20, network_lookback=16))
    assert long.candidates == short.candidates + 1  # two of season 8 fit: silence that candidate
    state = short.state_dict()
    for name in ("gate.weight", "gate.bias"):
        old = state[name].unflatten(0, (short.blocks, short.candidates))
        new = torch.full((short.blocks, 1, *old.shape[2:]), -1e4 if name == "gate.bias" else 0.0)
        state[name] = torch.cat([old[:, :-1], new, old[:, -1:]], dim=1).flatten(0, 1)
    long.load_state_dict(state)
    # The mean of the cycles of season 4 would be over four of them instead of two: silence it in both.
    for model in (short, long):
        model.gate.bias.view(model.blocks, model.candidates)[:, 3] = -1e4
    past, future, mask = inputs(short, real=[8, 7, 4, 3, 1])
    pad = torch.full_like(past[:, :8], 9e3)
    more = torch.cat([pad, past], dim=1), future, torch.cat([torch.zeros(5, 8), mask], dim=1)
    torch.testing.assert_close(long(*more), short(past, future, mask), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_covariates_change_nothing_before_the_first_step() -> None:
    plain = trained(segment())
    with_them = trained(segment(inputs=5, known_ahead=2))
    past, future, mask = inputs(with_them)
    expected = plain(past[:, :, :2], future[:, :, :0], mask)
    torch.testing.assert_close(with_them(past, future, mask), expected)
    for embedding in (with_them.embed_covariates, with_them.embed_future):
        torch.nn.init.normal_(embedding.weight)  # type: ignore[union-attr]
        assert not torch.allclose(with_them(past, future, mask), expected)
        torch.nn.init.zeros_(embedding.weight)  # type: ignore[union-attr]


@torch.no_grad()
def test_what_is_known_of_a_block_ahead_reaches_that_block_alone() -> None:
    model = trained(segment(inputs=3, known_ahead=1))
    torch.nn.init.normal_(model.embed_future.weight)  # type: ignore[union-attr]
    past, future, mask = inputs(model)
    changed = future.clone()
    changed[:, 4:] += 1  # the second block: steps 5 and 6
    one, other = model(past, future, mask), model(past, changed, mask)
    assert torch.equal(one[:, :4], other[:, :4])
    assert not torch.isclose(one[:, 4:], other[:, 4:]).any()


def test_everything_learns_after_the_first_steps() -> None:
    model = segment(inputs=3, targets=2, known_ahead=1).train()
    past, future, mask = inputs(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        model(past, future, mask).square().mean().backward()
        optimizer.step()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name


@torch.no_grad()
def test_targets_are_rows_of_one_shared_model() -> None:
    model = trained(segment())
    model.unit.fill_(1.0)
    past, future, mask = inputs(model)
    torch.testing.assert_close(model(past.flip(2), future, mask), model(past, future, mask).flip(2))


@torch.no_grad()
def test_level_and_size_of_the_values_pass_through() -> None:
    """Normalised by its own window: in other units the forecast is the same in those units."""
    model = trained(segment())
    past, future, mask = inputs(model)
    expected = 1000 + 50 * model(past, future, mask)
    model.unit.mul_(50)
    torch.testing.assert_close(model(1000 + 50 * past, future, mask), expected, atol=0.05, rtol=1e-4)


@torch.no_grad()
def test_a_constant_window_is_forecast_finitely() -> None:
    model = trained(segment())
    past, future, mask = inputs(model)
    forecast = model(torch.full_like(past, 7.0), future, mask)
    assert torch.isfinite(forecast).all()
    assert (model.loss_scale(torch.full_like(past, 7.0), mask) > 0).all()


@torch.no_grad()
def test_the_loss_scale_is_the_deviation_of_what_the_network_reads() -> None:
    model = segment()
    past, _, mask = inputs(model, real=[12, 10, 8, 6, 3])
    scale = model.loss_scale(past, mask)
    assert scale.shape == (5, 1, 2)
    for row, steps in enumerate([8, 8, 8, 6, 3]):
        deviation = past[row, -steps:].std(dim=0, correction=0)
        torch.testing.assert_close(scale[row, 0], deviation, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("horizon", "size", "seasons"), [(1, 4, ()), (4, 4, (4,)), (9, 8, (8,)), (3, 1, (4, 100)), (6, 2, ())]
)
@torch.no_grad()
def test_any_horizon_and_segment(horizon: int, size: int, seasons: tuple[int, ...]) -> None:
    model = trained(segment(horizon=horizon, segment=size, seasons=seasons, inputs=3, known_ahead=1))
    past, future, mask = inputs(model)
    assert model(past, future, mask).shape == (5, horizon, 2)
    assert 100 not in model.seasons  # longer than what it reads


@torch.no_grad()
def test_it_is_built_from_json() -> None:
    model = build_model("segment", {**_SETTINGS, "seasons": [4, 8]})
    assert isinstance(model, Segment)
    assert model.seasons == (4, 8)


_SETTINGS: dict[str, Any] = {
    "inputs": 1,
    "targets": 1,
    "known_ahead": 0,
    "lookback": 8,
    "network_lookback": 8,
    "linear_lookback": 8,
    "horizon": 4,
    "segment": 4,
    "hidden": 4,
    "dropout": 0.0,
}


@pytest.mark.parametrize(
    ("season", "lookback", "length"),
    [
        (24, 336, 24),
        (7, 56, 7),
        (12, 9, 9),  # a lookback shorter than the season
        (52, 104, 13),  # weekly
        (168, 336, 12),
        (52, 5, 4),  # 13 would leave no whole segment
        (52, 3, 1),
        (53, 106, 1),  # a prime: no divisor
        (1, 16, 4),
        (1, 15, 3),  # 3 and 5 are equally near 4
        (1, 13, 1),
    ],
)
def test_the_length_of_a_segment(season: int, lookback: int, length: int) -> None:
    assert segment_length(season=season, lookback=lookback) == length
    assert lookback // length >= 1
