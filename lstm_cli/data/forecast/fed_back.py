"""Forecasts beyond the trained horizon, block after block. Each block of H steps reads the forecasts before it."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TypeAlias, TypeVar

import numpy as np

from lstm_cli.data.dataset.windows import Batch

Result = TypeVar("Result")
ModelRuns: TypeAlias = Generator[Batch, np.ndarray, Result]  # windows out, their scaled forecast [B, H, C] in


def run_model(windows: ModelRuns[Result], forecaster: Callable[[Batch], np.ndarray]) -> Result:
    """Return the result of windows that wait for their forecasts.

    Args:
        windows: yields windows and receives their forecast.
        forecaster: windows -> forecast [B, H, C], scaled.
    """
    try:
        batch = next(windows)
        while True:
            batch = windows.send(forecaster(batch))
    except StopIteration as end:
        result: Result = end.value
        return result


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
    return run_model(block_windows(batch, future, clip=clip), forecaster)


def block_windows(
    batch: Batch, future: np.ndarray, *, clip: Callable[[np.ndarray], np.ndarray]
) -> ModelRuns[np.ndarray]:
    """Yield the windows of each block, and return the forecast of `forecast_blocks`.

    Args:
        batch: windows before the first block.
        future: known-ahead inputs [B, blocks * H, K] of all blocks.
        clip: bounds of a scaled forecast [B, H, C] before it is fed back.
    """
    horizon = batch.future.shape[1]
    parts: list[np.ndarray] = []
    for begin in range(0, future.shape[1], horizon):
        block = future[:, begin : begin + horizon]
        if parts:
            batch = _move_on(batch, clip(parts[-1]), future[:, begin - horizon : begin])
        parts.append((yield replace(batch, future=block)))
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
