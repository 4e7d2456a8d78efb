"""Tests of the union of a panel's time grids, against numbers worked by hand and sets of times."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_cli.data.dataset.panel_times import PanelTimes
from lstm_cli.data.frequency.step import DAY, HOUR, MINUTE, Step, parse_freq

DAILY = Step(kind="seconds", count=DAY)


def times_of(first: list[int], count: list[int], step: Step = DAILY) -> PanelTimes | None:
    return PanelTimes.from_grids(step, step.times(np.array(first), 0), np.array(count), timed=True)


def test_the_union_by_hand() -> None:
    """Days 0 to 9, 5 to 14 and 20 to 24: 20 days, and a gap of five that counts for nothing."""
    panel = times_of([0, 5, 20], [10, 10, 5])
    assert panel is not None
    assert panel.steps == 20
    assert panel.rows_before(20).tolist() == [10, 10, 5]
    assert panel.rows_before(17).tolist() == [10, 10, 2]
    assert panel.rows_before(15).tolist() == [10, 10, 0]
    assert panel.rows_before(8).tolist() == [8, 3, 0]
    assert panel.rows_before(0).tolist() == panel.rows_before(-4).tolist() == [0, 0, 0]
    assert panel.index_of(np.array([8, 3, 0])) == 8
    assert panel.index_of(np.array([10, 10, 2])) == 17
    assert panel.index_of(np.array([8, 8, 4])) is None  # the last two rows of each: three different days


def test_series_that_share_no_time_have_no_common_times() -> None:
    assert times_of([0, 10, 20], [10, 10, 5]) is None
    assert times_of([0], [10]) is None
    assert PanelTimes.from_grids(DAILY, np.zeros(2, dtype=np.int64), np.array([5, 5]), timed=False) is None
    assert times_of([0, 10, 19], [10, 10, 5]) is not None  # day 19


def test_rows_between_two_steps_count_to_the_step_before() -> None:
    """Hourly series, one at the full hour and one at twenty past."""
    step = Step(kind="seconds", count=HOUR)
    panel = PanelTimes.from_grids(step, np.array([0, 3 * HOUR + 20 * MINUTE]), np.array([10, 10]), timed=True)
    assert panel is not None
    assert panel.steps == 13
    assert panel.rows_before(5).tolist() == [5, 2]  # before 05:00: 03:20 and 04:20


@pytest.mark.parametrize("freq", ["D", "B", "MS", "ME", "QS", "15min"])
@given(data=st.data())
def test_it_is_the_set_of_all_times(freq: str, data: st.DataObject) -> None:
    step = parse_freq(freq)
    start = int(np.datetime64("2024-01-31" if freq == "ME" else "2024-01-01", "us").astype(np.int64))
    series = data.draw(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30)), min_size=2, max_size=6))
    first, count = (np.array(column) for column in zip(*series, strict=True))
    origin = step.times(first, start)
    each = [step.times(np.arange(rows), int(begin)) for begin, rows in zip(origin, count, strict=True)]
    union = np.unique(np.concatenate(each))
    panel = PanelTimes.from_grids(step, origin, count, timed=True)
    if len(union) == count.sum():
        assert panel is None
        return
    assert panel is not None
    assert panel.steps == len(union)
    place = data.draw(st.integers(0, len(union) - 1))
    rows = panel.rows_before(place)
    assert rows.tolist() == [int((times < union[place]).sum()) for times in each]
    repeated = panel.index_of(rows)
    assert repeated is not None
    assert panel.rows_before(repeated).tolist() == rows.tolist()
