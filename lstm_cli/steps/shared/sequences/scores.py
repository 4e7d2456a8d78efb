"""Scores of a classifier next to the majority class and the simple model."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_cli.evaluation.classification.metrics import ClassifiedSequences, compare, majority
from lstm_cli.inference.sequence_session import SequenceSession
from lstm_cli.sequences.dataset import SequenceData


@dataclass(frozen=True, kw_only=True)
class ClassifierScores:
    """Model and baselines on the sequences of a split."""

    model: ClassifiedSequences
    baselines: dict[str, ClassifiedSequences]

    def comparisons(self) -> dict[str, dict[str, Any]]:
        """Return the difference of the log-loss from that of each baseline, with its interval."""
        return {name: compare(self.model, baseline) for name, baseline in self.baselines.items()}


def score_split(data: SequenceData, split: str, session: SequenceSession) -> ClassifierScores:
    """Return the model and the baselines on a split.

    Args:
        data: prepared sequences.
        split: `val` or `test`.
        session: session of the classifier.
    """
    chosen = data.select(data.indices(split))
    probabilities, simple = (side.astype(np.float64) for side in session(chosen))
    classes, labels = len(data.schema.classes), chosen.labels
    return ClassifierScores(
        model=ClassifiedSequences(labels=labels, probabilities=probabilities),
        baselines={
            "majority": majority(data.labels[data.indices("train")], labels, classes),
            "simple": ClassifiedSequences(labels=labels, probabilities=simple),
        },
    )
