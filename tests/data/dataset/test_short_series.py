"""Tests of the baseline of series that are too short for the model."""

import json

import numpy as np

from lstm_cli.data.dataset.short_series import NO_SHORT_SERIES, ShortSeries


def short() -> ShortSeries:
    """Return three series of two targets: a whole season, one with missing values, and less than a season."""
    nan = np.nan
    return ShortSeries(
        names=("whole", "gaps", "few"),
        origin_us=np.array([0, 10, 20]),
        count=np.array([5, 3, 2]),
        tails=(
            np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]),
            np.array([[nan, nan], [2.0, nan], [3.0, nan]]),
            np.array([[1.0, 10.0], [2.0, 20.0]]),
        ),
    )


def test_the_last_season_is_repeated_or_the_last_value() -> None:
    whole, gaps, few = short().forecast(steps=4, season=3)
    assert whole.tolist() == [[1, 10], [2, 20], [3, 30], [1, 10]]
    assert gaps[:, 0].tolist() == [3, 2, 3, 3]  # a missing value is the last measured one
    assert np.isnan(gaps[:, 1]).all()  # the target was never measured
    assert few.tolist() == [[2, 20]] * 4


def test_without_a_season_the_last_value_is_repeated() -> None:
    assert short().forecast(steps=2, season=1)[0].tolist() == [[3, 30], [3, 30]]


def test_it_is_stored_and_selected() -> None:
    stored = ShortSeries.from_dict(json.loads(json.dumps(short().to_dict(), allow_nan=False)))
    assert stored.names == short().names
    np.testing.assert_array_equal(stored.tails[1], short().tails[1])
    chosen = stored.select(np.array([2, 0]))
    assert (chosen.names, chosen.count.tolist(), chosen.origin_us.tolist()) == (
        ("few", "whole"),
        [2, 5],
        [20, 0],
    )
    assert chosen.tails[1].tolist() == short().tails[0].tolist()
    assert stored.select(np.zeros(0, dtype=np.int64)).names == NO_SHORT_SERIES.names
