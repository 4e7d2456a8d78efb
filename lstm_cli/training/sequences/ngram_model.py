"""Simple model of documents: scikit-learn's logistic regression on the TF-IDF of their n-grams."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.models.ngram_classifier import NgramClassifier, code_length, longest_codes, ngram_codes
from lstm_cli.sequences.dataset import SequenceData
from lstm_cli.training.sequences.simple_model import FittedSimple, choose_penalty

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LONGEST = {"bpe": 2}  # tokens of the longest n-grams, by kind of token
LONGEST_CHARACTERS = 5
MAX_FEATURES = 20_000
MAX_COUNTED = 4_000_000  # training tokens whose n-grams are counted
TOKENS_AT_ONCE = 1_000_000
PENALTIES = (1.0, 10.0, 30.0, 100.0, 300.0)  # inverse strengths C of the penalty that are tried
TOLERANCE = 1e-3  # with a smaller one, a fit takes four times as long and is not better on new documents


def fit_ngrams(data: SequenceData, *, should_stop: Callable[[], int | None]) -> FittedSimple:
    """Return the logistic regression of the training documents; the validation log-loss chooses its penalty.

    Args:
        data: documents of all splits.
        should_stop: asked between two fits; a signal raises Interrupted.
    """
    from sklearn.feature_extraction.text import TfidfTransformer

    train, val = data.indices("train"), data.indices("val")
    codes = choose_ngrams(data, train)
    raise_if_interrupted(should_stop)
    counts = count_ngrams(data, train, codes)
    weighting = TfidfTransformer(sublinear_tf=True).fit(counts)
    fitted = choose_penalty(
        weighting.transform(counts),
        data.labels[train],
        weighting.transform(count_ngrams(data, val, codes)),
        data.labels[val],
        classes=len(data.schema.classes),
        penalties=PENALTIES,
        tolerance=TOLERANCE,
        should_stop=should_stop,
    )
    model = NgramClassifier(
        vocabulary=data.schema.tokens,
        longest=code_length(int(codes[-1]), data.schema.tokens),
        features=len(codes),
        classes=len(data.schema.classes),
    )
    arrays = {"idf": weighting.idf_, "linear.weight": fitted.weights, "linear.bias": fitted.bias}
    state = {name: torch.from_numpy(array.astype(np.float32)) for name, array in arrays.items()}
    model.load_state_dict({**state, "codes": torch.from_numpy(codes)})
    return FittedSimple(
        model=model.requires_grad_(False).eval(),
        penalty=fitted.penalty,
        held_out=fitted.held_out,
        ngrams=len(codes),
    )


def choose_ngrams(data: SequenceData, indices: np.ndarray) -> np.ndarray:
    """Return the codes [D] of the n-grams that most documents have, sorted.

    A n-gram of one document is left out, unless all are.

    Args:
        data: documents.
        indices: training documents.
    """
    order = np.random.default_rng(0).permutation(indices)
    counted = order[np.cumsum(data.lengths[order]) <= max(MAX_COUNTED, int(data.lengths[order[0]]))]
    longest = longest_codes(data.schema.tokens, LONGEST.get(data.schema.token_kind, LONGEST_CHARACTERS))
    found, documents = ngram_codes(*_tokens(data, counted), data.schema.tokens, longest)
    by_document = np.lexsort((documents, found))
    found, documents = found[by_document], documents[by_document]
    first = np.append(True, (np.diff(found) != 0) | (np.diff(documents) != 0))
    codes, frequency = np.unique(found[first], return_counts=True)
    if (frequency > 1).any():
        codes, frequency = codes[frequency > 1], frequency[frequency > 1]
    best = np.argsort(-frequency, kind="stable")[:MAX_FEATURES]
    return np.sort(codes[best])


def count_ngrams(data: SequenceData, indices: np.ndarray, codes: np.ndarray) -> "csr_matrix":
    """Return how often each document has each n-gram, a sparse matrix [n, D].

    Args:
        data: documents.
        indices: documents [n].
        codes: codes [D] of the n-grams, sorted.
    """
    from scipy.sparse import csr_matrix, vstack

    longest = code_length(int(codes[-1]), data.schema.tokens)
    parts: list[Any] = [csr_matrix((0, len(codes)))]
    for chunk in np.split(indices, _bounds(data.lengths[indices])):
        found, documents = ngram_codes(*_tokens(data, chunk), data.schema.tokens, longest)
        place = np.minimum(np.searchsorted(codes, found), len(codes) - 1)
        known = codes[place] == found
        pairs = documents[known], place[known]
        parts.append(csr_matrix((np.ones(len(pairs[0])), pairs), shape=(len(chunk), len(codes))))
    return vstack(parts, format="csr")


def _bounds(lengths: np.ndarray) -> np.ndarray:
    """Return where documents are divided into parts of about TOKENS_AT_ONCE tokens."""
    parts = np.cumsum(lengths) // TOKENS_AT_ONCE
    return np.flatnonzero(np.diff(parts)) + 1


def _tokens(data: SequenceData, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the tokens [T] of documents, one after the other, and the number of tokens of each."""
    chosen = data.select(indices)
    return chosen.values[:, 0], chosen.lengths
