"""Simple baseline forecasts: the last value and the last season. The third baseline is in `linear`."""

import numpy as np


def naive(past: np.ndarray, horizon: int, targets: int) -> np.ndarray:
    """Return the last value repeated, [B, H, C].

    Args:
        past: [B, L, F], targets first.
        horizon: H, steps ahead.
        targets: C, number of target columns.
    """
    return np.repeat(past[:, -1:, :targets], horizon, axis=1)


def seasonal_naive(past: np.ndarray, mask: np.ndarray, horizon: int, targets: int, season: int) -> np.ndarray:
    """Return the last season repeated, [B, H, C]; the last value if a window has less than one season of history.

    Args:
        past: [B, L, F] with L at least `season`, targets first.
        mask: [B, L], 0 for padding.
        horizon: H, steps ahead.
        targets: C, number of target columns.
        season: steps in a season.
    """
    cycle = past[:, -season:, :targets]
    forecast = np.tile(cycle, (1, -(-horizon // season), 1))[:, :horizon]
    whole = mask[:, -season:].min(axis=1) > 0
    return np.where(whole[:, None, None], forecast, past[:, -1:, :targets])
