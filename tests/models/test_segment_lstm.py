"""Tests of the network over segments, anchored and free: its start, padding and covariates."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lstm_cli.models.linear_layer import LinearForecast
from lstm_cli.models.segment_lstm import LINEAR_BIAS, AnchoredNetwork, SegmentLSTM, segment_length


def network(**changes: Any) -> SegmentLSTM:
    """Return a network with L=8 in segments of 4, H=6 and two targets."""
    settings: dict[str, Any] = {
        "inputs": 2,
        "targets": 2,
        "known_ahead": 0,
        "lookback": 8,
        "horizon": 6,
        "segment": 4,
        "seasons": (4, 8),
        "hidden": 8,
        "dropout": 0.0,
        "anchored": True,
    }
    settings |= changes
    torch.manual_seed(0)
    model = SegmentLSTM(**settings)
    model.unit.copy_(torch.arange(1.0, settings["targets"] + 1))
    return model.eval()


def anchored(**changes: Any) -> AnchoredNetwork:
    """Return a network with a linear forecast that reads 10 steps and uses known-ahead inputs if there are any."""
    model = network(**changes)
    known = changes.get("known_ahead", 0)
    linear = LinearForecast(
        targets=model.targets, horizon=model.horizon, reach=10, window=7, share=0.6, response=known
    )
    # The linear part does not use the networks' generator.
    generator = torch.Generator().manual_seed(1)
    for value in (
        linear.last_weights,
        linear.mean_weights,
        linear.bias,
        linear.deviation_bias,
        linear.response,
    ):
        value.copy_(0.1 * torch.randn(value.shape, generator=generator))
    linear.unit.copy_(model.unit)
    return AnchoredNetwork(linear, model).eval()


def trained(model: nn.Module) -> Any:
    """Set weights as after some steps: nothing is zero, except the embeddings of covariates."""
    generator = torch.Generator().manual_seed(2)
    own = model.network if isinstance(model, AnchoredNetwork) else model
    assert isinstance(own, SegmentLSTM)
    with torch.no_grad():
        for layer in (own.gate, own.correct):
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
            layer.bias.copy_(torch.randn(layer.bias.shape, generator=generator))
    return model


def inputs(
    model: SegmentLSTM, batch: int = 5, real: list[int] | None = None, lookback: int = 12
) -> tuple[Tensor, Tensor, Tensor]:
    """Return past, future and mask with `real` steps at the end of each window; all of them by default."""
    generator = torch.Generator().manual_seed(3)
    past = 3 + torch.randn(batch, lookback, model.targets + model.covariates, generator=generator)
    future = torch.randn(batch, model.horizon, model.known_ahead, generator=generator)
    mask = torch.ones(batch, lookback)
    for row, steps in enumerate(real or []):
        mask[row, : lookback - steps] = 0
    return past, future, mask


@torch.no_grad()
def test_an_anchored_network_starts_at_zero_and_the_embeddings_of_covariates_do_in_any() -> None:
    model = network(inputs=4, known_ahead=1)
    free = network(inputs=4, known_ahead=1, anchored=False)
    for layer in (model.gate, model.correct, model.embed_covariates, model.embed_future):
        assert layer is not None
        assert not layer.weight.any()
    assert not model.correct.bias.any()
    bias = model.gate.bias.view(model.blocks, model.candidates)
    assert not bias[:, :-1].any()
    assert (bias[:, -1] == LINEAR_BIAS).all()
    assert model.layers[0].weight_ih_l0.any()
    assert free.candidates == model.candidates - 1
    for layer in (free.embed_covariates, free.embed_future):
        assert layer is not None
        assert not layer.weight.any()
    assert free.gate.weight.all()
    assert free.correct.weight.all()


@torch.no_grad()
@torch.no_grad()
def test_attention_over_segments_starts_at_zero_and_keeps_the_other_initial_weights() -> None:
    plain, attentive = network(anchored=False), network(anchored=False, attention=2)
    own, other = plain.state_dict(), attentive.state_dict()
    assert {name for name in other if name not in own} == {
        f"attention.{layer}.{kind}" for layer in ("project", "out") for kind in ("weight", "bias")
    }
    assert all(torch.equal(value, other[name]) for name, value in own.items())
    past, future, mask = inputs(plain, real=[8, 5, 1])
    assert torch.equal(plain(past, future, mask), attentive(past, future, mask))
    assert attentive.attention is not None
    nn.init.normal_(attentive.attention.out.weight)
    assert not torch.allclose(plain(past, future, mask), attentive(past, future, mask))


def test_the_first_forecast_of_an_anchored_network_is_mostly_the_linear_one() -> None:
    """Computed by hand: the gate's share of the linear candidate, and equal shares of the baselines."""
    model = anchored()
    past, future, mask = inputs(model.network)
    last = past[:, -1:].expand(-1, 6, -1)
    four = past[:, -4:].repeat(1, 2, 1)[:, :6]
    eight = past[:, -8:][:, :6]
    cycle = past[:, -8:].unflatten(1, (2, 4)).mean(dim=1).repeat(1, 2, 1)[:, :6]
    linear = model.linear(past, future, mask)
    share = math.exp(LINEAR_BIAS) / (math.exp(LINEAR_BIAS) + 4)
    assert share > 0.8
    expected = share * linear + (1 - share) * (last + four + eight + cycle) / 4
    torch.testing.assert_close(model(past, future, mask), expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_with_the_gate_wide_open_it_is_the_linear_forecast() -> None:
    model = anchored()
    model.network.gate.bias.view(model.network.blocks, -1)[:, -1] = 50
    past, future, mask = inputs(model.network, real=[12, 10, 7, 2, 1])
    expected = model.linear(past, future, mask)
    torch.testing.assert_close(model(past, future, mask), expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_free_network_does_not_use_the_linear_forecast() -> None:
    """Its forecast is the sum of the gated simple forecasts and a correction."""
    model = trained(network(anchored=False))
    past, future, mask = inputs(model)
    forecast = model(past, future, mask)
    longer = torch.cat([torch.full((5, 9, 2), 1e6), past[:, -8:]], dim=1)  # it reads its own lookback
    torch.testing.assert_close(model(longer, future, torch.ones(5, 17)), forecast, atol=1e-5, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("make", [anchored, lambda **options: network(anchored=False, **options)])
def test_padding_content_does_not_change_the_forecast(make: Any) -> None:
    model = trained(make(inputs=4, known_ahead=1))
    own = model.network if isinstance(model, AnchoredNetwork) else model
    nn.init.normal_(own.embed_covariates.weight)
    past, future, mask = inputs(own, real=[12, 10, 7, 4, 1])
    forecast, scale = model(past, future, mask), model.loss_scale(past, mask)
    for content in (0.0, -1e4, 1e6):
        other = torch.where(mask[:, :, None] > 0, past, content)
        torch.testing.assert_close(model(other, future, mask), forecast, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(model.loss_scale(other, mask), scale)


@torch.no_grad()
def test_the_amount_of_padding_changes_nothing() -> None:
    short = trained(network(inputs=4, known_ahead=1, anchored=False))
    long = trained(network(inputs=4, known_ahead=1, anchored=False, lookback=16))
    assert long.candidates == short.candidates + 1  # two cycles of season 8 fit, so mask that candidate
    state = short.state_dict()
    for name in ("gate.weight", "gate.bias"):
        old = state[name].unflatten(0, (short.blocks, short.candidates))
        new = torch.full((short.blocks, 1, *old.shape[2:]), -1e4 if name == "gate.bias" else 0.0)
        state[name] = torch.cat([old, new], dim=1).flatten(0, 1)
    long.load_state_dict(state)
    # Mask the mean of the cycles of season 4 in both, because it covers four cycles instead of two.
    for model in (short, long):
        model.gate.bias.view(model.blocks, model.candidates)[:, 3] = -1e4
    past, future, mask = inputs(short, real=[8, 7, 4, 3, 1])
    pad = torch.full_like(past[:, :8], 9e3)
    more = torch.cat([pad, past], dim=1), future, torch.cat([torch.zeros(5, 8), mask], dim=1)
    torch.testing.assert_close(long(*more), short(past, future, mask), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_covariates_change_nothing_before_the_first_step() -> None:
    plain = trained(network(anchored=False))
    with_them = trained(network(inputs=5, known_ahead=2, anchored=False))
    past, future, mask = inputs(with_them)
    for model in (plain, with_them):  # torch's random numbers depend on the shapes
        model.load_state_dict(
            {
                **model.state_dict(),
                **{
                    name: value
                    for name, value in plain.state_dict().items()
                    if not name.startswith(("read", "embed_"))
                },
            }
        )
    expected = plain(past[:, :, :2], future[:, :, :0], mask)
    torch.testing.assert_close(with_them(past, future, mask), expected)
    for embedding in (with_them.embed_covariates, with_them.embed_future):
        nn.init.normal_(embedding.weight)
        assert not torch.allclose(with_them(past, future, mask), expected)
        nn.init.zeros_(embedding.weight)


@torch.no_grad()
def test_known_ahead_inputs_of_a_block_reach_only_that_block() -> None:
    model = trained(network(inputs=3, known_ahead=1, anchored=False))
    nn.init.normal_(model.embed_future.weight)
    past, future, mask = inputs(model)
    changed = future.clone()
    changed[:, 4:] += 1  # the second block: steps 5 and 6
    item, other = model(past, future, mask), model(past, changed, mask)
    assert torch.equal(item[:, :4], other[:, :4])
    assert not torch.isclose(item[:, 4:], other[:, 4:]).all(dim=(1, 2)).any()


@pytest.mark.parametrize("make", [anchored, lambda **options: network(anchored=False, **options)])
def test_everything_learns_after_the_first_steps_and_the_linear_forecast_stays(make: Any) -> None:
    model = make(inputs=3, targets=2, known_ahead=1).train()
    own = model.network if isinstance(model, AnchoredNetwork) else model
    past, future, mask = inputs(own)
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        model(past, future, mask).square().mean().backward()
        optimizer.step()
    for name, weight in model.named_parameters():
        assert not name.startswith("linear.")
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name
    assert all(torch.equal(value, buffers[name]) for name, value in model.named_buffers())


@torch.no_grad()
def test_targets_are_rows_of_one_shared_model() -> None:
    model = trained(network(anchored=False))
    model.unit.fill_(1.0)
    past, future, mask = inputs(model)
    torch.testing.assert_close(model(past.flip(2), future, mask), model(past, future, mask).flip(2))


@torch.no_grad()
def test_level_and_size_of_the_values_pass_through() -> None:
    """Each window is normalized by itself, so the forecast scales with the units."""
    model = trained(anchored())
    past, future, mask = inputs(model.network)
    expected = 1000 + 50 * model(past, future, mask)
    for unit in (model.network.unit, model.linear.unit):
        unit.mul_(50)
    torch.testing.assert_close(model(1000 + 50 * past, future, mask), expected, atol=0.05, rtol=1e-4)


@torch.no_grad()
def test_a_constant_window_has_a_finite_forecast() -> None:
    model = trained(anchored())
    past, future, mask = inputs(model.network)
    forecast = model(torch.full_like(past, 7.0), future, mask)
    assert torch.isfinite(forecast).all()
    assert (model.loss_scale(torch.full_like(past, 7.0), mask) > 0).all()


@torch.no_grad()
def test_the_loss_scale_is_the_deviation_of_the_lookback() -> None:
    model = anchored()
    past, _, mask = inputs(model.network, real=[12, 10, 8, 6, 3])
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
    model = trained(anchored(horizon=horizon, segment=size, seasons=seasons, inputs=3, known_ahead=1))
    past, future, mask = inputs(model.network)
    assert model(past, future, mask).shape == (5, horizon, 2)
    assert 100 not in model.network.seasons  # longer than its lookback


@torch.no_grad()
def test_a_far_season_is_only_a_candidate() -> None:
    model = trained(network(anchored=False, far_seasons=(20,)))
    gate = model.gate.bias.view(model.blocks, model.candidates)
    assert (
        model.candidates == 1 + 2 + 1 + 1
    )  # the last value, seasons 4 and 8, the mean of season 4, the far one
    past, future, mask = (torch.randn(3, 24, 2), torch.zeros(3, 6, 0), torch.ones(3, 24))
    other = past.clone()
    other[:, :4] += 5  # before the far season
    other[:, 10:16] += 5  # in it, after the steps that a horizon of 6 takes, before the lookback
    assert torch.equal(model(other, future, mask), model(past, future, mask))
    other[:, 4:10] += 5
    assert not torch.allclose(model(other, future, mask), model(past, future, mask))
    # All weight on the far season, no correction: the values of 20 steps before.
    for layer in (model.gate, model.correct):
        layer.weight.zero_()
        layer.bias.zero_()
    gate[:, -1] = 100
    assert torch.allclose(model(past, future, mask), past[:, 4:10], atol=1e-5)
    mask[1, :5] = 0  # a window that holds less than the season has the last value
    result = model(past, future, mask)
    assert torch.allclose(result[1], past[1, -1:].expand(6, 2), atol=1e-5)
    assert torch.allclose(result[0], past[0, 4:10], atol=1e-5)


@pytest.mark.parametrize(
    ("season", "lookback", "length"),
    [
        (24, 336, 24),
        (7, 56, 7),
        (12, 9, 9),  # a lookback shorter than the season
        (52, 104, 13),  # weekly
        (168, 336, 12),
        (96, 1344, 48),  # 15 minutes: 13 would make 103 segments, 48 make 28
        (144, 2016, 72),  # 10 minutes
        (288, 2016, 72),  # 5 minutes
        (1440, 1440, 60),  # minutes: at least 1440 / 28 = 51.4, the next divisor is 60
        (24, 2400, 24),  # a season of 4 to 48 steps is the segment
        (1, 2000, 80),  # no season: at least 2000 / 28 = 71.4, the next divisor is 80
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
