"""Tests of passages that two splits have in common."""

import numpy as np
import pytest

from lstm_cli.text.repeats import PASSAGE, Repeats, find_repeats


def letters(length: int, seed: int) -> str:
    codes = np.random.default_rng(seed).integers(97, 123, size=length)
    return "".join(map(chr, codes))


def test_different_texts_have_nothing_in_common() -> None:
    assert find_repeats(letters(5_000, 0), letters(5_000, 1)) == Repeats(passages=0, characters=0, first=None)


def test_a_passage_is_found_at_any_place() -> None:
    training, other = letters(3_000, 0), letters(1_000, 1)
    copy = training[1_234 : 1_234 + PASSAGE + 50]
    assert find_repeats(training, other[:333] + copy + other[333:]) == Repeats(
        passages=1, characters=PASSAGE + 50, first=333
    )
    # One character less than the shortest passage does not count.
    short = training[1_234 : 1_234 + PASSAGE - 1]
    assert find_repeats(training, other[:333] + "#" + short + "#" + other[333:]).passages == 0


def test_a_passage_that_stands_twice_counts_twice() -> None:
    training = letters(3_000, 0)
    copy = training[:PASSAGE]
    assert find_repeats(training, f"{copy}#{copy}#{letters(200, 1)}") == Repeats(
        passages=2, characters=2 * PASSAGE, first=0
    )


def test_the_chunks_of_a_long_text_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    training = letters(1_000, 0)
    whole = find_repeats(training, training[250:700])
    monkeypatch.setattr("lstm_cli.text.repeats.CHUNK", 64)
    assert find_repeats(training, training[250:700]) == whole
    assert whole == Repeats(passages=1, characters=450, first=0)


@pytest.mark.parametrize(("training", "other"), [("", ""), ("a" * 500, ""), ("", "a" * 500), ("a", "b")])
def test_short_texts_have_no_passage(training: str, other: str) -> None:
    assert find_repeats(training, other).passages == 0


def test_one_repeated_character_is_one_passage() -> None:
    assert find_repeats("a" * 500, "a" * 300) == Repeats(passages=1, characters=300, first=0)
