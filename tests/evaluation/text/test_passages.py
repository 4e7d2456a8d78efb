"""Tests of the scores over passages: metrics by hand, and the coverage of the intervals."""

import math

import numpy as np
import pytest

from lstm_cli.evaluation.text.passages import METRICS, Passages, TextScores, divide_text, text_metrics
from lstm_cli.text.dataset import SplitCounts


def test_the_metrics_of_a_text_by_hand():
    # Two tokens with the probabilities 1/2 and 1/8: 4 bits for 8 characters of 10 bytes.
    scores = text_metrics(math.log(2) + math.log(8), SplitCounts(tokens=2, characters=8, bytes=10))
    assert list(scores) == list(METRICS)
    assert scores == pytest.approx({"bpc": 0.5, "bpb": 0.4, "perplexity": 4.0, "loss": math.log(16) / 2})


def test_an_infinite_perplexity_is_none():
    assert text_metrics(1e6, SplitCounts(tokens=1, characters=1, bytes=1))["perplexity"] is None


def test_passages_have_all_tokens_and_characters():
    characters = np.tile([0, 3, 1], 1_000)  # of each token
    passages = divide_text(characters, SplitCounts(tokens=3_000, characters=4_000, bytes=5_000))
    assert len(passages.tokens) == 20
    assert (passages.tokens == 150).all()
    assert (passages.characters == 200).all()
    assert passages.starts.tolist() == list(range(0, 4_000, 200))
    assert passages.sums(np.ones(3_000)).tolist() == [150.0] * 20


def small_scores(losses: np.ndarray) -> TextScores:
    size = SplitCounts(tokens=len(losses), characters=len(losses), bytes=len(losses))
    return TextScores(passages=divide_text(np.ones(len(losses), dtype=int), size), losses=losses)


def test_a_short_text_has_no_interval():
    scores = small_scores(np.ones(700))
    assert len(scores.passages.tokens) == 3
    assert scores.intervals() == {}
    assert scores.compare(small_scores(np.zeros(700))) == {
        "metric": "bpc",
        "difference": pytest.approx(1 / math.log(2)),
        "interval": None,
    }


def autocorrelated(random: np.random.Generator, count: int) -> np.ndarray:
    """Return losses with the mean 2, whose level changes slowly along the text."""
    noise = random.normal(size=count // 100 + 1)
    level = np.convolve(noise, np.ones(5) / 5, mode="same").repeat(100)[:count]
    return 2 + level + random.normal(size=count)


def test_the_intervals_cover_the_mean_of_a_text_whose_level_changes_slowly():
    random, covered, better = np.random.default_rng(0), 0, 0
    for _ in range(200):
        first, second = autocorrelated(random, 20_000), autocorrelated(random, 20_000)
        low, high = small_scores(first).intervals()["loss"]
        covered += low < 2 < high
        low, high = small_scores(first).compare(small_scores(second))["interval"]
        better += low < 0 < high
    assert 175 < covered < 200  # 190 of 200
    assert 175 < better < 200


def test_the_interval_of_a_ratio_knows_that_the_passages_differ_in_characters():
    # Each token costs 1 nat; the characters per token vary, so bits per character do too.
    characters = np.repeat([1, 4] * 20, 100)
    size = SplitCounts(tokens=4_000, characters=int(characters.sum()), bytes=int(characters.sum()))
    passages = Passages(
        bounds=np.arange(0, 4_001, 100), characters=characters.reshape(40, 100).sum(1), size=size
    )
    intervals = TextScores(passages=passages, losses=np.ones(4_000)).intervals()
    assert intervals["loss"] == pytest.approx([1, 1])
    assert intervals["perplexity"] == pytest.approx([math.e, math.e])
    low, high = intervals["bpc"]
    assert low < 4_000 / size.characters / math.log(2) < high
    assert intervals["bpb"] == intervals["bpc"]
