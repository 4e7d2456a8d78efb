"""Tests of the n-gram model: a plain implementation of interpolated Kneser-Ney, and sums of probabilities."""

import math
from collections import Counter

import numpy as np
import pytest

from lstm_cli.text.n_gram import fit_n_grams

TEXT = "abracadabra, abracadabra; a bar, a cab and a drab crab. " * 3 + "barbara braids a band"
LETTERS = sorted(set(TEXT))
TOKENS = np.array([LETTERS.index(letter) for letter in TEXT], dtype=np.int32)
SIZE = len(LETTERS) + 2  # two tokens that the text does not have


def discounts(counts: list[int]) -> dict[int, float]:
    """Return the three discounts of Chen and Goodman."""
    n1, n2, n3, n4 = (sum(count == number for count in counts) for number in (1, 2, 3, 4))
    if not n1 or not n2:  # the letters, which have more than two letters in front
        return dict.fromkeys((1, 2, 3), 0.5)
    y = n1 / (n1 + 2 * n2)
    values = {1: 1 - 2 * y * n2 / n1, 2: 2 - 3 * y * n3 / n2, 3: 3 - 4 * y * n4 / n3 if n3 else 3}
    return {number: min(max(value, 1e-3), number) for number, value in values.items()}


def plain_kneser_ney(text: str, order: int) -> dict[int, Counter[str]]:
    """Return the counts of each order: occurrences in the highest, distinct letters in front in the others."""
    grams = {n: [text[i : i + n] for i in range(len(text) - n + 1)] for n in range(1, order + 1)}
    counts = {order: Counter(grams[order])}
    for n in range(1, order):
        in_front = {gram: set() for gram in grams[n]}
        for longer in grams[n + 1]:
            in_front[longer[1:]].add(longer[0])
        counts[n] = Counter({gram: len(letters) for gram, letters in in_front.items()})
    return counts


def plain_probability(counts: dict[int, Counter[str]], context: str, letter: str, size: int) -> float:
    probability = 1 / size
    for n in range(1, len(context) + 2):
        used = context[len(context) - n + 1 :]
        followers = {gram[-1]: count for gram, count in counts[n].items() if gram[:-1] == used and count}
        if not followers:
            return probability
        discount, total = discounts(list(counts[n].values())), sum(followers.values())
        removed = sum(discount[min(count, 3)] for count in followers.values())
        count = followers.get(letter, 0)
        kept = count - discount[min(count, 3)] if count else 0
        probability = kept / total + removed / total * probability
    return probability


@pytest.mark.parametrize("order", [2, 3])
def test_the_losses_are_those_of_a_plain_implementation(order):
    model = fit_n_grams(TOKENS, SIZE, order=order)
    counts = plain_kneser_ney(TEXT, order)
    text = "a bad crab, barb"  # with n-grams that the training text does not have
    losses = model.losses(np.array([LETTERS.index(letter) for letter in text]))
    expected = [
        -math.log(plain_probability(counts, text[max(0, at - order + 1) : at], letter, SIZE))
        for at, letter in enumerate(text)
    ]
    np.testing.assert_allclose(losses, expected, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 5])
@pytest.mark.parametrize("context", ["", "abra", "zzzz", "a cab"])
def test_the_probabilities_after_a_context_sum_to_one(order, context):
    model = fit_n_grams(TOKENS, SIZE, order=order)
    before = [LETTERS.index(letter) if letter in LETTERS else SIZE - 1 for letter in context]
    texts = [np.array([*before, token]) for token in range(SIZE)]
    assert sum(math.exp(-model.losses(text)[-1]) for text in texts) == pytest.approx(1, rel=1e-12)


def test_a_short_text_has_a_lower_order_and_an_unknown_token_a_probability():
    model = fit_n_grams(np.array([1, 2]), 4)
    assert model.order == 2
    assert np.isfinite(model.losses(np.array([3, 1, 2, 0]))).all()


def test_a_longer_context_helps_on_text_that_needs_it():
    tokens = np.tile([0, 1, 0, 2], 200)  # the token after 0 depends on the one before it
    first, third = (fit_n_grams(tokens, 3, order=order).losses(tokens).mean() for order in (2, 3))
    assert first > 0.3  # half of the tokens are a guess between two
    assert third < 0.05
