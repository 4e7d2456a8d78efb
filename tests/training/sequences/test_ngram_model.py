"""Tests of the simple model of documents: its probabilities are those of scikit-learn, in torch and in ONNX."""

import random
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from lstm_cli.export.onnx import check_classifier, export_classifier
from lstm_cli.inference.sequence_session import open_sequence_session
from lstm_cli.models.ngram_classifier import NgramClassifier
from lstm_cli.models.sequence_classifier import CombinedClassifier, SequenceClassifier
from lstm_cli.sequences.build import join_tokens
from lstm_cli.sequences.dataset import SequenceData, SequenceScaler, SequenceSchema
from lstm_cli.training.sequences import ngram_model
from lstm_cli.training.sequences.ngram_model import choose_ngrams, count_ngrams, fit_ngrams

LETTERS = "abcde"


@dataclass(frozen=True)
class Corpus:
    """Documents as text and as tokens."""

    texts: list[str]
    data: SequenceData

    def texts_of(self, split: str) -> list[str]:
        return [self.texts[index] for index in self.data.indices(split)]


def corpus(kind: str = "characters", *, classes: int = 2, count: int = 60, longest: int = 12) -> Corpus:
    """Return random documents whose letters depend on the class; every fourth one is for validation."""
    source = random.Random(0)
    labels = np.arange(count) % classes
    texts = [
        "".join(
            source.choices(LETTERS, weights=[3 if letter == label else 1 for letter in range(5)], k=length)
        )
        for label, length in zip(labels, (source.randint(1, longest) for _ in labels), strict=True)
    ]
    tokens = [np.array([LETTERS.index(letter) for letter in text], np.int32)[:, None] for text in texts]
    values, lengths = join_tokens(tokens, max_length=longest)
    schema = SequenceSchema(
        columns=("text",),
        classes=tuple(f"class{number}" for number in range(classes)),
        sequence=None,
        label="label",
        time=(),
        max_length=longest,
        missing="interpolate",
        tokens=len(LETTERS),
        token_kind=kind,
    )
    data = SequenceData(
        schema=schema,
        scaler=SequenceScaler.of_tokens(),
        values=values,
        lengths=lengths,
        labels=labels,
        names=tuple(map(str, range(count))),
        split=(np.arange(count) % 4 == 3).astype(np.int64),
    )
    return Corpus(texts, data)


@pytest.mark.parametrize(
    ("kind", "longest", "classes"), [("characters", 5, 2), ("characters", 5, 3), ("bpe", 2, 3)]
)
def test_the_probabilities_are_those_of_scikit_learn(kind: str, longest: int, classes: int) -> None:
    documents = corpus(kind, classes=classes)
    data = documents.data
    fitted = fit_ngrams(data, should_stop=lambda: None)
    vectorizer = TfidfVectorizer(
        analyzer="char", ngram_range=(1, longest), sublinear_tf=True, min_df=2, lowercase=False
    )
    train = vectorizer.fit_transform(documents.texts_of("train"))
    oracle = LogisticRegression(C=fitted.penalty, tol=ngram_model.TOLERANCE)
    oracle.fit(train, data.labels[data.indices("train")])
    expected = oracle.predict_proba(vectorizer.transform(documents.texts_of("val")))
    assert isinstance(fitted.model, NgramClassifier)
    assert fitted.ngrams == len(vectorizer.vocabulary_)
    assert {"".join(LETTERS[token] for token in ngram) for ngram in fitted.model.ngrams()} == set(
        vectorizer.vocabulary_
    )
    indices = data.indices("val")
    values, lengths = data.padded(indices, data.schema.max_length), data.lengths[indices]
    scores = fitted.model(torch.from_numpy(values), torch.from_numpy(lengths))
    np.testing.assert_allclose(scores.softmax(1).numpy(), expected, atol=1e-4)
    graph = export_classifier(combined(fitted.model), inputs=1, classes=classes)
    _, simple = open_sequence_session(graph, threads=1).probabilities(values, lengths)
    np.testing.assert_allclose(simple, expected, atol=1e-4)
    np.testing.assert_allclose(simple, scores.softmax(1).numpy(), atol=1e-6)


def combined(simple: NgramClassifier, *, share: float = 0.4, longest: int = 12) -> CombinedClassifier:
    torch.manual_seed(0)
    network = SequenceClassifier(
        inputs=3,
        vocabulary=simple.vocabulary,
        classes=simple.linear.out_features,
        max_length=longest,
        hidden=(4,),
        dropout=0.0,
    )
    return CombinedClassifier(network, simple, share).eval()


def test_padding_with_any_token_adds_no_ngram() -> None:
    data = corpus().data
    model = combined(fit_ngrams(data, should_stop=lambda: None).model)  # type: ignore[arg-type]
    indices = np.arange(len(data.names))
    values, lengths = data.padded(indices, 12), data.lengths
    with torch.no_grad():
        expected = model(torch.from_numpy(values), torch.from_numpy(lengths))
    for padding in (0, 4):
        for row, length in zip(values, lengths, strict=True):
            row[length:] = padding
        graph = export_classifier(model, inputs=1, classes=2)
        assert check_classifier(graph, model, values, lengths) < 1e-6
        with torch.no_grad():
            torch.testing.assert_close(model(torch.from_numpy(values), torch.from_numpy(lengths)), expected)


def test_a_document_without_a_known_ngram_has_the_biases_as_scores() -> None:
    model = NgramClassifier(vocabulary=5, longest=1, features=2, classes=2)
    model.codes.copy_(torch.tensor([1, 2]))  # the tokens 0 and 1
    scores = model(torch.tensor([[[4], [3], [0]]]), torch.tensor([2]))  # 0 is padding here
    torch.testing.assert_close(scores[0], model.linear.bias)


def test_counts_of_ngrams_by_hand() -> None:
    documents = corpus(count=4)
    values, lengths = join_tokens(
        [np.array(tokens, np.int32)[:, None] for tokens in ([0, 1, 0, 1], [0, 1], [1], [1, 0])], max_length=9
    )
    data = SequenceData(
        schema=documents.data.schema,
        scaler=documents.data.scaler,
        values=values,
        lengths=lengths,
        labels=np.array([0, 1, 0, 1]),
        names=("a", "b", "c", "d"),
        split=np.zeros(4, dtype=np.int64),
    )
    codes = choose_ngrams(data, np.arange(4))
    # Only these n-grams are in two documents: a, b, ab and ba; no n-gram goes from one document into the next.
    assert codes.tolist() == [1, 2, 1 * 6 + 2, 2 * 6 + 1]
    counts = count_ngrams(data, np.arange(4), codes).toarray()
    assert counts.tolist() == [[2, 2, 2, 1], [1, 1, 1, 0], [0, 1, 0, 0], [1, 1, 0, 1]]


def test_the_most_frequent_ngrams_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    data = corpus().data
    everything = choose_ngrams(data, data.indices("train"))
    monkeypatch.setattr(ngram_model, "MAX_FEATURES", 7)
    few = choose_ngrams(data, data.indices("train"))
    shares = {
        name: (count_ngrams(data, data.indices("train"), codes) > 0).sum(axis=0)
        for name, codes in (("all", everything), ("few", few))
    }
    assert len(few) == 7
    assert shares["few"].min() >= np.sort(np.asarray(shares["all"]).ravel())[-7]
    monkeypatch.setattr(ngram_model, "TOKENS_AT_ONCE", 5)
    parts = count_ngrams(data, data.indices("train"), few)
    monkeypatch.undo()
    assert (parts != count_ngrams(data, data.indices("train"), few)).nnz == 0


def test_codes_of_a_large_vocabulary_fit_in_64_bits() -> None:
    from lstm_cli.models.ngram_classifier import code_tokens, longest_codes

    assert longest_codes(200, 5) == 5
    assert longest_codes(2**31, 5) == 1
    longest = longest_codes(20_000, 5)
    code = 0
    for _ in range(longest):
        code = code * 20_001 + 20_000
    assert code < 2**62
    assert code_tokens(code, 20_000) == [19_999] * longest
