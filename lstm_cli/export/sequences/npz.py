"""Sequences of each split as padded arrays of an `.npz` file, for programs that train other models."""

import numpy as np

from lstm_cli.export.windows_npz import WindowArray
from lstm_cli.sequences.dataset import SPLITS, SequenceData


def sequence_arrays(data: SequenceData) -> list[WindowArray]:
    """Return the arrays of all splits, named after the split: X_train, lengths_train, y_train and id_train."""
    return [array for split in SPLITS for array in _arrays(data.select(data.indices(split)), split)]


def _arrays(data: SequenceData, split: str) -> list[WindowArray]:
    count, length = len(data.names), data.schema.max_length
    padded = data.padded(np.arange(count), length) if count else np.zeros((0, length, data.values.shape[1]))
    return [
        _array(
            f"X_{split}",
            padded.astype(data.values.dtype),
            "values, the first step first, zeros after the last; scaled",
        ),
        _array(f"lengths_{split}", data.lengths, "number of steps"),
        _array(f"y_{split}", data.labels, "index of the class in the list of classes"),
        _array(f"id_{split}", np.array(data.names, dtype=np.str_), "id of the sequence"),
    ]


def _array(name: str, values: np.ndarray, meaning: str) -> WindowArray:
    return WindowArray(
        name=name, shape=values.shape, dtype=values.dtype, meaning=meaning, pieces=lambda: iter((values,))
    )
