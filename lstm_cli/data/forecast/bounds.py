"""Forecasts and true values in the file's units, with rounding undone, and forecasts clipped to their bounds.

Both are 32-bit scaled numbers. One function sets values within rounding of a bound to the bound, so that a true value
on the bound never appears on its other side. A true value beyond a bound by more than that is unchanged, and counts as
an error of the forecast.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.scaling import Scaler, logarithm
from lstm_cli.data.numbers.decimals import MAX_DECIMALS
from lstm_cli.data.stored_types import checked

# Least distances of two numbers with few decimals, in rounding errors.
UNIQUE, RARE = 2, 100  # of the file's decimals, and of others
LARGEST_ROUNDING = 0.1  # of scaled values, in the file's units, that still tells whole numbers from others


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Values that a forecast may have, in the file's units; -inf and inf where there is no bound."""

    lower: np.ndarray  # [C]
    upper: np.ndarray  # [C]
    counts: np.ndarray | None = None  # [C] bool: whole numbers from 0 on; None: unknown, in runs of 0.1.0

    @cached_property
    def are_counts(self) -> np.ndarray:
        """Return whether each target [C] is a count; a run of 0.1.0 has none."""
        return np.zeros(len(self.lower), dtype=bool) if self.counts is None else self.counts

    @cached_property
    def sides(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Return which targets [C] have a bound other than 0, and the bounds [C], of each side where one has."""
        # 0 comes back as 0 without this.
        finite = [(np.isfinite(bound) & (bound != 0), bound) for bound in (self.lower, self.upper)]
        return tuple((has, np.where(has, bound, 0.0)) for has, bound in finite if has.any())

    def clip(self, forecast: np.ndarray) -> np.ndarray:
        """Return the forecast [..., C], in the file's units, clipped to the bounds."""
        return np.clip(forecast, self.lower, self.upper)

    def transform(self, scaler: Scaler) -> "ScaledBounds":
        """Return the bounds as one scaled number per target, if the scaling allows that."""
        width = len(self.lower)
        center, scale = scaler.center[:, :width], scaler.scale[:, :width]
        sides = [self.lower, self.upper]
        if scaler.floor is not None:
            sides = [logarithm(side, scaler.floor) for side in sides]
        if not np.isfinite(sides).any():
            return ScaledBounds()
        lower, upper = (((side - center) / scale).astype(np.float32) for side in sides)
        if not all(np.array_equal(side, np.broadcast_to(side[:1], side.shape)) for side in (lower, upper)):
            return ScaledBounds(reason="the series have different scales, so one number does not fit all")
        return ScaledBounds(lower=lower[0], upper=upper[0])

    def to_dict(self) -> dict[str, Any]:
        stored: dict[str, Any] = {
            name: [float(bound) if np.isfinite(bound) else None for bound in getattr(self, name)]
            for name in ("lower", "upper")
        }
        return stored if self.counts is None else stored | {"counts": self.counts.tolist()}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "Bounds":
        def read(side: str, none: float) -> np.ndarray:
            return np.array([none if bound is None else bound for bound in stored[side]], dtype=np.float64)

        counts = np.array(stored["counts"], dtype=bool) if "counts" in stored else None
        bounds = checked(Bounds(lower=read("lower", -np.inf), upper=read("upper", np.inf), counts=counts))
        sides = [bounds.lower, bounds.upper] + ([] if counts is None else [counts])
        if any(side.shape != bounds.lower.shape or side.ndim != 1 for side in sides):
            raise ValueError("the bounds have different shapes")
        return bounds


@dataclass(frozen=True, kw_only=True)
class ScaledBounds:
    """Bounds for a graph, which forecasts scaled numbers and knows no series."""

    lower: np.ndarray | None = None  # [C] float32, -inf without a bound; None: not in the graph
    upper: np.ndarray | None = None
    reason: str = ""  # why the graph cannot hold the bounds; "" if it can, or without bounds


def make_bounds(
    dataset: Dataset, min_value: float | str, max_value: float | None
) -> tuple[Bounds, list[str]]:
    """Return the bounds of the forecast per target, and notes about them.

    Args:
        dataset: prepared data.
        min_value: a number, `none`, or `auto` for 0 if no training value is negative.
        max_value: upper bound; None for no bound.
    """
    never_negative = np.nanmin(dataset.training.least, axis=0) >= 0
    lower = np.full(dataset.targets, -np.inf)
    notes = []
    if min_value == "auto":
        lower[never_negative] = 0.0
        if never_negative.any():
            named = ", ".join(f"'{name}'" for name in np.array(dataset.schema.targets)[never_negative])
            notes.append(
                f"{named}: never negative in training, so forecasts are at least 0 (use --min none to change this)"
            )
    elif min_value != "none":
        lower[:] = float(min_value)
    upper = np.full(dataset.targets, np.inf if max_value is None else max_value)
    return Bounds(lower=lower, upper=upper, counts=never_negative & _whole_numbers(dataset)), notes


def _whole_numbers(dataset: Dataset) -> np.ndarray:
    """Return whether all measured training values of each target [C] are whole, as far as 32-bit floats can tell."""
    table, whole = dataset.series, np.ones(dataset.targets, dtype=bool)
    for series, (begin, rows) in enumerate(zip(table.offset, table.train_end, strict=True)):
        part = slice(int(begin), int(begin + max(0, rows)))
        scaled = dataset.values_scaled[part, : dataset.targets]
        values = np.where(
            dataset.measured[part, : dataset.targets], dataset.scaler.inverse_transform(scaled, series), 0.0
        )
        if not whole.any() or not len(values):
            continue
        rounding = 2 * dataset.scaler.float32_spacing(np.abs(values).max(axis=0))[series]
        near = np.abs(values - np.rint(values)).max(axis=0) <= rounding
        whole &= near & (rounding < LARGEST_ROUNDING)
    return whole


def inverse_transform(
    dataset: Dataset, forecast_scaled: np.ndarray, series: np.ndarray, bounds: Bounds
) -> np.ndarray:
    """Return a scaled forecast in the file's units, within the bounds, float64.

    Args:
        dataset: prepared data.
        forecast_scaled: [N, H, C].
        series: [N] series of each window.
        bounds: bounds of the forecast.
    """
    return bounds.clip(_inverse_transform_at_bounds(dataset, forecast_scaled, series, bounds))


def clip_scaled(
    dataset: Dataset, forecast_scaled: np.ndarray, series: np.ndarray, bounds: Bounds
) -> np.ndarray:
    """Return a scaled forecast within the bounds; values that are within them do not change.

    Args:
        dataset: prepared data.
        forecast_scaled: [N, H, C].
        series: [N] series of each window.
        bounds: bounds of the forecast.
    """
    values = dataset.inverse_transform_targets(forecast_scaled, series)
    clipped = bounds.clip(values)
    if np.array_equal(values, clipped):
        return forecast_scaled
    return np.where(values == clipped, forecast_scaled, dataset.scaler.transform(clipped, series))


def inverse_transform_truth(
    dataset: Dataset, targets_scaled: np.ndarray, series: np.ndarray, bounds: Bounds
) -> np.ndarray:
    """Return scaled targets in the file's units, float64; values within rounding of a bound become the bound.

    Values of a count within rounding of a whole number become that number, so that they can equal a quantile.

    Args:
        dataset: prepared data.
        targets_scaled: [N, H, C].
        series: [N] series of each window.
        bounds: bounds of the forecast.
    """
    values = _inverse_transform_at_bounds(dataset, targets_scaled, series, bounds)
    if not bounds.are_counts.any():
        return values
    whole = np.rint(values)
    return np.where(bounds.are_counts & (np.abs(values - whole) <= LARGEST_ROUNDING), whole, values)


def _inverse_transform_at_bounds(
    dataset: Dataset, targets_scaled: np.ndarray, series: np.ndarray, bounds: Bounds
) -> np.ndarray:
    values = dataset.inverse_transform_targets(targets_scaled, series)
    for has_bound, bound in bounds.sides:
        tolerance = dataset.scaler.float32_spacing(bound)[series][:, None]
        np.copyto(values, bound, where=has_bound & (np.abs(values - bound) <= tolerance))
    return values


def inverse_transform_intervals(
    dataset: Dataset, quantiles_scaled: np.ndarray | Sequence[np.ndarray], series: np.ndarray, bounds: Bounds
) -> np.ndarray:
    """Return the quantiles [Q, N, H, C] of a forecast in the file's units, within the bounds.

    The quantiles of a count are whole numbers, because no other value can happen.

    Args:
        dataset: prepared data.
        quantiles_scaled: Q arrays [N, H, C].
        series: [N] series of each window.
        bounds: bounds of the forecast.
    """
    scaled = np.asarray(quantiles_scaled)
    rows = scaled.reshape(-1, *scaled.shape[2:])  # one call for all quantiles
    values = inverse_transform(dataset, rows, np.tile(series, len(scaled)), bounds).reshape(scaled.shape)
    if bounds.are_counts.any():
        return np.where(bounds.are_counts, bounds.clip(np.floor(values + 0.5)), values)
    return values


def restore_decimals(dataset: Dataset, values: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Return numbers [K, B, H, C] without the rounding error of 32-bit scaled numbers, where it is plain.

    If a number with few decimals is within that error, it replaces the number: 3.799 for 3.79900005. Few are the
    decimals of the file, or so few that such a number is hardly near by chance. The order of two numbers never turns
    around.

    Args:
        dataset: data of the windows.
        values: numbers in the file's units.
        series: [B] series of each window.
    """
    restored = values.copy()
    known = np.array(dataset.schema.decimals or (0,) * dataset.targets)
    for column, values_of_column in zip(restored, values, strict=True):
        error = dataset.scaler.float32_spacings(values_of_column, series)
        open_cells = np.isfinite(values_of_column)
        for decimals in range(MAX_DECIMALS + 1):
            distance = np.where(decimals <= known, UNIQUE, RARE) * error
            open_cells &= distance <= 10.0**-decimals
            if not open_cells.any():
                break
            rounded = np.rint(values_of_column * 10.0**decimals) / 10.0**decimals
            near = open_cells & (np.abs(rounded - values_of_column) <= error)
            np.copyto(column, rounded, where=near)
            open_cells &= ~near
    return restored
