"""Tests that content and amount of padding change nothing, for every option of the networks."""

from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lstm_cli.models.padding import last_step, left_align, reverse_steps, step_mask
from lstm_cli.models.segment_lstm import SegmentLSTM
from lstm_cli.models.stacked_lstm import StackedLSTM

LENGTH, HORIZON = 7, 3  # L, H
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
LENGTHS = st.lists(st.integers(1, LENGTH), min_size=1, max_size=4)
HEADS = ("last", "mean", "attention", "seq2seq")


@st.composite
def networks(draw: Any) -> StackedLSTM:
    """Yield a stacked LSTM for each option, with all weights moved away from their start."""
    norm = draw(st.sampled_from(["none", "batch_norm", "layer_norm"]))
    options = {
        "hidden": draw(st.sampled_from([(4,), (6, 4), (3, 5, 8)])),
        "bidirectional": draw(st.booleans()),
        "head": draw(st.sampled_from(HEADS)),
        "attention": draw(st.sampled_from([0, 1, 2])),
        "known_ahead": draw(st.sampled_from([0, 2])),
    }
    flags = {norm: True} if norm != "none" else {}
    return network(**options, **flags, seed=draw(st.integers(0, 99)))


def network(*, seed: int = 0, **options: Any) -> StackedLSTM:
    torch.manual_seed(seed)
    shape = {
        "inputs": 3,
        "targets": 2,
        "lookback": LENGTH,
        "horizon": HORIZON,
        "dropout": 0.0,
        "known_ahead": 0,
    }
    model = StackedLSTM(**shape | options)
    moved(model)
    return model.eval()


@torch.no_grad()
def moved(model: nn.Module) -> None:
    for value in model.parameters():
        value.add_(0.3 * torch.randn_like(value))
    for name, value in model.named_buffers():
        if name.endswith("running_mean"):
            value.normal_()
        elif name.endswith("running_var"):
            value.uniform_(0.5, 2)


def windows(real: list[int], known_ahead: int) -> tuple[Tensor, Tensor, Tensor]:
    past = torch.randn(len(real), LENGTH, 3)
    mask = (torch.arange(LENGTH) >= LENGTH - torch.tensor(real)[:, None]).float()
    return past, torch.randn(len(real), HORIZON, known_ahead), mask


@torch.no_grad()
@given(
    model=networks(),
    real=LENGTHS,
    more=st.integers(1, 5),
    training=st.booleans(),
    loud=st.sampled_from([-9.0, 1e4]),
)
@settings(max_examples=150)
def test_neither_content_nor_amount_matters(
    model: StackedLSTM, real: list[int], more: int, training: bool, loud: float
) -> None:
    """Training mode is included: batch statistics come from the real steps."""
    model.train(training)
    past, future, mask = windows(real, model.known_ahead)
    forecast = model(past, future, mask)
    assert forecast.shape == (len(real), HORIZON, 2)
    other = torch.where(mask[:, :, None] > 0, past, loud)
    torch.testing.assert_close(model(other, future, mask), forecast, **CLOSE)
    longer = torch.cat([torch.full((len(real), more, 3), loud), past], dim=1)
    wider = torch.cat([torch.zeros(len(real), more), mask], dim=1)
    torch.testing.assert_close(model(longer, future, wider), forecast, **CLOSE)
    model.eval()
    forecast = model(past, future, mask)
    for row, length in enumerate(real):  # other windows of the batch change nothing either
        item = slice(row, row + 1)
        alone = model(past[item, LENGTH - length :], future[item], torch.ones(1, length))
        torch.testing.assert_close(forecast[item], alone, **CLOSE)
    assert not torch.allclose(forecast, model(past + mask[:, :, None], future, mask), **CLOSE)


@torch.no_grad()
@given(real=st.lists(st.integers(1, 12), min_size=1, max_size=4), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_attention_over_segments_sees_only_the_real_ones(real: list[int], seed: int) -> None:
    torch.manual_seed(seed)
    model = SegmentLSTM(
        inputs=3,
        targets=2,
        known_ahead=0,
        lookback=12,
        horizon=5,
        segment=3,
        seasons=(3,),
        hidden=4,
        dropout=0.0,
        anchored=False,
        attention=2,
    ).eval()
    moved(model)
    past = torch.randn(len(real), 12, 3)
    mask = (torch.arange(12) >= 12 - torch.tensor(real)[:, None]).float()
    past = torch.where(
        mask[:, :, None] > 0, past, past[torch.arange(len(real)), 12 - torch.tensor(real)][:, None]
    )
    future = torch.zeros(len(real), 5, 0)
    forecast = model(past, future, mask)
    for row in range(len(real)):
        item = slice(row, row + 1)
        torch.testing.assert_close(model(past[item], future[item], mask[item]), forecast[item], **CLOSE)
    assert model.attention is not None
    model.attention.out.weight.zero_()
    model.attention.out.bias.zero_()
    assert not torch.allclose(model(past, future, mask), forecast, **CLOSE)


@torch.no_grad()
@given(real=st.lists(st.integers(1, LENGTH), min_size=1, max_size=4), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_two_layers_in_both_directions_are_a_packed_sequence(real: list[int], seed: int) -> None:
    torch.manual_seed(seed)
    model = network(hidden=(4, 4), bidirectional=True, head="mean")
    packed_layers = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)
    for number in range(2):
        for ending, layers in (("", model.layers), ("_reverse", model.backward_layers)):
            for name, weight in layers[number].named_parameters():
                getattr(packed_layers, f"{name.removesuffix('_l0')}_l{number}{ending}").copy_(weight)
    past, future, mask = windows(real, 0)
    lengths = torch.tensor(real)
    steps = left_align(past, lengths)
    packed = nn.utils.rnn.pack_padded_sequence(steps, lengths, batch_first=True, enforce_sorted=False)
    outputs, (states, _) = packed_layers(packed)
    outputs, _ = nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True, total_length=LENGTH)
    state = outputs.sum(dim=1) / lengths[:, None]
    expected = model.head(state).unflatten(1, (HORIZON, 2))
    torch.testing.assert_close(model(past, future, mask), expected, **CLOSE)
    model.head_kind = "last"
    expected = model.head(torch.cat([states[2], states[3]], dim=1)).unflatten(1, (HORIZON, 2))
    torch.testing.assert_close(model(past, future, mask), expected, **CLOSE)


@given(real=LENGTHS)
def test_rows_are_aligned_and_reversed_by_their_own_length(real: list[int]) -> None:
    lengths = torch.tensor(real)
    steps = torch.arange(float(LENGTH)).repeat(len(real), 1)[:, :, None] - (LENGTH - lengths)[:, None, None]
    first = left_align(steps, lengths)
    backward = reverse_steps(first, lengths)
    for row, length in enumerate(real):
        assert first[row, :length, 0].tolist() == list(range(length))
        assert backward[row, :length, 0].tolist() == list(range(length))[::-1]
        assert step_mask(lengths, LENGTH)[row].tolist() == [1.0] * length + [0.0] * (LENGTH - length)
    assert torch.equal(reverse_steps(backward, lengths), first)
    assert last_step(first, lengths)[:, 0].tolist() == [length - 1 for length in real]
