"""Tests of the initial weights."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lstm_cli.models.initialization import INPUT_WEIGHTS, init_forget_gate_bias, initialize_weights
from lstm_cli.models.stacked_lstm import StackedLSTM


def stacked(**changes: Any) -> StackedLSTM:
    torch.manual_seed(0)
    shape: dict[str, Any] = {"inputs": 5, "targets": 2, "known_ahead": 1, "lookback": 6, "horizon": 3}
    return StackedLSTM(**shape | {"hidden": (64, 32), "dropout": 0.0} | changes)


def lstms(model: nn.Module) -> Iterator[nn.LSTM]:
    return (module for module in model.modules() if isinstance(module, nn.LSTM))


def gates(weight: Tensor) -> tuple[Tensor, ...]:
    return weight.detach().chunk(4)


@pytest.mark.parametrize("kind", INPUT_WEIGHTS)
@pytest.mark.parametrize(
    "options", [{}, {"bidirectional": True, "attention": 4}, {"head": "seq2seq"}], ids=str
)
def test_recurrent_weights_are_orthogonal_for_every_kind(kind: str, options: dict[str, Any]) -> None:
    model = stacked(**options)
    initialize_weights(model, kind)
    for lstm in lstms(model):
        for gate in gates(lstm.weight_hh_l0):
            torch.testing.assert_close(gate @ gate.T, torch.eye(len(gate)), atol=1e-5, rtol=0)
        assert not lstm.bias_ih_l0.any()
        assert not lstm.bias_hh_l0.any()
    assert not model.head.bias.any()
    for joins_at_zero in (model.ahead, model.attention.out if model.attention else None):
        assert joins_at_zero is None or not joins_at_zero.weight.any()


def test_input_weights_have_the_variance_of_their_kind() -> None:
    """Variance for a gate [64, 32]: xavier 2 / (fan in + fan out), he 2 / fan in; orthogonal columns."""
    model = stacked(hidden=(32, 64))
    for kind, variance in (("xavier", 2 / 96), ("he", 2 / 32)):
        initialize_weights(model, kind)
        for gate in gates(model.layers[1].weight_ih_l0):  # type: ignore[arg-type]
            assert float(gate.var()) == pytest.approx(variance, rel=0.15)
    initialize_weights(model, "orthogonal")
    for gate in gates(model.layers[1].weight_ih_l0):  # type: ignore[arg-type]
        torch.testing.assert_close(gate.T @ gate, torch.eye(32), atol=1e-5, rtol=0)


def test_the_same_seed_draws_the_same_weights() -> None:
    item, other = stacked(), stacked()
    for model in (item, other):
        torch.manual_seed(4)
        initialize_weights(model, "xavier")
    assert all(
        torch.equal(ours, theirs) for ours, theirs in zip(item.parameters(), other.parameters(), strict=True)
    )


@pytest.mark.parametrize("kind", [None, "orthogonal"])
def test_only_the_bias_of_the_forget_gate_changes(kind: str | None) -> None:
    model, plain = stacked(bidirectional=True), stacked(bidirectional=True)
    for item in (model, plain):
        if kind is not None:
            torch.manual_seed(1)
            initialize_weights(item, kind)
    init_forget_gate_bias(model)
    for lstm, before in zip(lstms(model), lstms(plain), strict=True):
        total = (lstm.bias_ih_l0 + lstm.bias_hh_l0).detach()
        expected = (before.bias_ih_l0 + before.bias_hh_l0).detach()
        for number, (ours, theirs) in enumerate(zip(gates(total), gates(expected), strict=True)):
            torch.testing.assert_close(ours, torch.ones_like(theirs) if number == 1 else theirs)
        torch.testing.assert_close(lstm.weight_ih_l0, before.weight_ih_l0)


@torch.no_grad()
def test_the_second_gate_is_the_one_that_forgets() -> None:
    """With its bias at +-50 and all else at 0, a cell keeps its state or loses it."""
    lstm = nn.LSTM(1, 3, batch_first=True)
    for weight in lstm.parameters():
        weight.zero_()
    state = torch.zeros(1, 1, 3), torch.full((1, 1, 3), 0.8)
    for bias, kept in ((50.0, 0.8), (-50.0, 0.0)):
        lstm.bias_ih_l0[3:6] = bias
        _, (_, cell) = lstm(torch.zeros(1, 4, 1), state)
        torch.testing.assert_close(cell, torch.full_like(cell, kept))
