"""Sequential test for lost accuracy: a cumulative sum of log errors, with a limit from a block bootstrap.

The sum is the one-sided CUSUM of Page 1954, "Continuous inspection schemes", Biometrika 41. Each night adds
log(error / promised error) minus a reference value, and the sum never falls below 0. Above the limit it raises an
alarm and starts at 0 again. The errors of nights are skewed and depend on each other, so no formula gives the limit.
It comes from a bootstrap of the errors that `evaluate` scored, as Chatterjee and Qiu 2009 propose ("Distribution-free
cumulative sum control charts using bootstrap-based control limits", Annals of Applied Statistics 3). Moving blocks keep
the dependence between nights (Kuensch 1989, "The jackknife and the bootstrap for general stationary observations").
Each simulated year also has its own promise, from as many nights as `evaluate` scored, because the promise itself is
an estimate. The random numbers are fixed, so a repeated test has the same limit.
"""

import math
from dataclasses import dataclass

import numpy as np

LOSS = 0.35  # increase of the error that the test finds fastest
REFERENCE = math.log(1 + LOSS) / 2  # half of the change, as usual for a CUSUM
NIGHTS = 365  # nights in a simulated year
YEARS = 1_000
BLOCK = 14  # nights
MIN_NIGHTS = 20  # nights behind the promise; with fewer, no limit can be known
BISECTIONS = 24


@dataclass(frozen=True, kw_only=True)
class SumPath:
    """Course of the test over N nights."""

    statistic: np.ndarray  # [N]; at an alarm, the value before it starts at 0 again
    alarms: tuple[int, ...]  # index of each night with an alarm
    begins: tuple[int, ...]  # for each alarm, index of the first night of its sum: where the loss may begin


def follow(residuals: np.ndarray, limit: float) -> SumPath:
    """Return the course of the test.

    Args:
        residuals: [N] log(error / promised error) of each night, in the order of time.
        limit: limit of the sum.
    """
    statistic, alarms, begins = np.zeros(len(residuals)), [], []
    total, begin = 0.0, 0
    for night, residual in enumerate(residuals):
        if total == 0.0:
            begin = night
        total = max(0.0, total + float(residual) - REFERENCE)
        statistic[night] = total
        if total > limit:
            alarms.append(night)
            begins.append(begin)
            total = 0.0
    return SumPath(statistic=statistic, alarms=tuple(alarms), begins=tuple(begins))


def find_limit(residuals: np.ndarray, *, stride: int, false_alarms: float) -> float | None:
    """Return the limit with the given number of false alarms in a simulated year; None with too few nights.

    Args:
        residuals: [T] log(error / promised error) of the forecast from each step; NaN without a forecast.
        stride: steps between two nights.
        false_alarms: expected alarms in NIGHTS nights without a loss.
    """
    nights = int(np.isfinite(residuals).sum()) // stride
    if nights < MIN_NIGHTS:
        return None
    rng = np.random.default_rng(0)
    years = simulate_nights(residuals, YEARS, NIGHTS, stride=stride, rng=rng)
    promise = np.nanmean(simulate_nights(residuals, YEARS, nights, stride=stride, rng=rng), axis=1)
    years = years - promise[:, None]
    low, high = 0.0, float(np.nansum(np.maximum(years - REFERENCE, 0.0), axis=1).max()) + 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if count_alarms(years, middle)[0].mean() > false_alarms:
            low = middle
        else:
            high = middle
    return high


def simulate_nights(
    residuals: np.ndarray, count: int, nights: int, *, stride: int, rng: np.random.Generator
) -> np.ndarray:
    """Return residuals [count, nights] of simulated nights: blocks of nights that followed each other.

    Args:
        residuals: [T] as in `find_limit`.
        count: number of simulations.
        nights: nights of each.
        stride: steps between two nights.
        rng: random numbers.
    """
    starts = np.flatnonzero(np.isfinite(residuals))
    block = max(1, min(BLOCK, len(starts) // stride // 3))
    first = rng.choice(starts, size=(count, -(-nights // block)))
    index = (first[:, :, None] + stride * np.arange(block)) % len(residuals)
    return np.asarray(residuals[index.reshape(count, -1)[:, :nights]], dtype=np.float64)


def count_alarms(residuals: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of alarms [count], and the nights until the first alarm [count], -1 without one.

    Args:
        residuals: [count, nights]; a night with NaN does not change the sum.
        limit: limit of the sum.
    """
    total = np.zeros(len(residuals))
    alarms, first = np.zeros(len(residuals), dtype=np.int64), np.full(len(residuals), -1)
    steps = np.where(np.isnan(residuals), 0.0, residuals - REFERENCE)
    for night in range(residuals.shape[1]):
        total = np.maximum(0.0, total + steps[:, night])
        is_above = total > limit
        first[is_above & (alarms == 0)] = night + 1
        alarms += is_above
        total[is_above] = 0.0
    return alarms, first
