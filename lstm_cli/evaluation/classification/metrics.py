"""Metrics of a classifier, with bootstrap intervals, and the confusion matrix."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

BINS = 10  # of the calibration error
DIGITS = 12  # of the calibration error; the rest is rounding of floats
SMALLEST = 1e-15  # a probability of 0 would make the log-loss infinite
RESAMPLES, SEED = 1_000, 0  # of the bootstrap
LEVEL = 0.95
NORMAL_QUANTILE = 1.959963984540054  # of 0.975
MAX_CELLS = 4_000_000  # resampled labels at a time


@dataclass(frozen=True, kw_only=True)
class ClassifiedSequences:
    """True labels and probabilities of S sequences."""

    labels: np.ndarray  # [S] index of the true class
    probabilities: np.ndarray  # [S, K]

    @property
    def predictions(self) -> np.ndarray:
        """Return the most probable class [S]; the first one of several."""
        predicted: np.ndarray = self.probabilities.argmax(axis=1)
        return predicted

    @property
    def costs(self) -> np.ndarray:
        """Return the log-loss [S] of each sequence."""
        sums = self.probabilities.sum(axis=1, dtype=np.float64)
        truth = self.probabilities[np.arange(len(self.labels)), self.labels] / sums
        return -np.log(np.maximum(truth, SMALLEST))

    def metrics(self) -> dict[str, float]:
        """Return all metrics of METRICS."""
        matrix = self.confusion()
        return {
            "accuracy": float((self.predictions == self.labels).mean()),
            "macro_f1": float(macro_f1(matrix[None])[0]),
            "log_loss": float(self.costs.mean()),
            "calibration_error": calibration_error(self.labels, self.probabilities),
        }

    def confusion(self) -> np.ndarray:
        """Return the counts [K, K]: rows are true classes, columns are predictions."""
        classes = self.probabilities.shape[1]
        flat = np.bincount(self.labels * classes + self.predictions, minlength=classes**2)
        return flat.reshape(classes, classes)

    def intervals(self) -> dict[str, list[float]]:
        """Return the 95 % interval of accuracy (Wilson 1927), and of macro-F1 and log-loss (bootstrap, Efron 1979).

        Resamples of predictions without an error have no errors, so macro-F1 then has the interval of accuracy.
        """
        count, classes = self.probabilities.shape
        cells, costs = self.labels * classes + self.predictions, self.costs
        generator = np.random.default_rng(SEED)
        samples: dict[str, list[np.ndarray]] = {"macro_f1": [], "log_loss": []}
        left = RESAMPLES
        while left:
            rows = min(left, max(1, MAX_CELLS // max(count, classes**2)))
            chosen = generator.integers(count, size=(rows, count))
            offsets = np.arange(rows)[:, None] * classes**2
            flat = np.bincount((cells[chosen] + offsets).ravel(), minlength=rows * classes**2)
            matrices = flat.reshape(rows, classes, classes)
            samples["macro_f1"].append(macro_f1(matrices))
            samples["log_loss"].append(costs[chosen].mean(axis=1))
            left -= rows
        hits = int((self.predictions == self.labels).sum())
        accuracy = wilson_interval(hits, count)
        intervals = {name: _interval(np.concatenate(values)) for name, values in samples.items()}
        if hits == count:
            intervals["macro_f1"] = list(accuracy)
        return {"accuracy": accuracy} | intervals


def compare(model: ClassifiedSequences, baseline: ClassifiedSequences) -> dict[str, Any]:
    """Return the difference of the log-losses of the model and a baseline, with its 95 % bootstrap interval."""
    differences = model.costs - baseline.costs
    chosen = np.random.default_rng(SEED)
    means = np.array(
        [
            differences[chosen.integers(len(differences), size=len(differences))].mean()
            for _ in range(RESAMPLES)
        ]
    )
    return {"metric": "log_loss", "difference": float(differences.mean()), "interval": _interval(means)}


def wilson_interval(hits: int, count: int) -> list[float]:
    """Return the 95 % interval of a share. It is not empty even if all are hits."""
    share, squared = hits / count, NORMAL_QUANTILE**2 / count
    middle = (share + squared / 2) / (1 + squared)
    half = NORMAL_QUANTILE * np.sqrt(share * (1 - share) / count + squared / (4 * count)) / (1 + squared)
    # Rounding would leave tiny differences from the exact ends.
    return [float(middle - half) if hits else 0.0, float(middle + half) if hits < count else 1.0]


def _interval(values: np.ndarray) -> list[float]:
    return [float(value) for value in np.quantile(values, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))]


def macro_f1(matrices: np.ndarray) -> np.ndarray:
    """Return the mean F1 [n] over the classes that occur, for confusion matrices [n, K, K].

    A class that is neither true nor predicted does not count, as in scikit-learn.
    """
    truths, predictions = matrices.sum(axis=2), matrices.sum(axis=1)
    totals = truths + predictions
    hits = matrices.diagonal(axis1=1, axis2=2)
    occurs = totals > 0
    scores = np.where(occurs, 2 * hits / np.maximum(totals, 1), 0.0)
    result: np.ndarray = scores.sum(axis=1) / np.maximum(occurs.sum(axis=1), 1)
    return result


def calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the expected calibration error: the mean gap between confidence and accuracy over ten bins.

    Guo et al. 2017, "On calibration of modern neural networks". A sequence is in the bin of its largest probability.
    """
    gaps = (
        row["share"] * abs(row["confidence"] - row["accuracy"]) for row in reliability(labels, probabilities)
    )
    return round(float(sum(gaps)), DIGITS)


def reliability(labels: np.ndarray, probabilities: np.ndarray) -> list[dict[str, float]]:
    """Return for each bin that has sequences: its share of them, and their mean confidence and accuracy."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    hit = probabilities.argmax(axis=1) == labels
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    return [
        {
            "from": number / BINS,
            "to": (number + 1) / BINS,
            "share": float((bins == number).mean()),
            "confidence": float(confidence[bins == number].mean()),
            "accuracy": float(hit[bins == number].mean()),
        }
        for number in range(BINS)
        if (bins == number).any()
    ]


def class_table(matrix: np.ndarray, classes: Sequence[str]) -> list[dict[str, Any]]:
    """Return precision, recall, F1 and number of sequences of each class; None where undefined.

    Args:
        matrix: confusion matrix [K, K].
        classes: names of the classes.
    """
    rows = []
    for index, name in enumerate(classes):
        hits, truth, predicted = (
            int(matrix[index, index]),
            int(matrix[index].sum()),
            int(matrix[:, index].sum()),
        )
        rows.append(
            {
                "class": name,
                "sequences": truth,
                "predicted": predicted,
                "precision": hits / predicted if predicted else None,
                "recall": hits / truth if truth else None,
                "f1": 2 * hits / (truth + predicted) if truth + predicted else None,
            }
        )
    return rows


def majority(train_labels: np.ndarray, labels: np.ndarray, classes: int) -> ClassifiedSequences:
    """Return the baseline that gives each class its share of the training sequences.

    Args:
        train_labels: labels of the training sequences.
        labels: true labels [S].
        classes: number of classes K.
    """
    shares = np.bincount(train_labels, minlength=classes) / len(train_labels)
    return ClassifiedSequences(labels=labels, probabilities=np.tile(shares, (len(labels), 1)))
