"""Graph of `models/ngram_classifier.py`."""

from itertools import chain

import numpy as np

from lstm_cli.export.graph.builder import Graph, Value
from lstm_cli.export.graph.layers import linear
from lstm_cli.models.ngram_classifier import SMALLEST_NORM, NgramClassifier


def ngram_scores(graph: Graph, model: NgramClassifier, tokens: Value, real: Value) -> Value:
    """Return the scores [B, K] of documents.

    Args:
        graph: graph.
        model: model.
        tokens: tokens [B, L, 1] int64.
        real: whether a token is real [L, B].
    """
    ngrams = [[token + 1 for token in ngram] for ngram in model.ngrams()]
    sizes = [len(ngram) for ngram in ngrams]
    # Index of the first n-gram of each length in the flat list.
    begins = tuple(sum(size for size in sizes if size < length) for length in range(1, model.longest + 1))
    # The padding is 0, which no n-gram has.
    digits = graph.add(
        "Mul", graph.add("Add", tokens.squeeze(2), np.array(1)), real.transpose(1, 0).to_integers()
    )
    counts = graph.add(
        "TfIdfVectorizer",
        digits,
        mode="TF",
        min_gram_length=1,
        max_gram_length=model.longest,
        max_skip_count=0,
        ngram_counts=begins,
        ngram_indexes=tuple(range(len(ngrams))),
        pool_int64s=tuple(chain.from_iterable(ngrams)),
    )
    frequencies = (graph.add("Log", graph.add("Max", counts, 1.0)) + 1.0) * graph.add("Min", counts, 1.0)
    frequencies = frequencies * model.idf
    norm = graph.add("Sqrt", (frequencies * frequencies).sum(1))
    return linear(graph, model.linear, frequencies / graph.add("Max", norm, SMALLEST_NORM))
