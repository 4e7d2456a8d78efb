"""Tests of the splits of labelled sequences, and of duplicates across splits."""

import numpy as np
import pytest

from lstm_cli.sequences.splits import find_duplicates, split_by_class, split_by_group


def test_each_class_has_its_share_in_each_split() -> None:
    labels = np.repeat([0, 1, 2], [100, 20, 3])
    split = split_by_class(labels, val=0.1, test=0.2)
    counts = [
        [int(((split == number) & (labels == label)).sum()) for number in range(3)] for label in range(3)
    ]
    assert counts == [[70, 10, 20], [14, 2, 4], [1, 1, 1]]
    assert split.tolist() == split_by_class(labels, val=0.1, test=0.2).tolist()


@pytest.mark.parametrize("count", [1, 2])
def test_a_rare_class_stays_in_the_training_set(count: int) -> None:
    split = split_by_class(np.zeros(count, dtype=int), val=0.1, test=0.1)
    assert (split == 0).sum() == count


@pytest.mark.parametrize(
    ("sizes", "val", "test", "counts"),
    [
        ((2, 2), 1, 1, [[1, 0, 1], [1, 1, 0]]),
        ((50, 30, 20), 5, 10, [[42, 3, 5], [26, 1, 3], [17, 1, 2]]),  # quotas 2.5, 1.5, 1 and 5, 3, 2
        ((90, 7, 3), 3, 10, [[81, 1, 8], [5, 1, 1], [1, 1, 1]]),  # quotas 9, 0.7 and 0.3 of the test set
        ((97, 3), 1, 1, [[95, 1, 1], [3, 0, 0]]),
        ((4, 1), 1, 3, [[1, 0, 3], [1, 0, 0]]),  # one of each class is left for training
    ],
)
def test_a_number_of_sequences_is_exact(
    sizes: tuple[int, ...], val: int, test: int, counts: list[list[int]]
) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    total = len(labels)
    split = split_by_class(labels, val=val / total, test=test / total, val_count=val, test_count=test)
    assert [
        np.bincount(split[labels == label], minlength=3).tolist() for label in range(len(sizes))
    ] == counts


def test_the_shares_of_many_small_classes_do_not_round_to_nothing() -> None:
    split = split_by_class(np.repeat(np.arange(50), 2), val=0.1, test=0.2)
    assert np.bincount(split).tolist() == [70, 10, 20]


def test_no_test_set_leaves_the_rest_as_it_is() -> None:
    split = split_by_class(np.zeros(10, dtype=int), val=0.2, test=0.0)
    assert [int((split == number).sum()) for number in range(3)] == [8, 2, 0]


def test_a_group_is_in_one_split_only() -> None:
    groups = np.array([f"p{number % 12}" for number in range(240)])
    split = split_by_group(groups, val=0.2, test=0.25)
    for name in set(groups):
        assert len(set(split[groups == name])) == 1
    shares = [float((split == number).mean()) for number in range(3)]
    assert shares == pytest.approx([0.55, 0.2, 0.25], abs=0.09)


def test_two_groups_give_a_training_and_a_test_set() -> None:
    split = split_by_group(np.array(["a", "a", "b", "b"]), val=0.1, test=0.2)
    assert sorted(set(split.tolist())) == [0, 2]


def test_duplicates_across_splits_are_found() -> None:
    one, other = np.array([[1.0], [np.nan]]), np.array([[2.0], [0.0]])
    sequences = [one, other, one.copy(), np.array([[2.0], [-0.0]]), one[:1], one.copy()]
    # The third equals the first within the training set, which is no leak.
    assert find_duplicates(sequences, np.array([0, 0, 0, 2, 2, 1])) == [(3, 1), (5, 0)]
    assert find_duplicates(sequences[:3], np.array([2, 0, 1])) == [(0, 2)]
