"""Splits of labelled sequences: stratified by class, or by group, and duplicates across splits."""

import hashlib
from collections import defaultdict

import numpy as np

from lstm_cli.sequences.dataset import SPLITS

SEED = 0  # of the random order; a constant, so that the same file has the same splits
TRAIN, VAL, TEST = range(len(SPLITS))


def split_by_class(
    labels: np.ndarray,
    *,
    val: float,
    test: float,
    val_count: int | None = None,
    test_count: int | None = None,
) -> np.ndarray:
    """Return the split [S] of each sequence; each class has the same share in each split.

    A class with at least three sequences has one in each split that is not empty. A number of sequences is exact, so
    it may be too small for that.

    Args:
        labels: class [S] of each sequence.
        val: share of the validation set.
        test: share of the test set.
        val_count: number of validation sequences; None: their share counts.
        test_count: number of test sequences; None: their share counts.
    """
    generator = np.random.default_rng(SEED)
    split = np.full(len(labels), TRAIN)
    classes, sizes = np.unique(labels, return_counts=True)
    # At least one sequence of each class is left for training.
    tests = _counts(sizes, test, test_count, most=sizes - 1)
    vals = _counts(sizes, val, val_count, most=sizes - 1 - tests)
    for label, of_test, of_val in zip(classes, tests.tolist(), vals.tolist(), strict=True):
        order = generator.permutation(np.flatnonzero(labels == label))
        split[order[:of_test]] = TEST
        split[order[of_test : of_test + of_val]] = VAL
    return split


def _counts(sizes: np.ndarray, share: float, total: int | None, *, most: np.ndarray) -> np.ndarray:
    """Return the number [K] of sequences of each class in a split.

    Args:
        sizes: sequences [K] of each class.
        share: share of the split.
        total: number of sequences of the split; None: the share counts.
        most: largest number [K] of each class.
    """
    least = np.minimum((sizes >= len(SPLITS)).astype(np.int64), most) * (share > 0)
    if total is None:
        counts = np.minimum(np.maximum(np.round(share * sizes).astype(np.int64), least), most)
        if counts.any():
            return counts
        total = round(share * int(sizes.sum()))  # the share of each class is less than half a sequence
    # The classes with the largest remainders get the sequences that rounding down leaves.
    quotas = total * sizes / sizes.sum()
    counts = np.minimum(np.floor(quotas).astype(np.int64), most)
    if least.sum() <= total:
        counts = np.maximum(counts, least)
        for _ in range(int(counts.sum()) - total):
            counts[np.argmax(np.where(counts > least, counts - quotas, -np.inf))] -= 1
    for _ in range(min(total, int(most.sum())) - int(counts.sum())):
        counts[np.argmax(np.where(counts < most, quotas - counts, -np.inf))] += 1
    return counts


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
