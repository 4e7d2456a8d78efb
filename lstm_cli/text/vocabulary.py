"""Vocabularies: text becomes numbers of tokens, which are characters, bytes or byte pairs.

A vocabulary is stored as JSON. A stored one is checked, because the file may come from someone else.
"""

import codecs
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from lstm_cli.config.extras import require_installed

UNKNOWN = 0  # id of a character that is not in the vocabulary; no text is made of it
UNICODE = 0x110000 - 0x800  # characters: code points without surrogates
REPLACEMENT = "\ufffd"  # for an unknown character, and for bytes that are not UTF-8
BPE_SIZE = 1_024  # default size of a vocabulary of byte pairs
RESERVED = "\0"  # token with the id UNKNOWN among byte pairs; no text has this character
BYTES = 256
MOST_TOKENS = 1_000_000
ENCODED_AT_ONCE = 1_000_000  # characters that `tokenizers` encodes in one call


class IncrementalDecoder(Protocol):
    """Text of tokens that come one by one."""

    def push(self, token: int) -> str:
        """Return the new text; "" while a character is not complete."""

    def finish(self) -> str:
        """Return the rest of the text; an incomplete character is U+FFFD."""


class Vocabulary(Protocol):
    """Two-way mapping between text and ids of tokens."""

    @property
    def kind(self) -> str:
        """Return `characters`, `bytes` or `bpe`."""

    @property
    def size(self) -> int:
        """Return the number of ids V."""

    def encode(self, text: str) -> np.ndarray:
        """Return the ids [N] int32 of a text."""

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """Return the text of ids [N]; bytes that are not UTF-8 become U+FFFD."""

    def decoder(self) -> IncrementalDecoder:
        """Return a decoder for text that is shown as it comes."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `load_vocabulary` reads."""


class CharacterVocabulary:
    """Characters of the training text, in the order of their code points. Each other character is UNKNOWN."""

    kind = "characters"

    def __init__(self, characters: str) -> None:
        self.characters = characters  # sorted, the first one has the id 1
        self._codes = _code_points(characters)
        if len(characters) == 0 or (np.diff(self._codes.astype(np.int64)) <= 0).any():
            raise ValueError("the characters are missing, not sorted or not unique")

    @property
    def size(self) -> int:
        return len(self.characters) + 1

    def encode(self, text: str) -> np.ndarray:
        codes = _code_points(text)
        places = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        ids: np.ndarray = np.where(self._codes[places] == codes, places + 1, UNKNOWN).astype(np.int32)
        return ids

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        return "".join(self._character(int(token)) for token in ids)

    def decoder(self) -> IncrementalDecoder:
        return _CharacterDecoder(self)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "characters": self.characters}

    def _character(self, token: int) -> str:
        return REPLACEMENT if token == UNKNOWN else self.characters[token - 1]


class ByteVocabulary:
    """Bytes of UTF-8."""

    kind = "bytes"
    size = BYTES

    def encode(self, text: str) -> np.ndarray:
        return np.frombuffer(text.encode("utf-8", errors="replace"), dtype=np.uint8).astype(np.int32)

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        return bytes(int(token) for token in ids).decode("utf-8", errors="replace")

    def decoder(self) -> IncrementalDecoder:
        return _ByteDecoder([bytes([value]) for value in range(BYTES)])

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind}


class PairVocabulary:
    """Byte pairs (Sennrich et al. 2016, "Neural machine translation of rare words with subword units").

    Pairs of bytes that are frequent in the training text become one token, again and again. The pairs are those of
    Hugging Face `tokenizers`, which writes each byte as one printable character.
    """

    kind = "bpe"

    def __init__(self, tokens: Sequence[str], merges: Sequence[tuple[str, str]]) -> None:
        self.tokens, self.merges = tuple(tokens), tuple(merges)
        known = set(self.tokens)
        if (
            not BYTES < len(known) == len(self.tokens)
            or self.tokens[UNKNOWN] != RESERVED
            or not known.issuperset(_byte_characters())
            or not all(known.issuperset((*pair, "".join(pair))) for pair in self.merges)
        ):
            raise ValueError("the tokens and merges do not match")
        of_character = {character: value for value, character in enumerate(_byte_characters())}
        self._bytes = [
            bytes(of_character[character] for character in token) for token in self.tokens[UNKNOWN + 1 :]
        ]
        self._bytes.insert(UNKNOWN, REPLACEMENT.encode())

    @property
    def size(self) -> int:
        return len(self.tokens)

    def encode(self, text: str) -> np.ndarray:
        pieces = [np.array(self._tokenizer.encode(piece).ids, dtype=np.int32) for piece in _pieces(text)]
        return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int32)

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        return b"".join(self._bytes[int(token)] for token in ids).decode("utf-8", errors="replace")

    def decoder(self) -> IncrementalDecoder:
        return _ByteDecoder(self._bytes)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "tokens": list(self.tokens),
            "merges": [list(pair) for pair in self.merges],
        }

    @cached_property
    def _tokenizer(self) -> Any:
        require_installed("--tokens bpe", "tokenizers")
        from tokenizers import Tokenizer, models, pre_tokenizers

        vocabulary = {token: number for number, token in enumerate(self.tokens)}
        tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=list(self.merges)))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        return tokenizer


class _CharacterDecoder:
    def __init__(self, vocabulary: CharacterVocabulary) -> None:
        self._vocabulary = vocabulary

    def push(self, token: int) -> str:
        return self._vocabulary.decode([token])

    def finish(self) -> str:
        return ""


class _ByteDecoder:
    def __init__(self, tokens: Sequence[bytes]) -> None:
        self._tokens = tokens
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, token: int) -> str:
        return self._decoder.decode(self._tokens[int(token)])

    def finish(self) -> str:
        return self._decoder.decode(b"", final=True)


def build_vocabulary(texts: Iterable[str], *, kind: str, size: int | None) -> Vocabulary:
    """Return the vocabulary of training texts.

    Args:
        texts: training texts.
        kind: `characters`, `bytes` or `bpe`.
        size: largest number of ids, with the rarest characters or pairs left out; None: all characters, or BPE_SIZE
            byte pairs. Bytes have no other size.

    Raises:
        UsageError: the package `tokenizers` is not installed.
        ValueError: the texts are empty.
    """
    if kind == "bytes":
        return ByteVocabulary()
    if kind == "bpe":
        return _build_pairs(texts, BPE_SIZE if size is None else size)
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    frequent = sorted(counts, key=lambda character: (-counts[character], character))
    return CharacterVocabulary("".join(sorted(frequent if size is None else frequent[: size - 1])))


def unknown_nats(vocabulary: Vocabulary) -> float:
    """Return the nats that say which unknown character follows, in addition to the loss of the token UNKNOWN.

    All characters of Unicode that are not in the vocabulary are equally probable. Without these nats, a small
    vocabulary would make a text cheap. Bytes and byte pairs know all characters.
    """
    if not isinstance(vocabulary, CharacterVocabulary):
        return 0.0
    return math.log(UNICODE - len(vocabulary.characters))


def unknown_places(vocabulary: Vocabulary, tokens: np.ndarray) -> np.ndarray:
    """Return the places [K] of the unknown characters among tokens [N]."""
    is_known = not isinstance(vocabulary, CharacterVocabulary)
    return np.zeros(0, dtype=np.int64) if is_known else np.flatnonzero(tokens == UNKNOWN)


def load_vocabulary(stored: Mapping[str, Any]) -> Vocabulary:
    """Return a vocabulary from its JSON object.

    Raises:
        KeyError: a key is missing.
        TypeError: a value has another type.
        ValueError: the values do not match, or the kind is unknown.
    """
    kind = stored["kind"]
    if kind == ByteVocabulary.kind:
        return ByteVocabulary()
    if kind == CharacterVocabulary.kind:
        characters = stored["characters"]
        if not isinstance(characters, str):
            raise TypeError("the characters are not a text")
        return CharacterVocabulary(characters)
    if kind != PairVocabulary.kind:
        raise ValueError(f"unknown vocabulary {str(kind)[:40]!r}")
    tokens, merges = stored["tokens"], stored["merges"]
    if not _are_texts(tokens) or len(tokens) > MOST_TOKENS or not isinstance(merges, list):
        raise TypeError("the tokens and merges are not lists of texts")
    if not all(_are_texts(pair) and len(pair) == 2 for pair in merges):
        raise TypeError("a merge is not a pair of texts")
    try:
        return PairVocabulary(tokens, [(pair[0], pair[1]) for pair in merges])
    except KeyError as error:
        raise ValueError("a token has a character that stands for no byte") from error


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _build_pairs(texts: Iterable[str], size: int) -> PairVocabulary:
    """Return the byte pairs of training texts."""
    require_installed("--tokens bpe", "tokenizers")
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[RESERVED],
        initial_alphabet=_byte_characters(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((piece for text in texts for piece in _pieces(text)), trainer)
    import json

    model = json.loads(tokenizer.to_str())["model"]
    vocabulary: dict[str, int] = model["vocab"]
    return PairVocabulary(
        sorted(vocabulary, key=vocabulary.__getitem__), [(pair[0], pair[1]) for pair in model["merges"]]
    )


def _pieces(text: str) -> Iterator[str]:
    """Yield a long text in pieces that end with a line, because one call of `tokenizers` needs much memory."""
    begin = 0
    while begin < len(text):
        end = text.find("\n", begin + ENCODED_AT_ONCE) + 1 or len(text)
        yield text[begin:end]
        begin = end


def _byte_characters() -> list[str]:
    """Return the printable character of each byte, as `tokenizers` and GPT-2 write it.

    A printable byte of Latin-1 is its own character; the others have the code points from 256.
    """
    printable = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(BYTES, 2 * BYTES))
    return [chr(value) if value in printable else chr(next(others)) for value in range(BYTES)]


def _code_points(text: str) -> np.ndarray:
    """Return the code points [N] uint32 of a text."""
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype="<u4")
