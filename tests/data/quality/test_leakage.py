import numpy as np
import pytest

from lstm_cli.data.quality.leakage import Leak, find_leaks

T = 400


def walk(seed: int = 0, rows: int = T) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=rows).cumsum()


def leak(target: np.ndarray, column: np.ndarray, *, reach: int = 30) -> Leak | None:
    result = find_leaks([np.stack([target, column], axis=1)], [0], [1], max_steps=reach)
    return result[0] if result else None


@pytest.mark.parametrize("ahead", [0, 1, 7, 30, -1, -7, -30])
@pytest.mark.parametrize("factor", [1.0, -2.5])
def test_the_lag_is_found_whatever_the_unit(ahead: int, factor: float) -> None:
    whole = walk(rows=T + 60)
    target, column = whole[30 : T + 30], factor * whole[30 + ahead : T + 30 + ahead] + (factor != 1)
    result = leak(target, column)
    assert result is not None
    assert (result.ahead, result.copy) == (ahead, factor == 1)
    assert result.unexplained == pytest.approx(0, abs=1e-12)


def test_a_leak_beyond_the_compared_lags_is_not_reported() -> None:
    whole = walk(rows=T + 40)
    assert leak(whole[:T], whole[40:]) is None


def test_the_limit_is_a_share_of_the_variance() -> None:
    """White noise e next to a column y: 1 - r^2 is var(e) / (var(y) + var(e)) of values and of changes alike."""
    rng = np.random.default_rng(0)
    target, noise = rng.normal(size=(2, 10_000))
    for share, reported in ((0.9e-3, True), (1.1e-3, False)):
        result = leak(target, target + np.sqrt(share) * noise)
        assert (result is not None) == reported
        if result is not None:
            assert result.unexplained == pytest.approx(share, rel=0.1)


def test_what_is_alike_is_no_leak() -> None:
    rows = np.arange(T)
    noise = np.random.default_rng(1).normal(size=(2, T))
    assert leak(rows + noise[0], rows + noise[1]) is None  # a trend in common
    assert leak(walk(0), walk(1)) is None
    assert leak(walk(0) + 5 * np.sin(rows / 4), 5 * np.sin(rows / 4)) is None
    assert leak(walk(), np.ones(T)) is None
    assert leak(walk(), rows.astype(float)) is None  # a number of the row


def test_missing_cells_are_left_out() -> None:
    target, column = walk(), walk()
    target[50:60] = np.nan
    column[::9] = np.nan
    result = leak(target, column)
    assert result is not None
    assert (result.ahead, result.copy) == (0, True)
    column[20:] = np.nan  # too few pairs
    assert leak(target, column) is None


def test_all_series_with_a_leak_must_agree() -> None:
    series = [np.stack([walk(seed), walk(seed)], axis=1) for seed in range(3)]
    assert len(find_leaks(series, [0], [1], max_steps=5)) == 1
    series[1][:, 1] = 4.0  # constant here: it says nothing
    assert len(find_leaks(series, [0], [1], max_steps=5)) == 1
    series[2][:, 1] = walk(9)
    assert find_leaks(series, [0], [1], max_steps=5) == []


def test_a_leak_names_the_best_matching_target_once() -> None:
    item, other = walk(0), walk(1)
    near = other + 1e-3 * np.random.default_rng(2).normal(size=T)
    result = find_leaks([np.stack([item, near, other], axis=1)], [0, 1], [2], max_steps=5)
    assert [(reported.column, reported.target, reported.ahead, reported.copy) for reported in result] == [
        (2, 1, 0, False)
    ]


def test_short_series_give_no_error() -> None:
    for rows in (1, 2, 5):
        assert leak(walk(rows=rows), walk(rows=rows)) is None


def test_numbers_near_the_largest_give_no_error() -> None:
    for size in (1e300, 1.7e308):
        steps = size * np.random.default_rng(0).uniform(-1, 1, T)
        leak(steps, steps)
    assert leak(walk(), 1e290 * walk()) is not None


@pytest.mark.parametrize("ahead", [0, 3])
@pytest.mark.parametrize("spoiled", ["target", "column"])
def test_a_slip_in_either_column_hides_no_copy(ahead: int, spoiled: str) -> None:
    whole = np.sin(np.arange(T + 30) / 4) + walk(rows=T + 30)
    target, column = whole[:T].copy(), whole[ahead : T + ahead].copy()
    (target if spoiled == "target" else column)[200] = 5_000
    result = leak(target, column)
    assert result is not None
    assert (result.ahead, result.copy) == (ahead, True)


def test_columns_that_differ_here_and_there_by_more_than_slips_are_no_copies() -> None:
    whole = walk()
    column = whole.copy()
    column[::20] += 3 * np.abs(whole).max()
    assert leak(whole, column) is None
