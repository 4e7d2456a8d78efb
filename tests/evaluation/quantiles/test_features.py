"""Tests of the features of a window, worked by hand."""

import numpy as np
import pytest

from lstm_cli.evaluation.quantiles.features import LEAST_CHANGE, count_features, window_features
from lstm_cli.evaluation.quantiles.intervals import local_scale

CYCLE = 2  # season
PAST = np.array([1.0, 4.0, 3.0, 8.0, 5.0, 6.0])  # changes over a cycle: 2, 4, 2, 2


def features(
    past: np.ndarray, mask: np.ndarray | None = None, *, season: int = CYCLE, steps: int = 2
) -> np.ndarray:
    """Return the features [steps, F] of a window with the forecast 7 and the spread 2."""
    known = np.ones(len(past)) if mask is None else mask
    result = window_features(
        np.full((1, steps, 1), 7.0), past[None, :, None], known[None], np.full((1, 1), 2.0),
        season=season, horizon=steps, steps=np.arange(steps),
    )  # fmt: skip
    return result[0, :, 0]


def ratio(change: float) -> float:
    return float(np.log(change / 2 + LEAST_CHANGE))


def test_features_by_hand() -> None:
    result = features(PAST)
    center, deviation = PAST.mean(), PAST.std()
    assert result[:, 0] == pytest.approx([-0.5, 0.5])  # the middles of both steps, from -1 to 1
    assert result[:, 1] == pytest.approx([1.0, np.exp(-4)])
    assert result[:, 2] == pytest.approx(np.log(2))
    assert result[:, 3] == pytest.approx(ratio((2 + 2) / 2))  # the last cycle
    assert result[:, 4] == pytest.approx(ratio((2 + 4 + 2 + 2) / 4))
    assert result[:, 5] == pytest.approx(ratio(deviation))
    assert result[:, 6] == pytest.approx((7 - center) / deviation)
    assert result[:, 7] == pytest.approx([(7 - 5) / 2, (7 - 6) / 2])  # seasonal naive: 5, 6
    assert result[:, 8] == pytest.approx((5.5 - center) / deviation)
    # changes of odd and even steps: (2 + 2) / 2 and (4 + 2) / 2, smoothed with weights 1/4, 1/2, 1/4
    assert result[:, 9] == pytest.approx([ratio(2.5), ratio(2.5)])
    assert result[:, 10] == pytest.approx([-1, 1])  # 3 and 6, without their mean, in deviations
    assert result.shape[1] == count_features(len(PAST), CYCLE) == 11


def test_padding_does_not_count() -> None:
    padded = np.concatenate([np.full(4, PAST[0]), PAST])
    mask = np.concatenate([np.zeros(4), np.ones(6)])
    assert features(padded, mask) == pytest.approx(features(PAST), abs=1e-6)


@pytest.mark.parametrize(("lookback", "season"), [(1, 1), (1, 5), (3, 5), (5, 5), (14, 5), (15, 5), (9, 1)])
def test_any_lookback_gives_finite_features(lookback: int, season: int) -> None:
    result = features(np.arange(lookback, dtype=float), season=season, steps=7)
    assert result.shape == (7, count_features(lookback, season))
    assert np.isfinite(result).all()
    unknown = features(np.zeros(lookback), np.zeros(lookback), season=season, steps=7)
    assert np.isfinite(unknown).all()


@pytest.mark.parametrize(("lookback", "season"), [(24, 5), (24, 1), (9, 5), (4, 7)])
def test_windows_without_padding_do_not_depend_on_the_others(lookback: int, season: int) -> None:
    random = np.random.default_rng(0)
    past = random.normal(size=(3, lookback, 2)).astype(np.float32)
    forecast = random.normal(size=(3, 7, 2)).astype(np.float32)
    mask = np.ones((3, lookback), dtype=np.float32)
    mask[2, :2] = 0
    spread = local_scale(past, mask, season) + 1

    def of(windows: slice) -> np.ndarray:
        return window_features(
            forecast[windows], past[windows], mask[windows], spread[windows],
            season=season, horizon=5, steps=np.arange(7),
        )  # fmt: skip

    assert np.array_equal(of(slice(2)), of(slice(3))[:2])
    assert np.array_equal(local_scale(past[:2], mask[:2], season), local_scale(past, mask, season)[:2])
