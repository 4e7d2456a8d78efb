"""Forecasts and truth in the file's units, the rounding of scaled values undone, and forecasts within their bounds.

Truth and forecasts are both stored or made as 32-bit scaled numbers. What comes back within rounding of a bound is
the bound, for both by one function: then a truth on the bound is no longer on its other side. Truth that lies beyond
a bound by more than that stays where it is, and is an error of the forecast.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.scaling import Scaler, logarithm


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What no forecast leaves, in the file's units; -inf and inf where there is no bound."""

    lower: np.ndarray  # [C]
    upper: np.ndarray  # [C]

    def clip(self, forecast: np.ndarray) -> np.ndarray:
        """forecast [..., C] in the file's units, held within the bounds."""
        return np.clip(forecast, self.lower, self.upper)

    def transform(self, scaler: Scaler) -> "ScaledBounds":
        """The bounds as one scaled number a target, where the scaling allows that."""
        width = len(self.lower)
        center, scale = scaler.center[:, :width], scaler.scale[:, :width]
        sides = [self.lower, self.upper]
        if scaler.floor is not None:
            sides = [logarithm(side, scaler.floor) for side in sides]
        if not np.isfinite(sides).any():
            return ScaledBounds()
        lower, upper = (((side - center) / scale).astype(np.float32) for side in sides)
        if not all(np.array_equal(side, np.broadcast_to(side[:1], side.shape)) for side in (lower, upper)):
            return ScaledBounds(reason="the series are scaled differently, so that no one number serves all")
        return ScaledBounds(lower=lower[0], upper=upper[0])

    def to_dict(self) -> dict[str, Any]:
        return {
            name: [float(bound) if np.isfinite(bound) else None for bound in value]
            for name, value in vars(self).items()
        }

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "Bounds":
        def read(side: str, none: float) -> np.ndarray:
            return np.array([none if bound is None else bound for bound in stored[side]])

        return Bounds(lower=read("lower", -np.inf), upper=read("upper", np.inf))


@dataclass(frozen=True, kw_only=True)
class ScaledBounds:
    """Bounds that may stand in a graph, which forecasts scaled numbers and knows no series."""

    lower: np.ndarray | None = None  # [C] float32, -inf where there is none; None: not in the graph
    upper: np.ndarray | None = None
    reason: str = ""  # why the graph cannot hold the bounds; "" where it does, or where there are none


def make_bounds(
    dataset: Dataset, min_value: float | str, max_value: float | None
) -> tuple[Bounds, list[str]]:
    """Return the bounds of the forecast per target, and what is told of them.

    least: a number, `none`, or `auto` for 0 where no training value is negative. most: None for no upper bound.
    """
    never_negative = np.nanmin(dataset.training.least, axis=0) >= 0
    lower = np.full(dataset.targets, -np.inf)
    notes = []
    if min_value == "auto":
        lower[never_negative] = 0.0
        if never_negative.any():
            named = ", ".join(f"'{name}'" for name in np.array(dataset.schema.targets)[never_negative])
            notes.append(
                f"{named}: never negative in training, so forecast at or above 0 (--min none lifts that)"
            )
    elif min_value != "none":
        lower[:] = float(min_value)
    upper = np.full(dataset.targets, np.inf if max_value is None else max_value)
    return Bounds(lower=lower, upper=upper), notes


def inverse_transform(
    dataset: Dataset, forecast_scaled: np.ndarray, series: np.ndarray, bounds: Bounds
) -> np.ndarray:
    """A scaled forecast [N, H, C] of series [N] in the file's units, within the bounds; float64."""
    return bounds.clip(inverse_transform_truth(dataset, forecast_scaled, series, bounds))


def inverse_transform_truth(
    dataset: Dataset, targets_scaled: np.ndarray, series: np.ndarray, bounds: Bounds
) -> np.ndarray:
    """Return scaled targets [N, H, C] of series [N] in the file's units, a value at a bound as that bound; float64."""
    values = dataset.inverse_transform_targets(targets_scaled, series)
    for side in (bounds.lower, bounds.upper):
        known = np.isfinite(side) & (side != 0)  # 0 comes back as 0 whatever the bounds are
        if known.any():
            mark = np.where(known, side, 0.0)
            room = dataset.scaler.float32_spacing(mark)[series][:, None]
            np.copyto(values, mark, where=known & (np.abs(values - mark) <= room))
    return values


def inverse_transform_intervals(
    dataset: Dataset, ends_scaled: Iterable[np.ndarray], series: np.ndarray, bounds: Bounds
) -> np.ndarray:
    """The ends of intervals [E, N, H, C] around scaled forecasts, in the file's units, within the bounds."""
    return np.stack([inverse_transform(dataset, end, series, bounds) for end in ends_scaled])
