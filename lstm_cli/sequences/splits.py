"""Splits of labelled sequences: stratified by class, or by group, and duplicates across splits."""

import hashlib
from collections import defaultdict

import numpy as np

from lstm_cli.sequences.dataset import SPLITS

SEED = 0  # of the random order; a constant, so that the same file has the same splits
TRAIN, VAL, TEST = range(len(SPLITS))


def split_by_class(labels: np.ndarray, *, val: float, test: float) -> np.ndarray:
    """Return the split [S] of each sequence; each class has the same share in each split.

    A class with at least three sequences has one in each split that is not empty.

    Args:
        labels: class [S] of each sequence.
        val: share of the validation set.
        test: share of the test set.
    """
    generator = np.random.default_rng(SEED)
    split = np.full(len(labels), TRAIN)
    for label in np.unique(labels):
        order = generator.permutation(np.flatnonzero(labels == label))
        tests, vals = _counts(len(order), val=val, test=test)
        split[order[:tests]] = TEST
        split[order[tests : tests + vals]] = VAL
    return split


def _counts(sequences: int, *, val: float, test: float) -> tuple[int, int]:
    """Return the number of test and validation sequences of a class, which leave at least one for training."""
    least = 1 if sequences >= len(SPLITS) else 0
    tests = max(round(test * sequences), least) if test else 0
    vals = max(round(val * sequences), least) if val else 0
    tests = min(tests, max(0, sequences - 1))
    return tests, min(vals, max(0, sequences - 1 - tests))


def split_by_group(groups: np.ndarray, *, val: float, test: float) -> np.ndarray:
    """Return the split [S] of each sequence; all sequences of a group are in one split.

    Args:
        groups: group [S] of each sequence.
        val: share of the sequences in the validation set; at least one group.
        test: share of the sequences in the test set; at least one group.
    """
    names, counts = np.unique(groups, return_counts=True)
    order = np.random.default_rng(SEED).permutation(len(names))
    split = np.full(len(groups), TRAIN)
    left = list(order)
    for number, share in ((TEST, test), (VAL, val)):
        wanted, taken = share * len(groups), 0
        while share and len(left) > 1 and (not taken or taken + counts[left[0]] / 2 <= wanted):
            group = left.pop(0)
            split[groups == names[group]] = number
            taken += int(counts[group])
    return split


def find_duplicates(sequences: list[np.ndarray], split: np.ndarray) -> list[tuple[int, int]]:
    """Return each sequence outside of the training set that equals a sequence of another, earlier split.

    Args:
        sequences: values [L, F] of each sequence, as in the file.
        split: split [S] of each sequence.

    Returns:
        Pairs of the sequence and the first equal one.
    """
    first: dict[bytes, int] = {}
    pairs = []
    copies: dict[bytes, list[int]] = defaultdict(list)
    for index, values in enumerate(sequences):
        # -0.0 equals 0.0, and missing values have one form.
        content = np.where(np.isnan(values), np.nan, values + 0.0).tobytes()
        copies[hashlib.sha256(content).digest()].append(index)
    for key, indices in copies.items():
        for index in sorted(indices, key=lambda each: (split[each], each)):
            earlier = first.setdefault(key, index)
            if split[earlier] < split[index]:
                pairs.append((index, earlier))
    return sorted(pairs)
