"""Tests of the session of a text model: the same losses as an LSTM in NumPy, and the state from step to step."""

import numpy as np
import pytest
from small_text_graph import SIZE, UNITS, small_text_graph, small_text_model

from lstm_cli.errors import CorruptArtifact
from lstm_cli.inference import text_session
from lstm_cli.inference.text_session import TextSession, open_text_session

MODEL = small_text_model()
TOKENS = np.random.default_rng(2).integers(SIZE, size=500).astype(np.uint16)


@pytest.fixture(scope="module")
def session() -> TextSession:
    return open_text_session(small_text_graph(MODEL), size=SIZE, threads=1)


def test_the_losses_are_those_of_an_lstm_in_numpy(session, monkeypatch):
    expected = MODEL.losses(TOKENS)
    np.testing.assert_allclose(session.score(TOKENS), expected, rtol=1e-4, atol=1e-5)
    monkeypatch.setattr(text_session, "TOKENS_AT_ONCE", 7)  # chunks that do not divide the text
    np.testing.assert_allclose(session.score(TOKENS), expected, rtol=1e-4, atol=1e-5)


def test_parts_of_a_long_text_are_read_side_by_side(session, monkeypatch):
    monkeypatch.setattr(text_session, "SHORTEST_STREAM", 90)  # 5 parts of 100 tokens, the last one padded
    monkeypatch.setattr(text_session, "WARM_UP", 60)
    losses = session.score(TOKENS)
    assert losses.shape == (499,)
    expected = MODEL.losses(TOKENS)
    np.testing.assert_allclose(losses[:100], expected[:100], rtol=1e-4, atol=1e-5)
    # This small network forgets the tokens before the warm-up.
    np.testing.assert_allclose(losses, expected, rtol=1e-3, atol=1e-3)
    monkeypatch.setattr(text_session, "WARM_UP", 1)
    assert np.abs(session.score(TOKENS) - expected).max() > 0.01


def test_a_text_can_be_read_in_steps(session):
    whole, state = session.step(TOKENS[None, :9], session.start())
    read, after = session.read(TOKENS[None, :9], session.start())
    np.testing.assert_allclose(read, whole[:, -1], rtol=1e-5)
    stepwise = session.start()
    for token in TOKENS[:9]:
        logits, stepwise = session.step(np.array([[token]]), stepwise)
    np.testing.assert_allclose(logits[:, 0], read, rtol=1e-4, atol=1e-6)
    for other in (after, stepwise):
        np.testing.assert_allclose(other, state, rtol=1e-4, atol=1e-6)


def test_samples_are_independent(session):
    rows = np.array([[1, 2, 3], [4, 5, 0]])
    both, _ = session.step(rows, session.start(2))
    for index in range(2):
        alone, _ = session.step(rows[index : index + 1], session.start())
        np.testing.assert_allclose(both[index], alone[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "state_shape"), [(SIZE + 1, (2, "B", UNITS)), (SIZE, (2, "B", "H")), (SIZE, ("S", "B", UNITS))]
)
def test_a_graph_of_another_size_is_corrupt(size, state_shape):
    with pytest.raises(CorruptArtifact, match="does not fit"):
        open_text_session(small_text_graph(MODEL, state_shape=state_shape), size=size, threads=1)
