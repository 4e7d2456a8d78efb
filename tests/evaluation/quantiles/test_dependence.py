"""Tests of the correlations between steps and targets, and of the noise that has them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_cli.evaluation.quantiles import dependence
from lstm_cli.evaluation.quantiles.dependence import (
    Dependence,
    ScoreMoments,
    fit_correlations,
    require_correlations,
)


def ar1(steps: int, correlation: float) -> np.ndarray:
    return correlation ** np.abs(np.subtract.outer(np.arange(steps), np.arange(steps)))


def correlated(count: int, steps: np.ndarray, targets: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return normal variables [count, H, C], by the covariance of all their pairs."""
    covariance = np.kron(steps, targets)
    rows = np.random.default_rng(seed).multivariate_normal(np.zeros(len(covariance)), covariance, count)
    return rows.reshape(count, len(steps), len(targets))


def fitted(scores: np.ndarray, *, horizons: float | None = None) -> Dependence:
    count = np.full(scores.shape[1], horizons or float(len(scores)))
    moments = ScoreMoments(targets=scores.shape[2], horizons=count)
    moments.add(scores)
    return fit_correlations([(moments, 1.0)])


def test_the_correlations_of_simulated_errors_are_found() -> None:
    steps, targets = ar1(12, 0.8), np.array([[1, 0.5], [0.5, 1]])
    found = fitted(correlated(4000, steps, targets))
    np.testing.assert_allclose(found.steps, steps, atol=0.04)
    np.testing.assert_allclose(found.targets, targets, atol=0.04)


def test_the_noise_has_the_correlations() -> None:
    steps, targets = 0.3 + 0.7 * ar1(6, 0.5), np.array([[1, -0.7], [-0.7, 1]])
    model = Dependence(steps=steps.astype(np.float32), targets=targets.astype(np.float32))
    noise = model.noise(np.random.default_rng(0), samples=40_000, steps=6, targets=2)
    found = np.corrcoef(noise.reshape(len(noise), -1), rowvar=False)
    np.testing.assert_allclose(found, np.kron(steps, targets), atol=0.03)
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.std(axis=0) == pytest.approx(np.ones((6, 2)), abs=0.02)
    fewer = model.noise(np.random.default_rng(0), samples=40_000, steps=3, targets=2)
    np.testing.assert_allclose(np.corrcoef(fewer[:, :, 0], rowvar=False), steps[:3, :3], atol=0.03)


def test_beyond_the_horizon_the_noise_goes_on() -> None:
    model = Dependence(steps=ar1(4, 0.9).astype(np.float32), targets=np.zeros((0, 0), dtype=np.float32))
    noise = model.noise(np.random.default_rng(0), samples=40_000, steps=9, targets=1)[:, :, 0]
    np.testing.assert_allclose(np.corrcoef(noise, rowvar=False), ar1(9, 0.9), atol=0.03)
    assert noise.std(axis=0) == pytest.approx(np.ones(9), abs=0.02)


def test_beyond_the_horizon_equal_distances_have_equal_correlations() -> None:
    steps = 0.4 + 0.6 * ar1(5, 0.3)
    model = Dependence(steps=steps.astype(np.float32), targets=np.zeros((0, 0), dtype=np.float32))
    noise = model.noise(np.random.default_rng(0), samples=40_000, steps=14, targets=1)[:, :, 0]
    found = np.corrcoef(noise, rowvar=False)
    for first in (3, 5, 9):
        np.testing.assert_allclose(found[first : first + 5, first : first + 5], steps, atol=0.03)
    assert noise.std(axis=0) == pytest.approx(np.ones(14), abs=0.03)


def test_one_step_goes_on_as_a_random_walk() -> None:
    model = fitted(np.random.default_rng(0).normal(size=(50, 1, 1)))
    assert model.steps.tolist() == [[1.0]]
    noise = model.noise(np.random.default_rng(0), samples=40_000, steps=4, targets=1)[:, :, 0]
    walk = np.random.default_rng(1).normal(size=(40_000, 4)).cumsum(axis=1)
    np.testing.assert_allclose(np.corrcoef(noise, rowvar=False), np.corrcoef(walk, rowvar=False), atol=0.03)


def test_a_bias_of_all_steps_is_dependence() -> None:
    rng = np.random.default_rng(0)
    level = 0.8 * np.ones((500, 1, 1))
    found = fitted(level + 0.6 * rng.normal(size=(500, 5, 1)))
    assert found.steps[0, 4] == pytest.approx(0.64, abs=0.06)


def test_few_horizons_are_shrunk_to_an_autoregression() -> None:
    scores = correlated(200, 0.5 * np.eye(8) + 0.5, np.eye(1))
    many, few = fitted(scores).steps, fitted(scores, horizons=2).steps
    assert many[0, 7] == pytest.approx(0.5, abs=0.1)
    np.testing.assert_allclose(few, ar1(8, float(few[0, 1])), atol=1e-6)


def test_splits_count_by_their_weight() -> None:
    parts = []
    for correlation, weight in ((0.9, 0.25), (0.1, 0.75)):
        moments = ScoreMoments(targets=1, horizons=np.full(2, 4000.0))
        moments.add(correlated(4000, ar1(2, correlation), np.eye(1)))
        parts.append((moments, weight))
    assert fit_correlations(parts).steps[0, 1] == pytest.approx(0.25 * 0.9 + 0.75 * 0.1, abs=0.04)
    empty = ScoreMoments(targets=1, horizons=np.zeros(2))
    assert fit_correlations([(empty, 0.0), parts[0]]).steps[0, 1] == pytest.approx(0.9, abs=0.02)


def test_later_steps_are_shrunk_by_their_own_horizons() -> None:
    """Find the first two steps from many windows, and the third from few."""
    steps = np.array([[1, 0.9, 0.2], [0.9, 1, 0.2], [0.2, 0.2, 1]])
    scores = correlated(3000, steps, np.eye(1))
    moments = ScoreMoments(targets=1, horizons=np.array([3000.0, 3000.0, 1.0]))
    moments.add(scores[:, :2])
    moments.add(scores[:10])
    found = fit_correlations([(moments, 1.0)]).steps
    assert found[0, 1] == pytest.approx(0.9, abs=0.02)
    assert found[0, 2] == pytest.approx(0.81, abs=0.04)  # the autoregression, not the 0.2 of ten windows


def test_missing_values_are_left_out() -> None:
    scores = correlated(6000, ar1(6, 0.8), np.eye(2))
    scores[np.random.default_rng(1).random(scores.shape) < 0.4] = np.nan
    np.testing.assert_allclose(fitted(scores).steps, ar1(6, 0.8), atol=0.05)


def test_without_any_value_steps_are_independent() -> None:
    found = fitted(np.full((5, 4, 2), np.nan))
    np.testing.assert_allclose(found.steps, np.eye(4))
    np.testing.assert_allclose(found.targets, np.eye(2))


def test_many_targets_are_independent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependence, "MAX_TARGETS", 2)
    found = fitted(correlated(300, ar1(3, 0.8), 0.5 * np.eye(3) + 0.5))
    assert found.targets.shape == (0, 0)
    noise = found.noise(np.random.default_rng(0), samples=20_000, steps=2, targets=3)
    assert np.corrcoef(noise[:, 0], rowvar=False) == pytest.approx(np.eye(3), abs=0.03)


@given(
    windows=st.integers(1, 6),
    steps=st.integers(1, 9),
    targets=st.integers(1, 4),
    horizons=st.floats(0.5, 1e6),
    missing=st.floats(0, 1),
    level=st.floats(-50, 50),
    seed=st.integers(0, 1000),
)
def test_the_matrices_are_correlations_however_few_the_windows(
    windows, steps, targets, horizons, missing, level, seed
) -> None:
    rng = np.random.default_rng(seed)
    scores = np.clip(level + rng.normal(size=(windows, steps, targets)), -4, 4)
    scores[rng.random(scores.shape) < missing] = np.nan
    found = fitted(scores, horizons=horizons)
    assert len(found.targets) == (targets if targets > 1 else 0)
    for matrix in filter(len, (found.steps, found.targets)):
        assert (np.diag(matrix) == 1).all()
        assert np.array_equal(matrix, matrix.T)
        assert np.linalg.eigvalsh(matrix.astype(np.float64))[0] > 1e-5
    noise = found.noise(rng, samples=3, steps=steps + 2, targets=targets)
    assert np.isfinite(noise).all()


def test_stored_arrays_are_checked() -> None:
    found = fitted(correlated(50, ar1(4, 0.5), np.eye(2)))
    require_correlations(found.steps)
    require_correlations(found.targets)
    infinite, indefinite = np.array([[np.nan]]), np.array([[1.0, 2.0], [2.0, 1.0]])
    for broken in (np.zeros((0, 0)), np.ones(3), np.ones((2, 3)), infinite, indefinite):
        with pytest.raises((ValueError, np.linalg.LinAlgError)):
            require_correlations(broken)
