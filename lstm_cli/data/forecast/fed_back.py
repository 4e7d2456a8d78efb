"""Forecasts beyond the trained horizon, block after block. Each block of H steps reads the forecasts before it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lstm_cli.data.dataset.windows import Batch


def forecast_blocks(
    batch: Batch,
    future: np.ndarray,
    forecaster: Callable[[Batch], np.ndarray],
    *,
    clip: Callable[[np.ndarray], np.ndarray] = lambda forecast: forecast,
) -> np.ndarray:
    """Return the scaled forecast [B, blocks * H, C] of several blocks. With past covariates there is only one.

    Args:
        batch: windows before the first block.
        future: known-ahead inputs [B, blocks * H, K] of all blocks.
        forecaster: windows -> forecast [B, H, C], scaled.
        clip: bounds of a scaled forecast [B, H, C] before it is fed back.
    """
    horizon = batch.future.shape[1]
    parts: list[np.ndarray] = []
    for begin in range(0, future.shape[1], horizon):
        block = future[:, begin : begin + horizon]
        if parts:
            batch = _move_on(batch, clip(parts[-1]), future[:, begin - horizon : begin])
        parts.append(forecaster(replace(batch, future=block)))
    return np.concatenate(parts, axis=1)


def _move_on(batch: Batch, forecast: np.ndarray, future: np.ndarray) -> Batch:
    """Return the windows H steps later. Their newest rows are forecast [B, H, C] and future [B, H, K]."""
    lookback = batch.past.shape[1]
    rows = np.concatenate([forecast, future], axis=2).astype(batch.past.dtype)
    measured = np.ones(rows.shape[:2], dtype=batch.mask.dtype)
    return replace(
        batch,
        past=np.concatenate([batch.past, rows], axis=1)[:, -lookback:],
        mask=np.concatenate([batch.mask, measured], axis=1)[:, -lookback:],
    )
