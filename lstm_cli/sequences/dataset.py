"""Labelled sequences as a run holds them, and their batches with padding."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

SPLITS = ("train", "val", "test")  # numbers 0, 1 and 2
UNKNOWN = -1  # label of a sequence in new data


@dataclass(frozen=True, kw_only=True)
class SequenceSchema:
    """Columns, classes and length of the sequences that a model reads."""

    columns: tuple[str, ...]  # F value columns
    classes: tuple[str, ...]  # K labels, sorted
    sequence: str | None  # column with the id of a sequence; None for a `.ts` file
    label: str | None  # column with the label
    time: tuple[str, ...]  # columns that order the steps; () for the order of the file
    max_length: int  # steps; the further steps of a longer sequence are cut
    missing: str  # how missing values are filled
    tokens: int = 0  # size of the vocabulary of documents, whose only column is the text; 0 for value columns
    token_kind: str = ""  # kind of their tokens

    @staticmethod
    def from_dict(stored: Mapping[str, Any]) -> "SequenceSchema":
        """Return the schema from its JSON object. Raise TypeError or ValueError for other values."""
        lists = ("columns", "classes", "time")
        schema = SequenceSchema(**{**stored, **{name: tuple(map(str, stored[name])) for name in lists}})
        if schema.max_length < 1 or len(schema.classes) < 2 or not schema.columns:
            raise ValueError("the schema has no columns, classes or steps")
        return schema

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of the schema."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class SequenceScaler:
    """Center and scale of each value column, fitted on the training sequences."""

    kind: str
    center: np.ndarray  # [F]
    scale: np.ndarray  # [F], above 0

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Return the scaled values [T, F] as float32."""
        with np.errstate(over="ignore"):  # infinite values are refused after this
            return ((values - self.center) / self.scale).astype(np.float32)

    @staticmethod
    def of_tokens() -> "SequenceScaler":
        """Return the scaler of documents, whose tokens are not scaled."""
        return SequenceScaler(kind="none", center=np.zeros(1), scale=np.ones(1))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of the scaler."""
        return {"kind": self.kind, "center": self.center.tolist(), "scale": self.scale.tolist()}

    @staticmethod
    def from_dict(stored: Mapping[str, Any]) -> "SequenceScaler":
        """Return the scaler from its JSON object. Raise TypeError or ValueError for other values."""
        center, scale = (np.array(stored[name], dtype=np.float64) for name in ("center", "scale"))
        if center.shape != scale.shape or center.ndim != 1 or not (scale > 0).all():
            raise ValueError("the scaler has other shapes, or a scale of 0")
        return SequenceScaler(kind=str(stored["kind"]), center=center, scale=scale)


@dataclass(frozen=True, kw_only=True)
class SequenceData:
    """S sequences of unequal length, one after the other."""

    schema: SequenceSchema
    scaler: SequenceScaler
    values: np.ndarray  # [T, F] float32, scaled, without missing values; tokens [T, 1] int32 of documents
    lengths: np.ndarray  # [S] int64 steps, at least 1
    labels: np.ndarray  # [S] int64, index of a class; UNKNOWN in new data
    names: tuple[str, ...]  # [S] ids
    split: np.ndarray  # [S] int64, index into SPLITS

    def __post_init__(self) -> None:
        counts = {len(self.lengths), len(self.labels), len(self.names), len(self.split)}
        if (
            len(counts) != 1
            or self.values.shape != (int(self.lengths.sum()), len(self.schema.columns))
            or (len(self.lengths) and self.lengths.min() < 1)
            or not np.isin(self.split, range(len(SPLITS))).all()
            or not ((self.labels >= UNKNOWN) & (self.labels < len(self.schema.classes))).all()
        ):
            raise ValueError("the shapes of the sequences do not match")
        if self.schema.tokens and (
            self.values.dtype != np.int32
            or self.values.min(initial=0) < 0
            or self.values.max(initial=0) >= self.schema.tokens
        ):
            raise ValueError("a token is not in the vocabulary")

    @property
    def offsets(self) -> np.ndarray:
        """Return the first step [S] of each sequence in `values`."""
        return np.cumsum(self.lengths) - self.lengths

    def indices(self, split: str) -> np.ndarray:
        """Return the indices of the sequences of a split."""
        return np.flatnonzero(self.split == SPLITS.index(split))

    def select(self, indices: np.ndarray) -> "SequenceData":
        """Return the sequences at these indices [n]."""
        offsets = self.offsets
        spans = [np.arange(offsets[index], offsets[index] + self.lengths[index]) for index in indices]
        rows = np.concatenate(spans) if spans else np.zeros(0, dtype=np.int64)
        return replace(
            self,
            values=self.values[rows],
            lengths=self.lengths[indices],
            labels=self.labels[indices],
            names=tuple(self.names[index] for index in indices),
            split=self.split[indices],
        )

    def padded(self, indices: np.ndarray, length: int | None = None) -> np.ndarray:
        """Return sequences [B, L, F] with zeros after their last step.

        Args:
            indices: indices [B] of the sequences.
            length: number of steps L; None: the longest sequence.
        """
        lengths = self.lengths[indices]
        steps = np.arange(int(lengths.max()) if length is None else length)
        rows = self.offsets[indices][:, None] + np.minimum(steps, lengths[:, None] - 1)
        padded: np.ndarray = self.values[rows] * (steps < lengths[:, None])[:, :, None]
        return padded


def batches_of_similar_length(lengths: np.ndarray, steps: int, largest: int = 256) -> Iterator[np.ndarray]:
    """Yield the indices of all sequences in batches, the shortest first.

    Args:
        lengths: steps [S] of each sequence.
        steps: largest number of steps in a batch with its padding, if the batch has several sequences.
        largest: largest number of sequences in a batch.
    """
    order = np.argsort(lengths, kind="stable")
    begin = 0
    while begin < len(order):
        count = 1
        while (
            begin + count < len(order)
            and count < largest
            and (count + 1) * int(lengths[order[begin + count]]) <= steps
        ):
            count += 1
        yield order[begin : begin + count]
        begin += count
