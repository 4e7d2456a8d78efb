"""Reference for one regression of the linear forecast with scikit-learn, starting from the windows."""

import numpy as np
from sklearn.linear_model import Ridge

from lstm_cli.data.dataset.windows import Batch, Windows
from lstm_cli.linear.model import DEVIATION_FLOOR


def ridge_forecast(
    train: Windows,
    judged: Batch,
    *,
    lookback: int,
    center: str,
    scaled: bool,
    intercept: bool,
    penalty: float,
    window: int,
    unit: np.ndarray,
    season: int,
) -> np.ndarray:
    """Return the ridge forecast [N, H, C] of `judged`, fitted on windows without a missing target; unit [C]."""
    lag = np.arange(lookback, 0, -1)
    trust = 1 / (1 + lag / season)
    trust = np.sqrt(trust / trust.mean())
    inputs, outputs, _, _ = _rows(train[:], lookback, center, scaled, window, unit)
    targets = len(unit)
    observed = np.swapaxes(train[:].observed, 1, 2).reshape(-1, outputs.shape[1]).all(axis=1)
    inputs, outputs = inputs[observed] * trust, outputs[observed]
    alpha = penalty * np.square(inputs).sum() / lookback  # the mean eigenvalue is the trace over K
    ridge = Ridge(alpha=alpha, fit_intercept=intercept, solver="svd").fit(inputs, outputs)
    requested, _, middle, scale = _rows(judged, lookback, center, scaled, window, unit)
    forecast = ridge.predict(requested * trust).reshape(len(requested), -1) * scale + middle
    forecast = np.swapaxes(forecast.reshape(-1, targets, forecast.shape[1]), 1, 2)
    return np.asarray(forecast * unit)


def _rows(
    batch: Batch, lookback: int, center: str, scaled: bool, window: int, unit: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Return each window and target as a row [R, .], centred and scaled by the window's own values."""
    targets = len(unit)

    def rows(values: np.ndarray) -> np.ndarray:
        return np.swapaxes(values, 1, 2).reshape(-1, values.shape[1])

    values = batch.past[:, :, :targets].astype(np.float64) / unit
    past, truth = rows(values), rows(batch.target.astype(np.float64) / unit)
    mask = np.repeat(batch.mask > 0, targets, axis=0)
    recent = np.where(mask, past, np.nan)[:, -window:]
    mean = np.nanmean(recent, axis=1, keepdims=True)
    middle = past[:, -1:] if center == "last" else mean
    deviation = np.sqrt(np.nanvar(recent, axis=1, keepdims=True) + DEVIATION_FLOOR**2)
    scale = deviation if scaled else np.ones_like(deviation)
    inputs = np.where(mask, (past - middle) / scale, 0.0)[:, -lookback:]
    return inputs, (truth - middle) / scale, middle, scale
