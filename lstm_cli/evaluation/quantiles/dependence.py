"""Dependence between the errors of a forecast at several steps and targets, with NumPy only.

The quantiles of a forecast say how far a value may be off at one step. They do not say whether the errors of two steps
go together, on which the quantiles of a sum depend. Here each error is a normal score, and the scores have a normal
distribution with a correlation between steps and one between targets (a Gaussian copula; Pinson et al. 2009, "From
probabilistic forecasts to statistical scenarios of short-term wind power production"). The correlation of two values
is the product of both. Different series are independent.

A correlation matrix of H steps has more numbers than a short history can fix. So it is shrunk twice: towards the
correlations that depend only on the distance of two steps, and these towards an autoregression of order 1. Each weight
is the estimated sampling variance over the squared difference to the target (Ledoit and Wolf 2004; Schäfer and
Strimmer 2005). With few horizons the result is the autoregression. Steps beyond the trained horizon have fewer windows
and weights of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

MAX_STEPS = 720  # steps of the matrix, 2 MB; later steps follow as beyond the trained horizon
MAX_TARGETS = 256  # more targets count as independent
MAX_PARTIAL = 0.999  # partial correlation of two steps
MIN_EIGENVALUE = 1e-3  # so that rounding to 32 bits keeps the matrix positive definite


@dataclass(frozen=True, kw_only=True)
class Dependence:
    """Correlations of the normal scores of a forecast, fitted by `fit_correlations`."""

    steps: np.ndarray  # [H, H] float32, at most MAX_STEPS
    targets: np.ndarray  # [C, C] float32; INDEPENDENT for one target or more than MAX_TARGETS

    def noise(self, rng: np.random.Generator, *, samples: int, steps: int, targets: int) -> np.ndarray:
        """Return correlated normal scores [samples, steps, targets].

        Beyond the matrix the scores go on as the autoregression of the mean correlations at each distance. A matrix of
        one step has none: then the correlations are those of a random walk.

        Args:
            rng: generator of the random numbers.
            samples: number of sample paths.
            steps: number of steps, fewer or more than H.
            targets: number of targets.
        """
        noise = rng.standard_normal((samples, steps, targets))
        if len(self.targets):
            noise = noise @ self._target_root.T
        known = min(steps, len(self.steps))
        flat = noise[:, :known].swapaxes(0, 1).reshape(known, -1)
        near = self._step_root[:known, :known] @ flat
        noise[:, :known] = near.reshape(known, samples, targets).swapaxes(0, 1)
        for step in range(known, steps):
            weights, deviation = self._continuation if known > 1 else _random_walk(step)
            before = noise[:, step - len(weights) : step]
            noise[:, step] = deviation * noise[:, step] + np.tensordot(before, weights, axes=(1, 0))
        return noise

    @cached_property
    def _continuation(self) -> tuple[np.ndarray, float]:
        return _levinson([float(np.diagonal(self.steps, lag).mean()) for lag in range(len(self.steps))])

    @cached_property
    def _step_root(self) -> np.ndarray:
        return np.linalg.cholesky(self.steps.astype(np.float64))

    @cached_property
    def _target_root(self) -> np.ndarray:
        return np.linalg.cholesky(self.targets.astype(np.float64))


INDEPENDENT = np.zeros((0, 0), dtype=np.float32)


def require_correlations(matrix: np.ndarray) -> None:
    """Raise an error if a stored matrix is not a positive definite matrix of finite numbers."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise ValueError("not a square matrix")
    if not np.isfinite(matrix).all():
        raise ValueError("not finite")
    np.linalg.cholesky(matrix.astype(np.float64))


def _levinson(correlations: Sequence[float]) -> tuple[np.ndarray, float]:
    """Return the autoregression with the correlations at distances 0, 1, ..., p: its weights, oldest first, and noise.

    The variance stays 1 (Levinson 1946; Durbin 1960). Partial correlations are limited, so that it is stable.
    """
    weights, variance = np.zeros(0), 1.0
    for order in range(1, len(correlations)):
        explained = float(weights @ np.array(correlations[1:order])[::-1])
        partial = float(np.clip((correlations[order] - explained) / variance, -MAX_PARTIAL, MAX_PARTIAL))
        weights = np.append(weights - partial * weights[::-1], partial)
        variance *= 1 - partial**2
    return weights[::-1], float(np.sqrt(variance))


def _random_walk(step: int) -> tuple[np.ndarray, float]:
    """Return the weight of the step before in a random walk of variance 1, and the noise; step counts from 0."""
    return np.array([np.sqrt(step / (step + 1))]), float(np.sqrt(1 / (step + 1)))


@dataclass(kw_only=True)
class ScoreMoments:
    """Sums of products of normal scores over the windows of a split. The means are not removed: they are errors too."""

    targets: int
    horizons: np.ndarray  # [H]: how often the windows that reach a step fit without overlap, over all series
    sums: dict[str, np.ndarray] = field(default_factory=dict)
    counts: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes = {
            "steps": len(self.horizons),
            "targets": self.targets if 2 <= self.targets <= MAX_TARGETS else 0,
        }
        for name, size in sizes.items():
            self.sums[name], self.counts[name] = np.zeros((size, size)), np.zeros((size, size))

    def add(self, scores: np.ndarray) -> None:
        """Add normal scores [N, steps, C], with at most H steps, NaN where a value is missing."""
        missing = np.full((len(scores), len(self.horizons) - scores.shape[1], self.targets), np.nan)
        rows = {
            "steps": np.concatenate([scores, missing], axis=1).swapaxes(1, 2).reshape(-1, len(self.horizons)),
            "targets": scores.reshape(-1, self.targets),
        }
        for name, values in rows.items():
            if len(self.sums[name]):
                known = np.isfinite(values)
                filled, count = np.where(known, values, 0.0), known.astype(np.float64)
                self.sums[name] += filled.T @ filled
                self.counts[name] += count.T @ count

    def correlations(self, name: str) -> np.ndarray:
        """Return the correlations between the `steps` or the `targets`, NaN where two never come together."""
        with np.errstate(divide="ignore", invalid="ignore"):
            products = self.sums[name] / self.counts[name]
            deviation = np.sqrt(np.diag(products))
            correlations = np.clip(products / np.outer(deviation, deviation), -1, 1)
        return np.where(np.isfinite(correlations), correlations, np.nan)


def fit_correlations(splits: Sequence[tuple[ScoreMoments, float]]) -> Dependence:
    """Return the dependence from the moments and the weight of each split."""
    horizons = _effective_horizons(splits)
    steps = _shrink_steps(_weighted_mean(splits, "steps"), horizons)
    targets = np.nan_to_num(_weighted_mean(splits, "targets"))
    targets = _shrink(targets, np.eye(len(targets)), np.full(targets.shape, horizons[0]))
    return Dependence(steps=_positive_definite(steps), targets=_positive_definite(targets))


def _effective_horizons(splits: Sequence[tuple[ScoreMoments, float]]) -> np.ndarray:
    """Return the independent horizons [H] of a weighted mean over the splits (Kish's effective sample size)."""
    horizons = np.stack([moments.horizons for moments, _ in splits])
    weights = np.array([weight for _, weight in splits])[:, None] * (horizons > 0)
    variance = (np.square(weights) / np.where(horizons > 0, horizons, 1)).sum(axis=0)
    return np.asarray(np.square(weights.sum(axis=0)) / np.where(variance > 0, variance, 1))


def _weighted_mean(splits: Sequence[tuple[ScoreMoments, float]], name: str) -> np.ndarray:
    """Return the mean correlations of the splits, NaN where no split has any."""
    matrices = np.stack([moments.correlations(name) for moments, _ in splits])
    weights = np.array([weight for _, weight in splits])[:, None, None] * np.isfinite(matrices)
    total = weights.sum(axis=0)
    mean = (weights * np.nan_to_num(matrices)).sum(axis=0) / np.where(total > 0, total, 1)
    return np.where(total > 0, mean, np.nan)


def _shrink_steps(correlations: np.ndarray, horizons: np.ndarray) -> np.ndarray:
    """Return the correlations [H, H] between steps, shrunk as the module says, from `horizons` [H] for each step."""
    size = len(correlations)
    pairs = np.minimum.outer(horizons, horizons)
    by_lag = np.array(
        [_known_mean(np.diagonal(correlations, lag), np.diagonal(pairs, lag)) for lag in range(size)]
    )
    by_lag[0] = 1.0
    first = by_lag[1] if size > 1 and np.isfinite(by_lag[1]) else 0.0
    autoregression = first ** np.arange(size)
    by_lag = np.where(np.isfinite(by_lag), by_lag, autoregression)
    by_lag = _shrink(by_lag, autoregression, horizons)
    distance = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    stationary = by_lag[distance]
    correlations = np.where(np.isfinite(correlations), correlations, stationary)
    return _shrink(correlations, stationary, pairs)


def _known_mean(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the weighted mean of values [n] without NaN; NaN if there are none."""
    weights = np.where(np.isfinite(values), weights, 0.0)
    total = float(weights.sum())
    return float((weights * np.nan_to_num(values)).sum() / total) if total > 0 else np.nan


def _shrink(correlations: np.ndarray, target: np.ndarray, horizons: np.ndarray) -> np.ndarray:
    """Return the correlations, shrunk towards the target by their sampling variance (1 - r^2)^2 / horizons.

    Args:
        correlations: [...] estimates.
        target: [...] simpler estimates.
        horizons: [...] independent observations of each; those with as many have one weight.
    """
    shrunk = correlations.copy()
    for count in np.unique(horizons):
        alike = horizons == count
        estimates, simpler = correlations[alike], target[alike]
        variance = float(np.square(1 - np.square(estimates)).sum()) / max(float(count), 1.0)
        difference = float(np.square(estimates - simpler).sum())
        share = min(1.0, variance / difference) if difference > 0 else 1.0
        shrunk[alike] = (1 - share) * estimates + share * simpler
    return shrunk


def _positive_definite(matrix: np.ndarray) -> np.ndarray:
    """Return the correlation matrix, float32, with its eigenvalues raised to MIN_EIGENVALUE and its diagonal 1."""
    if not len(matrix):
        return matrix.astype(np.float32)
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 1.0)
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < MIN_EIGENVALUE:
        matrix = (vectors * np.maximum(values, MIN_EIGENVALUE)) @ vectors.T
        matrix = (matrix + matrix.T) / 2
        deviation = np.sqrt(np.diag(matrix))
        matrix = matrix / np.outer(deviation, deviation)
        np.fill_diagonal(matrix, 1.0)
    return matrix.astype(np.float32)
