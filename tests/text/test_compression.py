"""Tests of the compressor."""

import random

from lstm_cli.text.compression import xz_bits


def test_random_letters_need_their_entropy_and_a_repetition_needs_almost_nothing():
    letters = random.Random(0)
    text = "".join(letters.choice("abcdefgh") for _ in range(20_000))  # 3 bits each
    assert 3 * 20_000 < xz_bits(text, after="") < 1.1 * 3 * 20_000
    assert xz_bits(text, after=text) < 0.02 * 3 * 20_000
