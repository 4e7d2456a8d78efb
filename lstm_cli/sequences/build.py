"""Sequences from the rows of a table: order of the steps, missing values, length and scaling."""

from dataclasses import dataclass

import numpy as np

from lstm_cli.sequences.dataset import SequenceScaler

AUTO_LENGTH = 0.99  # share of the training sequences that --max-length auto does not cut
FEW = 100  # sequences, of which no percentile leaves out the longest one
# Of few sequences, those are cut that are longer than four times the 90th percentile. One very long sequence would make
# every batch that has it slow.
USUAL, FEW_TIMES = 0.9, 4


@dataclass(frozen=True, kw_only=True)
class RawSequences:
    """Sequences in the units of the file."""

    columns: tuple[str, ...]
    values: list[np.ndarray]  # [L, F] float64 each, NaN for a missing value
    names: tuple[str, ...]
    labels: tuple[str, ...]  # "" if unknown
    groups: tuple[str, ...] = ()  # () without groups
    unsorted: int = 0  # sequences whose steps were sorted by time
    repeated: tuple[int, ...] = ()  # row of the first time that a sequence has twice


def group_rows(
    sequence: np.ndarray, values: np.ndarray, times: np.ndarray | None
) -> tuple[list[np.ndarray], int, np.ndarray]:
    """Return the rows of each sequence in the order of their steps.

    Args:
        sequence: index [R] of the sequence of each row.
        values: values [R, F] of each row.
        times: time [R] of each row; None keeps the order of the file.

    Returns:
        The values [L, F] of each sequence, the number of sequences that were not sorted, and the rows [n] whose time
        the sequence has twice.
    """
    order = np.argsort(sequence, kind="stable") if times is None else np.lexsort((times, sequence))
    counts = np.bincount(sequence, minlength=int(sequence.max(initial=-1)) + 1)
    repeated = np.zeros(0, dtype=np.int64)
    unsorted = 0
    if times is not None:
        same = (np.diff(times[order]) == 0) & (np.diff(sequence[order]) == 0)
        repeated = np.sort(order[1:][same])
        in_file = np.argsort(sequence, kind="stable")
        falls = (np.diff(times[in_file]) < 0) & (np.diff(sequence[in_file]) == 0)
        unsorted = len(np.unique(sequence[in_file][1:][falls]))
    return np.split(values[order], np.cumsum(counts)[:-1]), unsorted, repeated


def choose_length(lengths: np.ndarray, chosen: int | None) -> int:
    """Return the number of steps that a model reads.

    Args:
        lengths: steps of each training sequence.
        chosen: value of --max-length; None: the 99th percentile of the lengths. Of fewer than 100 sequences, it is the
            longest one that is not longer than four times the 90th percentile.
    """
    if chosen is not None:
        return min(chosen, int(lengths.max()))
    if len(lengths) < FEW:
        limit = FEW_TIMES * np.quantile(lengths, USUAL, method="lower")
        return int(lengths[lengths <= limit].max())
    return int(np.quantile(lengths, AUTO_LENGTH, method="higher"))


def fill_missing(values: np.ndarray, method: str) -> np.ndarray:
    """Return a sequence without missing values; a column without any value stays missing.

    Args:
        values: values [L, F].
        method: `interpolate` between the steps, or `last`. Both repeat the first value before it.
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    filled, steps = values.copy(), np.arange(len(values))
    for column in np.flatnonzero(missing.any(axis=0) & ~missing.all(axis=0)):
        known = np.flatnonzero(~missing[:, column])
        if method == "last":
            nearest = known[np.maximum(np.searchsorted(known, steps, side="right") - 1, 0)]
            filled[:, column] = values[nearest, column]
        else:
            filled[:, column] = np.interp(steps, known, values[known, column])
    return filled


def fit_scaler(values: np.ndarray, kind: str) -> SequenceScaler:
    """Return the scaler of the training values [T, F]; a constant column is not divided.

    Args:
        values: values of all training sequences, NaN for missing ones.
        kind: `standard`, `minmax`, `robust` or `none`, as scikit-learn defines them.
    """
    width = values.shape[1]
    known = ~np.isnan(values).all(axis=0)
    center, scale = np.zeros(width), np.ones(width)
    some = values[:, known]
    if kind == "standard":
        center[known], scale[known] = np.nanmean(some, axis=0), np.nanstd(some, axis=0)
    elif kind == "minmax":
        low, high = np.nanmin(some, axis=0), np.nanmax(some, axis=0)
        center[known], scale[known] = low, high - low
    elif kind == "robust":
        low, middle, high = np.nanquantile(some, (0.25, 0.5, 0.75), axis=0)
        center[known], scale[known] = middle, high - low
    # Rounding gives a constant column a deviation that is not exactly 0.
    tiny = scale <= 1e-12 * np.maximum(1.0, np.abs(center))
    return SequenceScaler(kind=kind, center=center, scale=np.where(tiny, 1.0, scale))


def scale_sequences(
    sequences: list[np.ndarray], scaler: SequenceScaler, *, max_length: int, missing: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the scaled values [T, F] of all sequences, and the number of steps [S] of each.

    Args:
        sequences: values [L, F] of each sequence, NaN for missing ones.
        scaler: scaler of the training sequences; a column without any value gets its center.
        max_length: number of steps that are kept of a longer sequence, from the first one.
        missing: how missing values are filled.
    """
    kept = [fill_missing(values, missing)[:max_length] for values in sequences]
    lengths = np.array([len(values) for values in kept], dtype=np.int64)
    scaled = scaler.transform(np.concatenate(kept)) if kept else np.zeros((0, len(scaler.center)), np.float32)
    return np.nan_to_num(scaled, nan=0.0, posinf=np.inf, neginf=-np.inf), lengths


def join_tokens(documents: list[np.ndarray], *, max_length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the tokens [T, 1] of all documents, and the number of tokens [S] of each.

    Args:
        documents: tokens [L, 1] of each document.
        max_length: number of tokens that are kept of a longer document, from the first one.
    """
    kept = [tokens[:max_length] for tokens in documents]
    lengths = np.array([len(tokens) for tokens in kept], dtype=np.int64)
    return np.concatenate(kept).astype(np.int32), lengths
