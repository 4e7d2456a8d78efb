"""Text as a run holds it: tokens, one split after the other."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lstm_cli.text.vocabulary import Vocabulary, unknown_places

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class SplitCounts:
    """Size of a split."""

    tokens: int
    characters: int  # of the text before it became tokens
    bytes: int  # of UTF-8

    def __post_init__(self) -> None:
        if min(self.tokens, self.characters, self.bytes) < 0:
            raise ValueError("a split has a negative size")


@dataclass(frozen=True, kw_only=True)
class TextData:
    """Tokens of a text, and its splits, which are contiguous."""

    vocabulary: Vocabulary
    tokens: np.ndarray  # [N] integers below the size of the vocabulary
    counts: Mapping[str, SplitCounts]  # of each of SPLITS, in this order
    unknown: Mapping[
        str, str
    ]  # characters of each split that are not in the vocabulary, in the order of the text

    def __post_init__(self) -> None:
        if tuple(self.counts) != SPLITS or self.tokens.ndim != 1 or self.tokens.dtype.kind not in "iu":
            raise ValueError("the tokens or splits of the text are invalid")
        if sum(counts.tokens for counts in self.counts.values()) != len(self.tokens):
            raise ValueError("the splits have another number of tokens")
        if len(self.tokens) and not 0 <= self.tokens.min() <= self.tokens.max() < self.vocabulary.size:
            raise ValueError("a token is not in the vocabulary")
        if any(
            len(unknown_places(self.vocabulary, self.split(name))) != len(self.unknown[name])
            for name in SPLITS
        ):
            raise ValueError("a split has another number of unknown characters")

    def split(self, name: str) -> np.ndarray:
        """Return the tokens [n] of a split."""
        sizes = [counts.tokens for counts in self.counts.values()]
        ends = dict(zip(SPLITS, np.cumsum(sizes).tolist(), strict=True))
        return self.tokens[ends[name] - self.counts[name].tokens : ends[name]]

    def text(self, name: str) -> str:
        """Return the text of a split, with its unknown characters."""
        tokens = self.split(name)
        text = self.vocabulary.decode(tokens)
        if not self.unknown[name]:
            return text
        characters = np.array(list(text))
        characters[unknown_places(self.vocabulary, tokens)] = list(self.unknown[name])
        return "".join(characters.tolist())


def encode_splits(vocabulary: Vocabulary, texts: Mapping[str, str]) -> TextData:
    """Return the tokens of texts by split. No token is part of two splits."""
    tokens = [vocabulary.encode(texts[name]) for name in SPLITS]
    return TextData(
        vocabulary=vocabulary,
        tokens=np.concatenate(tokens).astype(np.min_scalar_type(vocabulary.size - 1)),
        counts={
            name: SplitCounts(
                tokens=len(ids), characters=len(texts[name]), bytes=len(texts[name].encode("utf-8"))
            )
            for name, ids in zip(SPLITS, tokens, strict=True)
        },
        unknown={
            name: "".join(texts[name][place] for place in unknown_places(vocabulary, ids).tolist())
            for name, ids in zip(SPLITS, tokens, strict=True)
        },
    )
