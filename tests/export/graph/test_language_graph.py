"""Tests of the step graph of a language model against torch."""

import numpy as np
import onnx
import pytest
import torch

from lstm_cli.export.onnx import check_language_model, export_language_model
from lstm_cli.inference.text_session import open_text_session
from lstm_cli.models.language_model import LanguageModel


def model_of(*hidden: int, seed: int = 0) -> LanguageModel:
    torch.manual_seed(seed)
    return LanguageModel(vocabulary=9, hidden=hidden, dropout=0.3).eval()


@pytest.mark.parametrize("hidden", [(5,), (4, 6), (6, 4, 5)])
def test_the_graph_agrees_with_torch(hidden: tuple[int, ...]) -> None:
    model = model_of(*hidden)
    graph = export_language_model(model)
    onnx.checker.check_model(onnx.load_model_from_string(graph), full_check=True)
    tokens = np.random.default_rng(0).integers(9, size=(3, 8))
    assert check_language_model(graph, model, tokens) < 1e-5
    assert check_language_model(graph, model_of(*hidden, seed=1), tokens) > 1e-3


def test_the_state_goes_on_as_in_torch() -> None:
    model = model_of(4, 6)
    session = open_text_session(export_language_model(model), size=9, threads=1)
    tokens = np.random.default_rng(0).integers(9, size=(2, 6))
    with torch.no_grad():
        expected = model(torch.from_numpy(tokens), model.new_state(2))
    state = session.start(2)
    assert state.shape == model.new_state(2).shape
    for step in range(6):
        logits, state = session.step(tokens[:, step : step + 1], state)
    np.testing.assert_allclose(logits[:, 0], expected[0][:, -1], atol=1e-5)
    np.testing.assert_allclose(state, expected[1], atol=1e-5)


def test_equal_weights_give_equal_bytes() -> None:
    assert export_language_model(model_of(4, 4)) == export_language_model(model_of(4, 4))
