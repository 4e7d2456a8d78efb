"""The simplest forecasts a model is held against: the last value, and the last season. See `linear` for the third."""

import numpy as np


def baseline_label(name: str, season: int | str | None) -> str:
    """Return the name of a baseline in prose, with the season that the seasonal naive forecast repeats.

    >>> label("seasonal_naive", 168)
    'seasonal naive (168)'
    """
    words = name.replace("_", " ")
    return f"{words} ({season})" if name == "seasonal_naive" and season is not None else words


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
