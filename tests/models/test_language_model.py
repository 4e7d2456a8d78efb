"""Tests of the language model: the state, the tied matrix, and its first loss."""

import math

import pytest
import torch
from torch import nn

from lstm_cli.models.language_model import LanguageModel


def model_of(*hidden: int) -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel(vocabulary=11, hidden=hidden, dropout=0.5).eval()


@pytest.mark.parametrize("hidden", [(5,), (4, 6), (6, 4, 5)])
def test_a_text_in_pieces_has_the_scores_of_the_whole(hidden: tuple[int, ...]) -> None:
    model = model_of(*hidden)
    tokens = torch.randint(11, (3, 10))
    whole, end = model(tokens, model.new_state(3))
    assert whole.shape == (3, 10, 11)
    first, state = model(tokens[:, :4], model.new_state(3))
    assert state.shape == (2 * len(hidden), 3, max(hidden))
    second, after = model(tokens[:, 4:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    torch.testing.assert_close(after, end)


def test_the_state_is_that_of_torch() -> None:
    """Outputs of the layers come first, and then their cells."""
    model = model_of(4, 4)
    tokens = torch.randint(11, (2, 7))
    stacked = nn.LSTM(4, 4, num_layers=2, batch_first=True)
    own = {
        f"{name[:-1]}{number}": value
        for number, layer in enumerate(model.layers)
        for name, value in layer.named_parameters()
    }
    stacked.load_state_dict(own)
    outputs, (hidden, cells) = stacked(model.embedding(tokens) * 2)
    scores, state = model(tokens, model.new_state(2))
    torch.testing.assert_close(state, torch.cat([hidden, cells]))
    torch.testing.assert_close(scores, outputs @ model.embedding.weight.T + model.bias)


def test_the_embedding_is_the_matrix_of_the_softmax() -> None:
    names = [name for name, _ in model_of(4, 6).named_parameters() if "layers" not in name]
    assert names == ["bias", "embedding.weight"]


def test_the_first_loss_is_that_of_equal_probabilities() -> None:
    torch.manual_seed(0)
    model = LanguageModel(vocabulary=50, hidden=(64,), dropout=0).eval()
    scores, _ = model(torch.randint(50, (4, 100)), model.new_state(4))
    loss = nn.functional.cross_entropy(scores.flatten(0, 1), torch.randint(50, (400,)))
    assert loss.item() == pytest.approx(math.log(50), abs=0.3)
