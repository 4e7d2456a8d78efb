"""Simple model of documents: logistic regression on the TF-IDF of their n-grams.

tokens -> number of each n-gram -> (1 + log) * idf -> L2 norm -> linear layer -> softmax

The TF-IDF is that of scikit-learn's TfidfVectorizer with `sublinear_tf`.
"""

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lstm_cli.models.padding import step_mask

SMALLEST_NORM = 1e-12  # of a document without a known n-gram
MAX_CODE = 2**62  # codes are 64-bit integers


class NgramClassifier(nn.Module):
    """Logistic regression on TF-IDF. Its weights are fitted by scikit-learn.

    A n-gram has a code: its tokens, each plus 1, are the digits of a number to the base `vocabulary` + 1. The digit 0
    is the padding, so no n-gram has it, and n-grams of two lengths have two codes.
    """

    codes: Tensor  # [D] int64, sorted
    idf: Tensor  # [D]

    def __init__(self, *, vocabulary: int, longest: int, features: int, classes: int) -> None:
        super().__init__()
        self.vocabulary, self.longest = vocabulary, longest  # longest: tokens of the longest n-gram
        self.register_buffer("codes", torch.arange(1, features + 1))
        self.register_buffer("idf", torch.ones(features))
        self.linear = nn.Linear(features, classes)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Return the scores [B, K] before the softmax of tokens [B, L, 1] with lengths [B]."""
        digits = (values[:, :, 0].long() + 1) * step_mask(lengths, values.shape[1]).long()
        counts = torch.zeros(values.shape[0], len(self.codes), device=values.device)
        codes = digits
        for length in range(1, self.longest + 1):
            if length > 1:
                codes = codes[:, :-1] * (self.vocabulary + 1) + digits[:, length - 1 :]
            place = torch.searchsorted(self.codes, codes).clamp(max=len(self.codes) - 1)
            # An n-gram at the end of the document ends with padding, so its code is unknown.
            counts.scatter_add_(1, place, (self.codes[place] == codes).to(counts.dtype))
        frequencies = (counts.clamp(min=1).log() + 1) * counts.clamp(max=1) * self.idf
        norm = frequencies.square().sum(dim=1, keepdim=True).sqrt().clamp(min=SMALLEST_NORM)
        scores: Tensor = self.linear(frequencies / norm)
        return scores

    def ngrams(self) -> list[list[int]]:
        """Return the tokens of each n-gram, the shortest ones first."""
        return [code_tokens(code, self.vocabulary) for code in self.codes.tolist()]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of the model."""
        arrays = {"idf": self.idf, "weight": self.linear.weight, "bias": self.linear.bias}
        return {
            "vocabulary": self.vocabulary,
            "ngrams": self.ngrams(),
            **{name: _short(array.detach().numpy()) for name, array in arrays.items()},
        }

    @staticmethod
    def from_dict(stored: Mapping[str, Any]) -> "NgramClassifier":
        """Return the model of a JSON object. Raise KeyError, TypeError or ValueError for an invalid one."""
        ngrams, vocabulary = stored["ngrams"], int(stored["vocabulary"])
        codes = [
            reduce(lambda code, token: code * (vocabulary + 1) + token + 1, ngram, 0) for ngram in ngrams
        ]
        model = NgramClassifier(
            vocabulary=vocabulary,
            longest=max(map(len, ngrams)),
            features=len(ngrams),
            classes=len(stored["bias"]),
        )
        arrays = {"idf": "idf", "linear.weight": "weight", "linear.bias": "bias"}
        state = {name: torch.tensor(stored[key]) for name, key in arrays.items()}
        model.load_state_dict({**state, "codes": torch.tensor(codes)})
        return model


def _short(values: np.ndarray) -> Any:
    """Return 32-bit floats as lists of numbers with as few digits as identify them."""
    return [_short(row) for row in values] if values.ndim > 1 else [float(str(value)) for value in values]


def code_length(code: int, vocabulary: int) -> int:
    """Return the number of tokens of a n-gram."""
    return len(code_tokens(code, vocabulary))


def code_tokens(code: int, vocabulary: int) -> list[int]:
    """Return the tokens of a n-gram."""
    tokens = []
    while code:
        code, digit = divmod(code, vocabulary + 1)
        tokens.append(digit - 1)
    return tokens[::-1]


def longest_codes(vocabulary: int, wanted: int) -> int:
    """Return the length of the longest n-grams whose codes fit in 64 bits, at most `wanted`."""
    length = 1
    while length < wanted and (vocabulary + 1) ** (length + 1) < MAX_CODE:
        length += 1
    return length


def ngram_codes(
    tokens: np.ndarray, lengths: np.ndarray, vocabulary: int, longest: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the code [N] of each n-gram of documents, and the document [N] of each.

    Args:
        tokens: tokens [T] of all documents, one after the other.
        lengths: tokens [S] of each document.
        vocabulary: number of tokens.
        longest: length of the longest n-grams.
    """
    document = np.repeat(np.arange(len(lengths)), lengths)
    digits = tokens.astype(np.int64) + 1
    codes, found, places = digits, [digits], [document]
    for length in range(2, longest + 1):
        codes = codes[:-1] * (vocabulary + 1) + digits[length - 1 :]
        within = document[: len(codes)] == document[length - 1 :]
        found.append(codes[within])
        places.append(document[length - 1 :][within])
    return np.concatenate(found), np.concatenate(places)
