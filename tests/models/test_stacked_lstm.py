"""Tests of the stacked LSTM: its sizes and its padding."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lstm_cli.models.padding import run_unpadded
from lstm_cli.models.registry import build_model
from lstm_cli.models.stacked_lstm import StackedLSTM


def stacked(**changes: Any) -> StackedLSTM:
    settings: dict[str, Any] = {
        "inputs": 3,
        "targets": 2,
        "known_ahead": 0,
        "lookback": 7,
        "horizon": 4,
        "hidden": (6, 5),
        "dropout": 0.0,
    }
    torch.manual_seed(0)
    return StackedLSTM(**settings | changes).eval()


def inputs(known_ahead: int = 0, real: tuple[int, ...] = (7, 7, 7)) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    past = torch.randn(len(real), 7, 3, generator=generator)
    future = torch.randn(len(real), 4, known_ahead, generator=generator)
    mask = (torch.arange(7) >= 7 - torch.tensor(real)[:, None]).float()
    return past, future, mask


@torch.no_grad()
def test_stacked_lstm_is_lstm_layers_and_a_linear_layer_over_the_last_state() -> None:
    model = stacked()
    past, future, mask = inputs()
    assert [(layer.input_size, layer.hidden_size) for layer in model.layers] == [(3, 6), (6, 5)]
    state = past
    for layer in model.layers:
        state, _ = layer(state)
    expected = model.head(state[:, -1]).unflatten(1, (4, 2))
    torch.testing.assert_close(model(past, future, mask), expected)


@torch.no_grad()
def test_content_and_amount_of_padding_change_nothing() -> None:
    model = stacked()
    past, future, mask = inputs(real=(7, 4, 1))
    forecast = model(past, future, mask)
    other = torch.where(mask[:, :, None] > 0, past, 1e6)
    assert torch.equal(model(other, future, mask), forecast)
    longer = torch.cat([torch.full((3, 5, 3), -8.0), past], dim=1)
    more = torch.cat([torch.zeros(3, 5), mask], dim=1)
    torch.testing.assert_close(model(longer, future, more), forecast)
    # A window of four real steps has the forecast of these steps without padding.
    alone = model(past[1:2, 3:], future[1:2], torch.ones(1, 4))
    torch.testing.assert_close(forecast[1:2], alone)


@torch.no_grad()
def test_run_unpadded_is_a_packed_sequence() -> None:
    torch.manual_seed(0)
    layer = nn.LSTM(3, 4, batch_first=True)
    lengths = torch.tensor([6, 1, 4, 3])
    steps = torch.randn(4, 6, 3)
    turned = nn.utils.rnn.pad_sequence(
        [steps[row, 6 - length :] for row, length in enumerate(lengths)], batch_first=True
    )
    packed = nn.utils.rnn.pack_padded_sequence(turned, lengths, batch_first=True, enforce_sorted=False)
    _, (last, _) = layer(packed)
    result = run_unpadded(nn.ModuleList([layer]), nn.Identity(), steps, lengths)
    torch.testing.assert_close(result, last[0])


@torch.no_grad()
def test_known_ahead_inputs_change_nothing_before_the_first_step() -> None:
    model = stacked(known_ahead=2)
    assert model.ahead is not None
    assert not model.ahead.weight.any()
    past, future, mask = inputs(known_ahead=2)
    expected = stacked()(past, future[:, :, :0], mask)
    torch.testing.assert_close(model(past, future, mask), expected)
    nn.init.normal_(model.ahead.weight)
    assert not torch.allclose(model(past, future, mask), expected)


def test_dropout_acts_only_in_training() -> None:
    model = stacked(dropout=0.5)
    past, future, mask = inputs()
    assert torch.equal(model(past, future, mask), model(past, future, mask))
    model.train()
    assert not torch.equal(model(past, future, mask), model(past, future, mask))
    model.layers[1] = nn.LSTM(6, 5, batch_first=True)
    seen: list[Tensor] = []
    model.dropout.register_forward_hook(lambda module, args, output: seen.append(output))
    model(past, future, mask)
    assert [output.shape[-1] for output in seen] == [6, 5]


@pytest.mark.parametrize("hidden", [(4,), (6, 5), (3, 3, 3)])
def test_the_loss_is_in_scaled_units(hidden: tuple[int, ...]) -> None:
    model = stacked(hidden=hidden)
    past, _, mask = inputs()
    assert torch.equal(model.loss_scale(past, mask), torch.ones(3, 1, 2))
    assert len(model.layers) == len(hidden)


def test_stacked_lstm_is_built_from_json() -> None:
    model = build_model(
        "stacked",
        {
            "inputs": 1,
            "targets": 1,
            "known_ahead": 0,
            "lookback": 4,
            "horizon": 2,
            "hidden": [3, 2],
            "dropout": 0.1,
        },
    )
    assert isinstance(model, StackedLSTM)
    assert len(model.layers) == 2
