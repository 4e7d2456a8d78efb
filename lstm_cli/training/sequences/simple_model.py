"""Simple model of sequences: scikit-learn's logistic regression on their statistics."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.models.sequence_classifier import SimpleClassifier, sequence_statistics
from lstm_cli.sequences.dataset import SequenceData, batches_of_similar_length

PENALTIES = (0.01, 0.1, 1.0, 10.0)  # inverse strengths C of the penalty that are tried
MAX_ITERATIONS = 1_000
STEPS_AT_ONCE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class FittedSimple:
    """Simple model and the strength of its penalty."""

    model: SimpleClassifier
    penalty: float  # C of scikit-learn


def fit_simple(data: SequenceData, *, should_stop: Callable[[], int | None]) -> FittedSimple:
    """Return the logistic regression of the training sequences; the validation log-loss chooses its penalty.

    Args:
        data: sequences of all splits.
        should_stop: asked between two fits; a signal raises Interrupted.
    """
    from sklearn.linear_model import LogisticRegression

    train = statistics_of(data, data.indices("train"))
    val_indices = data.indices("val")
    center, scale = train.mean(axis=0), train.std(axis=0)
    scale = np.where(scale < 1e-6, 1.0, scale)
    labels = data.labels[data.indices("train")]
    val = (statistics_of(data, val_indices) - center) / scale
    best: tuple[float, float, np.ndarray, np.ndarray] | None = None
    for penalty in PENALTIES:
        raise_if_interrupted(should_stop)
        fitted = LogisticRegression(C=penalty, max_iter=MAX_ITERATIONS).fit((train - center) / scale, labels)
        weights, bias = class_weights_of(
            fitted.coef_, fitted.intercept_, fitted.classes_, len(data.schema.classes)
        )
        loss = _log_loss(val @ weights.T + bias, data.labels[val_indices])
        if best is None or loss < best[0]:
            best = loss, penalty, weights, bias
    assert best is not None
    model = SimpleClassifier(
        inputs=len(data.schema.columns), classes=len(data.schema.classes), max_length=data.schema.max_length
    )
    arrays = {"center": center, "scale": scale, "linear.weight": best[2], "linear.bias": best[3]}
    model.load_state_dict(
        {name: torch.from_numpy(array.astype(np.float32)) for name, array in arrays.items()}
    )
    return FittedSimple(model=model.requires_grad_(False).eval(), penalty=best[1])


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


def _log_loss(scores: np.ndarray, labels: np.ndarray) -> float:
    tensor = torch.nn.functional.cross_entropy(torch.from_numpy(scores), torch.from_numpy(labels))
    return float(tensor)
