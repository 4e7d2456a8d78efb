"""Tests of sequences made from rows: order, missing values, length and scaling."""

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from lstm_cli.sequences.build import choose_length, fill_missing, fit_scaler, group_rows, scale_sequences


def test_rows_are_grouped_in_the_order_of_the_file() -> None:
    grouped, unsorted, repeated = group_rows(np.array([0, 1, 0, 1]), np.arange(4.0)[:, None], None)
    assert [values[:, 0].tolist() for values in grouped] == [[0, 2], [1, 3]]
    assert (unsorted, len(repeated)) == (0, 0)


def test_rows_are_sorted_by_time_and_duplicate_times_are_found() -> None:
    sequence, times = np.array([0, 1, 0, 1, 1]), np.array([5, 1, 3, 2, 2])
    grouped, unsorted, repeated = group_rows(sequence, np.arange(5.0)[:, None], times)
    assert grouped[0][:, 0].tolist() == [2, 0]
    assert unsorted == 1
    assert repeated.tolist() == [4]


def test_the_automatic_length_cuts_at_most_one_percent() -> None:
    lengths = np.arange(1, 201)
    assert choose_length(lengths, None) == 199
    assert choose_length(np.array([5, 5, 5]), None) == 5
    assert choose_length(lengths, 50) == 50
    assert choose_length(lengths, 1_000) == 200


def test_the_automatic_length_of_few_sequences_leaves_out_a_very_long_one() -> None:
    lengths = np.append(np.arange(20, 60), 10_000)
    assert choose_length(lengths, None) == 59
    assert choose_length(lengths, 10_000) == 10_000
    assert choose_length(np.append(lengths[:-1], 4 * 56), None) == 224  # 56 is the 90th percentile
    assert choose_length(np.append(lengths[:-1], 4 * 56 + 1), None) == 59
    assert choose_length(np.array([3]), None) == 3


def test_missing_values_are_filled() -> None:
    values = np.array([[np.nan, np.nan], [1.0, np.nan], [np.nan, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    assert fill_missing(values, "interpolate")[:, 0].tolist() == [1, 1, 2, 3, 3]
    assert fill_missing(values, "last")[:, 0].tolist() == [1, 1, 1, 3, 3]
    assert np.isnan(fill_missing(values, "last")[:, 1]).all()


@pytest.mark.parametrize(
    ("kind", "oracle"), [("standard", StandardScaler), ("minmax", MinMaxScaler), ("robust", RobustScaler)]
)
def test_the_scaler_is_that_of_scikit_learn(kind: str, oracle: type) -> None:
    values = np.random.default_rng(0).normal(5, 3, size=(50, 3))
    values[:, 2] = 7.0
    expected = oracle().fit_transform(values)
    np.testing.assert_allclose(fit_scaler(values, kind).transform(values), expected, atol=1e-5)


def test_a_column_without_a_value_becomes_zero() -> None:
    scaler = fit_scaler(np.array([[1.0, np.nan], [3.0, np.nan]]), "standard")
    values, lengths = scale_sequences(
        [np.array([[1.0, 5.0], [3.0, np.nan], [9.0, 9.0]])], scaler, max_length=2, missing="last"
    )
    assert values.tolist() == [[-1, 5], [1, 5]]
    assert lengths.tolist() == [2]
