"""Simple model of sequences: scikit-learn's logistic regression on their statistics."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.models.ngram_classifier import NgramClassifier
from lstm_cli.models.sequence_classifier import SimpleClassifier, sequence_statistics
from lstm_cli.sequences.dataset import SequenceData, batches_of_similar_length
from lstm_cli.training.sequences.folds import folds_of

PENALTIES = (0.01, 0.1, 1.0, 10.0)  # inverse strengths C of the penalty that are tried
MAX_ITERATIONS = 1_000
STEPS_AT_ONCE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class FittedSimple:
    """Simple model and the strength of its penalty."""

    model: SimpleClassifier | NgramClassifier
    penalty: float  # C of scikit-learn
    # [n] probability of the true class of each training sequence, by a model of the other folds; None without folds
    held_out: np.ndarray | None = None
    ngrams: int | None = None  # number of n-grams of documents


def fit_simple(data: SequenceData, *, should_stop: Callable[[], int | None]) -> FittedSimple:
    """Return the logistic regression of the training sequences, with the penalty that `choose_penalty` chooses.

    Args:
        data: sequences of all splits.
        should_stop: asked between two fits; a signal raises Interrupted.
    """
    train, val = (statistics_of(data, data.indices(split)) for split in ("train", "val"))
    center, scale = train.mean(axis=0), train.std(axis=0)
    scale = np.where(scale < 1e-6, 1.0, scale)
    fitted = choose_penalty(
        (train - center) / scale,
        *(data.labels[data.indices("train")], (val - center) / scale, data.labels[data.indices("val")]),
        classes=len(data.schema.classes),
        penalties=PENALTIES,
        should_stop=should_stop,
    )
    model = SimpleClassifier(
        inputs=len(data.schema.columns), classes=len(data.schema.classes), max_length=data.schema.max_length
    )
    arrays = {
        "center": center,
        "scale": scale,
        "linear.weight": fitted.weights,
        "linear.bias": fitted.bias,
    }
    model.load_state_dict(
        {name: torch.from_numpy(array.astype(np.float32)) for name, array in arrays.items()}
    )
    return FittedSimple(
        model=model.requires_grad_(False).eval(), penalty=fitted.penalty, held_out=fitted.held_out
    )


@dataclass(frozen=True, kw_only=True)
class LogisticRegressionFit:
    """Logistic regression with the chosen penalty."""

    penalty: float
    weights: np.ndarray  # [K, D]
    bias: np.ndarray  # [K]
    held_out: np.ndarray | None  # as in FittedSimple


def choose_penalty(
    train: Any,
    labels: np.ndarray,
    val: Any,
    val_labels: np.ndarray,
    *,
    classes: int,
    penalties: Sequence[float],
    tolerance: float = 1e-4,
    should_stop: Callable[[], int | None],
) -> LogisticRegressionFit:
    """Return the logistic regression with the lowest log-loss on the validation sequences.

    Few sequences are not enough for this choice. Then the log-loss of a cross-validation of the training sequences
    counts too.

    Args:
        train: inputs [n, D] of the training sequences, also as a sparse matrix.
        labels: their labels [n].
        val: inputs [m, D] of the validation sequences.
        val_labels: their labels [m].
        classes: number of classes K.
        penalties: inverse strengths C that are tried.
        tolerance: gradient at which a fit ends.
        should_stop: asked between two fits; a signal raises Interrupted.
    """
    fits, sums = [], []
    folds = folds_of(labels)
    for penalty in penalties:
        raise_if_interrupted(should_stop)
        weights, bias = fit_weights(train, labels, penalty, classes, tolerance=tolerance)
        losses = np.zeros(len(labels))
        for fold in folds:
            rest = np.setdiff1d(np.arange(len(labels)), fold)
            of_rest = fit_weights(train[rest], labels[rest], penalty, classes, tolerance=tolerance)
            losses[fold] = _log_losses(train[fold] @ of_rest[0].T + of_rest[1], labels[fold])
        sums.append(_log_losses(val @ weights.T + bias, val_labels).sum() + losses.sum())
        held_out = np.exp(-losses) if folds else None
        fits.append(LogisticRegressionFit(penalty=penalty, weights=weights, bias=bias, held_out=held_out))
    return fits[int(np.argmin(sums))]


def fit_weights(
    inputs: Any, labels: np.ndarray, penalty: float, classes: int, *, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights [K, D] and biases [K] of scikit-learn's logistic regression.

    Args:
        inputs: inputs [n, D], also as a sparse matrix.
        labels: labels [n].
        penalty: inverse strength C.
        classes: number of classes K.
        tolerance: gradient at which the fit ends.
    """
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=penalty, max_iter=MAX_ITERATIONS, tol=tolerance).fit(inputs, labels)
    return class_weights_of(fitted.coef_, fitted.intercept_, fitted.classes_, classes)


def class_weights_of(
    weights: np.ndarray, bias: np.ndarray, classes: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return one row of weights [K, D] and one bias [K] for each class.

    scikit-learn has one row for two classes. A class without a training sequence gets a very low score.

    Args:
        weights: weights of scikit-learn.
        bias: biases of scikit-learn.
        classes: classes of its rows.
        count: number of classes K.
    """
    if len(classes) == 2:
        weights, bias = np.concatenate([-weights / 2, weights / 2]), np.concatenate([-bias / 2, bias / 2])
    all_weights, all_bias = np.zeros((count, weights.shape[1])), np.full(count, -30.0)
    all_weights[classes], all_bias[classes] = weights, bias
    return all_weights, all_bias


def statistics_of(data: SequenceData, indices: np.ndarray) -> np.ndarray:
    """Return the statistics [n, D] of the sequences at these indices, as float64."""
    results = np.zeros((len(indices), 0))
    for chosen in batches_of_similar_length(data.lengths[indices], STEPS_AT_ONCE):
        places = indices[chosen]
        values, lengths = torch.from_numpy(data.padded(places)), torch.from_numpy(data.lengths[places])
        statistics = sequence_statistics(values, lengths, data.schema.max_length).numpy()
        if not results.shape[1]:
            results = np.zeros((len(indices), statistics.shape[1]))
        results[chosen] = statistics
    return results


def _log_losses(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the log-loss [n] of each sequence, of scores [n, K]."""
    losses: np.ndarray = torch.nn.functional.cross_entropy(
        torch.from_numpy(scores), torch.from_numpy(labels), reduction="none"
    ).numpy()
    return losses
