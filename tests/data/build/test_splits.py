"""Splits: shares as people write them, and the rows they give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_cli.data.build.splits import SplitSize, parse_split_size, split_rows
from lstm_cli.data.dataset.panel_times import PanelTimes
from lstm_cli.data.frequency.step import DAY, Step
from lstm_cli.errors import DataError, UsageError


def no_dates(text: str) -> np.ndarray:
    raise AssertionError(f"no split is given as a date, yet '{text}' was looked up")


SHARES = st.one_of(
    st.floats(1e-6, 0.99).map(lambda fraction: SplitSize(fraction=fraction)),
    st.integers(0, 500).map(lambda rows: SplitSize(rows=rows)),
)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("0.1", SplitSize(fraction=0.1)),
        (".25", SplitSize(fraction=0.25)),
        ("1e-1", SplitSize(fraction=0.1)),
        ("10%", SplitSize(fraction=0.1)),
        (" 2.5% ", SplitSize(fraction=0.025)),
        ("48", SplitSize(rows=48)),
        ("1", SplitSize(rows=1)),
        ("0", SplitSize(rows=0)),
        ("0.0", SplitSize(rows=0)),
        ("0%", SplitSize(rows=0)),
        ("2018-01-01", SplitSize(date="2018-01-01")),
        ("20180101", SplitSize(date="20180101")),
        ("2018-01-01 12:00", SplitSize(date="2018-01-01 12:00")),
    ],
)
def test_a_share_is_a_fraction_a_number_of_steps_or_a_date(text: str, share: SplitSize) -> None:
    assert parse_split_size("--val", text) == share


@pytest.mark.parametrize("text", ["1.0", "1.5", "100%", "250%", "-0.1", "-5", "-10%"])
def test_a_share_of_everything_or_less_than_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=f"--test {text}"):
        parse_split_size("--test", text)


def test_the_rows_of_the_published_tables() -> None:
    train_end, val_end = split_rows(
        np.array([14_400]),
        val=SplitSize(rows=2880),
        test=SplitSize(rows=2880),
        horizon=96,
        rows_before=no_dates,
    )
    assert (train_end.tolist(), val_end.tolist()) == ([8640], [11_520])
    same = split_rows(
        np.array([14_400]),
        val=SplitSize(fraction=0.2),
        test=SplitSize(fraction=0.2),
        horizon=96,
        rows_before=no_dates,
    )
    assert [end.tolist() for end in same] == [[8640], [11_520]]


def test_a_fraction_is_not_lost_to_binary_rounding() -> None:
    # 0.1 * 30 is 3.0000000000000004 and 0.29 * 100 is 28.999999999999996.
    assert split_ends(30, val=SplitSize(fraction=0.1), test=SplitSize(fraction=0.1)) == (24, 27)
    assert split_ends(100, val=SplitSize(fraction=0.29), test=SplitSize(fraction=0.29)) == (42, 71)


def test_a_fraction_holds_at_least_one_window_but_a_number_is_taken_at_its_word() -> None:
    assert split_ends(50, val=SplitSize(fraction=0.1), test=SplitSize(fraction=0.2), horizon=12) == (26, 38)
    assert split_ends(50, val=SplitSize(rows=2), test=SplitSize(rows=0), horizon=12) == (48, 50)


def test_series_without_common_times_are_split_for_themselves() -> None:
    train_end, val_end = split_rows(
        np.array([100, 40, 5]),
        val=SplitSize(fraction=0.1),
        test=SplitSize(fraction=0.2),
        horizon=4,
        rows_before=no_dates,
    )
    assert train_end.tolist() == [70, 28, -3]  # the last is too short for its splits
    assert val_end.tolist() == [80, 32, 1]


def panel_of(first: list[int], counts: list[int]) -> PanelTimes:
    panel = PanelTimes.from_grids(
        Step(kind="seconds", count=DAY), np.array(first) * DAY, np.array(counts), timed=True
    )
    assert panel is not None
    return panel


@pytest.mark.parametrize(
    ("val", "test"),
    [(SplitSize(fraction=0.1), SplitSize(fraction=0.2)), (SplitSize(rows=13), SplitSize(rows=26))],
)
def test_one_time_divides_all_series_of_a_panel(val: SplitSize, test: SplitSize) -> None:
    """Days 0 to 99, 50 to 119 and 90 to 129: 26 of 130 days test, from day 104, and 13 validate, from day 91."""
    counts = [100, 70, 40]
    train_end, val_end = split_rows(
        np.array(counts),
        val=val,
        test=test,
        horizon=4,
        rows_before=no_dates,
        panel=panel_of([0, 50, 90], counts),
    )
    assert train_end.tolist() == [91, 41, 1]
    assert val_end.tolist() == [100, 54, 14]  # the first series ended on day 99 and is not tested


def test_a_fraction_of_a_panel_holds_at_least_one_window() -> None:
    counts = [40, 20]
    train_end, val_end = split_rows(
        np.array(counts), val=SplitSize(fraction=0.1), test=SplitSize(fraction=0.1), horizon=12, rows_before=no_dates,
        panel=panel_of([0, 30], counts),
    )  # fmt: skip
    assert (train_end.tolist(), val_end.tolist()) == (
        [26, 0],
        [38, 8],
    )  # of 50 days the last 12, and 12 before


def test_a_share_of_a_panel_is_taken_before_a_date() -> None:
    counts = [100, 70]
    train_end, val_end = split_rows(
        np.array(counts),
        val=SplitSize(rows=20),
        test=SplitSize(date="day 80"),
        horizon=4,
        rows_before={"day 80": np.array([80, 30])}.__getitem__,
        panel=panel_of([0, 50], counts),
    )
    assert (train_end.tolist(), val_end.tolist()) == ([60, 10], [80, 30])


def test_dates_split_every_series_at_the_same_time() -> None:
    rows = {"2018-01-01": np.array([60, 10]), "2018-02-01": np.array([80, 30])}
    train_end, val_end = split_rows(
        np.array([100, 50]),
        val=SplitSize(date="2018-01-01"),
        test=SplitSize(date="2018-02-01"),
        horizon=4,
        rows_before=rows.__getitem__,
    )
    assert (train_end.tolist(), val_end.tolist()) == ([60, 10], [80, 30])


def test_a_date_for_one_split_and_a_number_for_the_other() -> None:
    def rows_before(date: str) -> np.ndarray:
        return np.array([60, 45])

    train_end, val_end = split_rows(
        np.array([100, 50]),
        val=SplitSize(date="a"),
        test=SplitSize(rows=20),
        horizon=4,
        rows_before=rows_before,
    )
    # The second series has no validation rows before its test rows: they still do not overlap.
    assert (train_end.tolist(), val_end.tolist()) == ([60, 30], [80, 30])


def test_a_validation_date_after_the_test_rows_is_refused() -> None:
    with pytest.raises(DataError, match="--val 2020-01-01 is not before the test rows") as caught:
        split_rows(
            np.array([100]),
            val=SplitSize(date="2020-01-01"),
            test=SplitSize(rows=20),
            horizon=4,
            rows_before=lambda date: np.array([80]),
        )
    assert caught.value.hint


@given(
    counts=st.lists(st.integers(0, 5000), min_size=1, max_size=5),
    val=SHARES,
    test=SHARES,
    horizon=st.integers(1, 100),
)
def test_splits_follow_one_another(counts: list[int], val: SplitSize, test: SplitSize, horizon: int) -> None:
    rows = np.array(counts)
    train_end, val_end = split_rows(rows, val=val, test=test, horizon=horizon, rows_before=no_dates)
    assert train_end.dtype == val_end.dtype == np.int64
    assert (train_end <= val_end).all()
    assert (val_end <= rows).all()
    for share, taken in ((val, val_end - train_end), (test, rows - val_end)):
        if share.fraction is not None:
            assert (taken >= horizon).all()
            assert (taken <= np.maximum(rows * share.fraction + 1e-6, horizon)).all()


def split_ends(count: int, *, val: SplitSize, test: SplitSize, horizon: int = 1) -> tuple[int, int]:
    train_end, val_end = split_rows(
        np.array([count]), val=val, test=test, horizon=horizon, rows_before=no_dates
    )
    return int(train_end[0]), int(val_end[0])
