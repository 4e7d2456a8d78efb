"""Facts and arrays that the report of a classifier shows. The step `report` collects them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_cli.reporting.facts import LossCurve, Made

METRICS = ("accuracy", "macro_f1", "log_loss", "calibration_error")


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """Sequence with a wrong prediction."""

    name: str
    steps: int
    truth: str
    predicted: str
    confidence: float  # probability of the predicted class
    true_probability: float


@dataclass(frozen=True, kw_only=True)
class ClassFacts:
    """Everything that the report of a classifier shows."""

    run: str
    source: str
    rows: int  # steps of all sequences
    columns: tuple[str, ...]
    classes: tuple[str, ...]
    sequences: Mapping[str, int]  # in each split
    class_counts: Mapping[str, Mapping[str, int]]  # sequences of each class in each split
    steps: np.ndarray  # [S] steps of each sequence that the model reads
    lengths: Mapping[str, float]  # in the file: shortest, median, longest
    max_length: int
    cut: int
    split: str  # name of the scored split: test or validation
    scored: int  # sequences
    tested: str  # a sentence about the scored sequences
    verdict: str
    comparisons: tuple[str, ...]  # a sentence about each baseline
    model: str  # description of the network
    weights: Mapping[str, float]  # of the network and of the simple model
    scores: Mapping[str, Mapping[str, float]]  # metrics by name of the model or baseline
    intervals: Mapping[str, Sequence[float]]  # 95 % interval of each metric of the model
    per_class: Sequence[Mapping[str, Any]]
    confusion: np.ndarray  # [K, K]: rows are true classes, columns are predictions
    reliability: Sequence[Mapping[str, float]]  # bins of the probability of the predicted class
    mistakes: tuple[Mistake, ...]  # the most confident ones first
    wrong: int  # all wrong predictions
    curves: tuple[LossCurve, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    made: Made

    @property
    def mixed_up(self) -> list[tuple[str, str, int]]:
        """Return the pairs of true and predicted class with their counts, the most frequent mistakes first."""
        pairs = [
            (self.classes[row], self.classes[column], int(count))
            for (row, column), count in np.ndenumerate(self.confusion)
            if row != column and count
        ]
        return sorted(pairs, key=lambda pair: -pair[2])
