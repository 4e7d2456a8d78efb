"""Tests of the vocabularies: text to ids and back, text as it comes, and stored files of someone else."""

import json
import sys

import numpy as np
import pytest

from lstm_cli.errors import UsageError
from lstm_cli.text.vocabulary import (
    BYTES,
    REPLACEMENT,
    UNKNOWN,
    PairVocabulary,
    Vocabulary,
    build_vocabulary,
    load_vocabulary,
)

TEXT = "the cat sat on the mat\nthe rät sat 猫 𝄞\n" * 30
KINDS = ("characters", "bytes", "bpe")


def vocabulary(kind: str, size: int | None = None) -> Vocabulary:
    if kind == "bpe":
        pytest.importorskip("tokenizers")
        size = size or 300
    return build_vocabulary([TEXT], kind=kind, size=size)


@pytest.mark.parametrize("kind", KINDS)
def test_text_survives(kind: str) -> None:
    words = vocabulary(kind)
    stored = load_vocabulary(json.loads(json.dumps(words.to_json())))
    ids = words.encode(TEXT)
    assert ids.dtype == np.int32
    assert ids.max() < words.size == stored.size
    assert UNKNOWN not in ids
    assert stored.encode(TEXT).tolist() == ids.tolist()
    assert stored.decode(ids) == TEXT
    assert words.encode("").shape == (0,)


@pytest.mark.parametrize("kind", KINDS)
def test_text_as_it_comes_is_the_whole_text(kind: str) -> None:
    words = vocabulary(kind)
    decoder = words.decoder()
    pieces = [decoder.push(token) for token in words.encode("ät 猫𝄞")]
    assert "".join(pieces) + decoder.finish() == "ät 猫𝄞"
    assert REPLACEMENT not in "".join(pieces)  # a character of several bytes comes when it is complete


def test_an_incomplete_character_is_replaced() -> None:
    words = vocabulary("bytes")
    begin = words.encode("猫")[:2]
    decoder = words.decoder()
    assert [decoder.push(token) for token in begin] == ["", ""]
    assert decoder.finish() == words.decode(begin) == REPLACEMENT


def test_characters_have_the_order_of_their_code_points() -> None:
    words = build_vocabulary(["cab", "a猫"], kind="characters", size=None)
    assert words.encode("abc猫z").tolist() == [1, 2, 3, 4, UNKNOWN]
    assert words.decode([3, UNKNOWN]) == "c" + REPLACEMENT
    assert words.size == 5


def test_the_rarest_characters_are_left_out() -> None:
    words = build_vocabulary(["aaabbc"], kind="characters", size=3)
    assert words.encode("abc").tolist() == [1, 2, UNKNOWN]


def test_bytes_are_those_of_utf_8() -> None:
    assert vocabulary("bytes").encode("aä").tolist() == [97, 195, 164]


def test_frequent_pairs_become_one_token() -> None:
    words = vocabulary("bpe")
    assert len(words.encode(TEXT)) < len(TEXT.encode()) / 2
    assert BYTES < words.size <= 300
    # Bytes that the training text does not have still have ids.
    assert words.decode(words.encode("Ωx\x01")) == "Ωx\x01"


def test_equal_texts_give_equal_pairs() -> None:
    assert vocabulary("bpe").to_json() == vocabulary("bpe").to_json()


def test_a_long_text_is_encoded_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    words = vocabulary("bpe")
    whole = words.encode(TEXT)
    monkeypatch.setattr("lstm_cli.text.vocabulary.ENCODED_AT_ONCE", 40)
    assert words.encode(TEXT).tolist() == whole.tolist()


def test_tokens_of_another_implementation_agree() -> None:
    """`tokenizers` decodes the ids to the same text."""
    words = vocabulary("bpe")
    assert isinstance(words, PairVocabulary)
    from tokenizers import decoders

    ids = words.encode(TEXT)
    assert decoders.ByteLevel().decode([words.tokens[token] for token in ids]) == TEXT


def test_bpe_without_its_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = vocabulary("bpe").to_json()
    monkeypatch.setattr("lstm_cli.config.extras.find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, "tokenizers", raising=False)
    with pytest.raises(UsageError, match="--tokens bpe needs tokenizers") as error:
        build_vocabulary([TEXT], kind="bpe", size=None)
    assert "pip install" in str(error.value.hint)
    # Text can still be made of ids.
    assert load_vocabulary(stored).decode([98]) != ""


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"kind": "words"},
        {"kind": ["bytes"]},
        {"kind": "characters"},
        {"kind": "characters", "characters": ""},
        {"kind": "characters", "characters": "ba"},
        {"kind": "characters", "characters": "aa"},
        {"kind": "characters", "characters": ["a", "b"]},
        {"kind": "bpe", "tokens": ["a"], "merges": []},
        {"kind": "bpe", "tokens": "a", "merges": []},
        {"kind": "bpe", "tokens": [1], "merges": []},
    ],
)
def test_a_wrong_file_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        load_vocabulary(stored)


@pytest.mark.parametrize(
    "change",
    [
        lambda stored: stored["tokens"].append(stored["tokens"][5]),
        lambda stored: stored["tokens"].append("\U0001f600"),
        lambda stored: stored["tokens"].remove("a"),
        lambda stored: stored["tokens"].reverse(),
        lambda stored: stored["merges"].append(["t", "absent"]),
        lambda stored: stored["merges"].append(["t"]),
        lambda stored: stored["merges"].append("th"),
        lambda stored: stored.update(merges={}),
    ],
)
def test_changed_pairs_are_refused(change) -> None:
    stored = vocabulary("bpe").to_json()
    change(stored)
    with pytest.raises((TypeError, ValueError)):
        load_vocabulary(stored)
