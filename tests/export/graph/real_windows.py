"""Windows of the sample data, scaled."""

from pathlib import Path

import numpy as np

SAMPLE = Path(__file__).parents[3] / "sample_data" / "ETTh1.csv"
ROWS = 400


def real_windows(
    *, lookback: int, horizon: int, inputs: int, known_ahead: int, padded: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return past [B, L, F], future [B, H, K] and mask [B, L] of 48 windows.

    Args:
        lookback: number of past steps L.
        horizon: number of steps ahead H.
        inputs: number of inputs F, of the columns of the file.
        known_ahead: number of known-ahead inputs K. They are the last inputs.
        padded: true: every second window has padding at the front, of different lengths.
    """
    table = np.loadtxt(
        SAMPLE, delimiter=",", skiprows=1, max_rows=ROWS, usecols=range(1, 1 + inputs), ndmin=2
    )
    scaled = ((table - table.mean(axis=0)) / table.std(axis=0)).astype(np.float32)
    origins = range(lookback, ROWS - horizon, (ROWS - horizon - lookback) // 47)[:48]
    past = np.stack([scaled[origin - lookback : origin] for origin in origins])
    future = np.stack([scaled[origin : origin + horizon, inputs - known_ahead :] for origin in origins])
    mask = np.ones(past.shape[:2], np.float32)
    for row in range(1, len(mask) if padded else 0, 2):
        mask[row, : 1 + (7 * row) % (lookback - 1)] = 0
    return past, future, mask
