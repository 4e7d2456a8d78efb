"""Tests of a text as examples of `fit`: lanes, pieces, the carried state, and the validation loss."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from lstm_cli.errors import Interrupted
from lstm_cli.models.language_model import LanguageModel
from lstm_cli.training.text.device_text import DeviceText, in_lanes, loss_validator

CPU = torch.device("cpu")


def small_model() -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel(vocabulary=7, hidden=(6, 5), dropout=0).eval()


def examples_of(lanes: np.ndarray, *, piece: int, steps_per_epoch: int) -> DeviceText:
    return DeviceText(lanes=torch.from_numpy(lanes), piece=piece, steps_per_epoch=steps_per_epoch)


def test_lanes_follow_each_other() -> None:
    assert in_lanes(np.arange(12), 2).tolist() == [[0, 1, 2, 3, 4, 5], [5, 6, 7, 8, 9, 10]]
    assert in_lanes(np.arange(11), 2).tolist() == [[0, 1, 2, 3, 4, 5], [5, 6, 7, 8, 9, 10]]


def test_pieces_follow_each_other_and_the_last_one_is_shorter() -> None:
    examples = examples_of(in_lanes(np.arange(12), 2), piece=2, steps_per_epoch=9)
    order = examples.order(2, torch.Generator())
    batches = [examples.gather(next(order)) for _ in range(4)]
    assert [batch.tokens.tolist() for batch in batches] == [
        [[0, 1], [5, 6]],
        [[2, 3], [7, 8]],
        [[4], [9]],
        [[0, 1], [5, 6]],
    ]
    assert batches[2].following.tolist() == [[5], [10]]
    assert (examples.pieces, len(examples)) == (3, 10)
    assert float(examples.measured(torch.tensor([4, 5]))) == 2


def test_the_state_is_carried_over() -> None:
    """Each piece has the loss of its part of the whole lanes, until the next pass or validation."""
    tokens = np.random.default_rng(0).integers(7, size=61)
    lanes = in_lanes(tokens, 3)
    model = small_model()
    whole = torch.from_numpy(lanes)
    examples = examples_of(lanes, piece=5, steps_per_epoch=100)
    order = itertools.islice(examples.order(3, torch.Generator()), 5)
    losses = [examples.gather(indices).loss(model, "").item() for indices in order]
    scores, _ = model(whole[:, :-1], model.new_state(3))
    costs = nn.functional.cross_entropy(scores.transpose(1, 2), whole[:, 1:], reduction="none")
    expected = costs.mean(dim=0).reshape(4, 5).mean(dim=1)
    np.testing.assert_allclose(losses[:4], expected.detach(), rtol=1e-5)
    assert losses[4] == pytest.approx(losses[0], rel=1e-6)  # a new pass begins without a state


def test_the_state_is_reset_after_a_validation() -> None:
    lanes = in_lanes(np.random.default_rng(0).integers(7, size=61), 3)
    model = small_model()
    examples = examples_of(lanes, piece=5, steps_per_epoch=2)
    steps = list(itertools.islice(examples.order(3, torch.Generator()), 3))
    for indices in steps[:2]:
        examples.gather(indices).loss(model, "")
    third = examples.gather(steps[2]).loss(model, "").item()
    fresh = examples_of(lanes, piece=5, steps_per_epoch=2)  # as after a resume
    assert fresh.gather(steps[2]).loss(model, "").item() == third


def test_no_gradient_flows_into_an_earlier_piece() -> None:
    lanes = in_lanes(np.random.default_rng(0).integers(7, size=61), 3)
    model = small_model()
    examples = examples_of(lanes, piece=5, steps_per_epoch=9)
    steps = list(itertools.islice(examples.order(3, torch.Generator()), 2))
    examples.gather(steps[0]).loss(model, "").backward()
    assert examples.state.value is not None
    assert not examples.state.value.requires_grad
    examples.gather(steps[1]).loss(model, "").backward()  # a second pass through the first graph would fail


@pytest.mark.parametrize("length", [2, 50, 4_000])
def test_the_validation_loss_is_that_of_the_whole_text(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long text is read in lanes, each after a lead-in; so short a memory as here makes no difference."""
    tokens = np.random.default_rng(1).integers(7, size=length)
    model = small_model()
    with torch.no_grad():
        scores, _ = model(torch.from_numpy(tokens)[None, :-1], model.new_state(1))
        expected = float(nn.functional.cross_entropy(scores[0], torch.from_numpy(tokens[1:])))
        assert loss_validator(tokens.astype(np.uint8), CPU)(model) == pytest.approx(expected, rel=1e-4)
        monkeypatch.setattr("lstm_cli.training.text.device_text.LANES", 1)
        assert loss_validator(tokens, CPU)(model) == pytest.approx(expected, rel=1e-6)


def test_a_signal_ends_the_validation() -> None:
    with pytest.raises(Interrupted), torch.no_grad():
        loss_validator(np.zeros(50, np.uint8), CPU, should_stop=lambda: 2)(small_model())
