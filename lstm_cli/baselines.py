"""The simple forecasts every model is held against: naive, seasonal naive, and a linear autoregression."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_cli.data.windows import Windows

PENALTIES = tuple(10.0**power for power in range(-6, 3))  # times the mean squared input
MOST_ROWS = 24_000  # windows x targets that one fit reads: more cost time and change the fourth digit


def naive(past: np.ndarray, horizon: int, targets: int) -> np.ndarray:
    """The last value, H times. past [B, L, F] with the targets first; returns [B, H, C]."""
    return np.repeat(past[:, -1:, :targets], horizon, axis=1)


def seasonal_naive(past: np.ndarray, mask: np.ndarray, horizon: int, targets: int, season: int) -> np.ndarray:
    """The value one season before, the last season over and over. past [B, L, F], L at least `season`.

    mask [B, L]: where a window has less than one season of history, the last value. Returns [B, H, C].
    """
    cycle = past[:, -season:, :targets]
    forecast = np.tile(cycle, (1, -(-horizon // season), 1))[:, :horizon]
    whole = mask[:, -season:].min(axis=1) > 0
    return np.where(whole[:, None, None], forecast, past[:, -1:, :targets])


@dataclass(frozen=True, kw_only=True)
class Linear:
    """One linear map from the last K values of a target, less the last one, to all H steps at once.

    forecast = last + (past - last) @ weights + unit * bias, on scaled values; `unit` is the typical size of a
    scaled value of each target, 1 with the standard scaler.
    """

    weights: np.ndarray  # [K, H] float32
    bias: np.ndarray  # [H] float32
    unit: np.ndarray  # [C] float32
    penalty: float
    score: float  # mean |error| over the seasonal error, on validation windows

    @property
    def lookback(self) -> int:
        return len(self.weights)

    def __call__(self, past: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """past [B, L, F] scaled, L at least K, targets first; mask [B, L]. Returns [B, H, C] scaled."""
        targets = len(self.unit)
        last = past[:, -1:, :targets]
        centred = (past[:, -self.lookback :, :targets] - last) * mask[:, -self.lookback :, None]
        return (
            last
            + np.einsum("bkc,kh->bhc", centred, self.weights, optimize=True)
            + self.bias[:, None] * self.unit
        )

    def arrays(self) -> dict[str, np.ndarray]:
        return {"weights": self.weights, "bias": self.bias, "unit": self.unit}

    def settings(self) -> dict[str, Any]:
        return {"lookback": self.lookback, "penalty": self.penalty, "score": self.score}


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Windows as rows of one regression: every window and target is a row, in units of the target."""

    past: np.ndarray  # [R, K]
    step: np.ndarray  # [R, H] the truth less the last value
    observed: np.ndarray  # [R, H] bool
    weight: np.ndarray  # [R] 1 / seasonal error, in units: turns an error into a scaled one


def fit_linear(
    train: Windows, val: Windows, *, lookbacks: tuple[int, ...], unit: np.ndarray, error_scale: np.ndarray
) -> Linear:
    """Ridge regression in closed form, its lookback K and penalty chosen on the validation windows.

    Pooled over series and targets. The penalty grows with the lag as (1 + lag / m), so that old values are
    trusted less; one eigendecomposition serves all penalties (Hoerl and Kennard 1970). train, val: windows of
    at least max(lookbacks); unit [C]; error_scale [S, C]: what an error of each series is divided by, scaled,
    NaN where a series has none.
    """
    season, targets = train.dataset.schema.season, len(unit)
    fitted = _rows(train.every(max(1, MOST_ROWS // targets)), unit, error_scale)
    judged = _rows(val.every(max(1, MOST_ROWS // targets)), unit, error_scale)
    best: Linear | None = None
    for lookback in lookbacks:
        for penalty, solution in _solutions(fitted, lookback, season):
            score = _score(judged, solution, lookback)
            if best is None or score < best.score:
                best = Linear(
                    weights=solution[:-1].astype(np.float32),
                    bias=solution[-1].astype(np.float32),
                    unit=unit.astype(np.float32),
                    penalty=penalty,
                    score=score,
                )
    assert best is not None
    return best


def _rows(windows: Windows, unit: np.ndarray, error_scale: np.ndarray) -> _Rows:
    targets = len(unit)
    pasts, steps, observed, weights = [], [], [], []
    for batch in windows.batches(512):
        last = batch.past[:, -1:, :targets]
        past = (batch.past[:, :, :targets] - last) * batch.mask[:, :, None] / unit
        pasts.append(np.swapaxes(past, 1, 2).reshape(-1, past.shape[1]))
        steps.append(np.swapaxes((batch.target - last) / unit, 1, 2).reshape(-1, batch.target.shape[1]))
        observed.append(np.swapaxes(batch.observed, 1, 2).reshape(-1, batch.target.shape[1]))
        weights.append((unit / error_scale[batch.series]).reshape(-1))
    return _Rows(
        past=np.concatenate(pasts).astype(np.float32),
        step=np.concatenate(steps).astype(np.float32),
        observed=np.concatenate(observed),
        weight=np.concatenate(weights),
    )


def _solutions(rows: _Rows, lookback: int, season: int) -> list[tuple[float, np.ndarray]]:
    """For each penalty the map [K + 1, H], its last row the intercept."""
    whole = np.asarray(rows.observed.all(axis=1))
    use = whole if whole.any() else np.ones_like(whole)
    past = rows.past[use, -lookback:].astype(np.float64)
    step = rows.step[use].astype(np.float64)
    past_mean, step_mean = past.mean(axis=0), step.mean(axis=0)
    past -= past_mean
    step -= step_mean
    lag = np.arange(lookback, 0, -1)
    trust = 1 / (1 + lag / season)
    trust = np.sqrt(trust / trust.mean())
    past *= trust
    values, vectors = np.linalg.eigh(past.T @ past)
    turned = vectors.T @ (past.T @ step)
    size = max(float(values.clip(min=0).mean()), np.finfo(np.float64).tiny)
    solutions = []
    for penalty in PENALTIES:
        weights = trust[:, None] * (vectors @ (turned / (values.clip(min=0) + penalty * size)[:, None]))
        solutions.append((penalty, np.vstack([weights, step_mean - past_mean @ weights])))
    return solutions


def _score(rows: _Rows, solution: np.ndarray, lookback: int) -> float:
    weights = solution.astype(np.float32)
    scaled = np.isfinite(rows.weight)
    weight = rows.weight if scaled.any() else np.ones_like(rows.weight)  # no series has one: the plain error
    error = np.abs(rows.past[:, -lookback:] @ weights[:-1] + weights[-1] - rows.step) * weight[:, None]
    error = error[rows.observed & np.isfinite(weight)[:, None]]
    return float(error.mean()) if error.size else 0.0


def linear_lookbacks(*, lookback: int, rows: int, horizon: int, season: int, fixed: bool) -> tuple[int, ...]:
    """The lookbacks K that the linear forecast may choose from. rows: training rows of a series (the median)."""
    if fixed:
        return tuple(sorted({max(1, lookback // 2), lookback}))
    least, most = max(4, season), max(4, int(0.45 * (rows - horizon)))
    wanted = {int(lookback * share) for share in (0.5, 1, 1.5, 2, 3)}
    return tuple(sorted({max(1, min(max(steps, least), max(most, least))) for steps in wanted}))
