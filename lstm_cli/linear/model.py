"""Linear forecast as it is shipped: one map of a window, made from many regressions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lstm_cli.linear.exponential_smoothing import Smoothing

Group = tuple[str, bool, bool, int]  # regressions with this center, scaled, intercept, lookback
DEVIATION_FLOOR = 0.1  # in target units: smallest deviation of a window


@dataclass(frozen=True, kw_only=True)
class RidgeGroup:
    """Group of regressions that differ only in their penalty, with the weight of each in the average."""

    lookback: int  # K, number of values that are read
    center: str  # "last" or "mean": subtracted from a window and added to the forecast
    scaled: bool  # divide windows by their deviation, so that quiet and volatile ones count equally
    intercept: bool
    penalties: dict[float, float]  # penalty (times the mean squared input): weight

    @staticmethod
    def from_group(group: Group, penalties: dict[float, float]) -> "RidgeGroup":
        center, scaled, intercept, lookback = group
        return RidgeGroup(
            lookback=lookback, center=center, scaled=scaled, intercept=intercept, penalties=penalties
        )

    @property
    def group(self) -> Group:
        return (self.center, self.scaled, self.intercept, self.lookback)

    @property
    def weight(self) -> float:
        return sum(self.penalties.values())


@dataclass(frozen=True, kw_only=True)
class LinearEnsemble:
    """Linear map from the last K values of a target to all H steps at once, on scaled values.

        forecast = share * last + (1 - share) * mean
                 + (past - last) @ last_weights + (past - mean) @ mean_weights
                 + unit * bias + deviation * deviation_bias

    `mean` and `deviation` are those of the last `window` steps. `unit` is the typical size of a scaled value of each
    target, 1 with the standard scaler. With `response`, known-ahead inputs take part: their linear effect is subtracted
    from the past and added to the steps ahead.
    """

    last_weights: np.ndarray  # [K, H] float32
    mean_weights: np.ndarray  # [K, H] float32
    bias: np.ndarray  # [H] float32
    deviation_bias: np.ndarray  # [H] float32
    share: float  # share of the maps that are centred on the last value
    window: int  # steps
    unit: np.ndarray  # [C] float32
    response: np.ndarray  # [A, C] float32, effect of each known-ahead input; A is 0 if they are not used
    score: float  # MASE on validation windows
    members: tuple[RidgeGroup, ...]
    smoothed: tuple[tuple[Smoothing, float], ...]  # maps without a fit and their weights

    @property
    def lookback(self) -> int:
        """Return the number of steps that the map reads."""
        return max(len(self.last_weights), self.window)

    def __call__(self, past: np.ndarray, future: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Return the forecast [B, H, C], scaled.

        Args:
            past: [B, L, F] scaled, targets first; L is at least the lookback.
            future: [B, H, A] known-ahead inputs.
            mask: [B, L], 0 for padding.
        """
        values = past[:, :, : len(self.unit)]
        if len(self.response):
            values = values - past[:, :, -len(self.response) :] @ self.response
        mean, deviation = window_moments(values, mask, self.window, self.unit)
        sides = (
            np.swapaxes(part, 1, 2) for part in (values / self.unit, mean / self.unit, deviation / self.unit)
        )
        forecast = np.swapaxes(self.forecast_rows(next(sides), mask[:, None], *sides), 1, 2) * self.unit
        return forecast + future @ self.response if len(self.response) else forecast

    def forecast_rows(
        self, past: np.ndarray, mask: np.ndarray, mean: np.ndarray, deviation: np.ndarray
    ) -> np.ndarray:
        """Return the forecast [..., H] of rows, in units of their target and without the effect of known-ahead inputs.

        Args:
            past: [..., L] in units of the target.
            mask: [..., L], 1 for real steps.
            mean: [..., 1] of the window.
            deviation: [..., 1] of the window.
        """
        reach = len(self.last_weights)
        last, recent, real = past[..., -1:], past[..., -reach:], mask[..., -reach:]
        return (
            self.share * last
            + (1 - self.share) * mean
            + ((recent - last) * real) @ self.last_weights
            + ((recent - mean) * real) @ self.mean_weights
            + self.bias
            + deviation * self.deviation_bias
        )

    def families(self) -> dict[str, float]:
        """Return the total weight of the regressions, and of each family of maps without a fit."""
        weights = {"ridge": sum(member.weight for member in self.members)}
        for smoothing, weight in self.smoothed:
            weights[smoothing.family] = weights.get(smoothing.family, 0.0) + weight
        return {name: round(weight, 4) for name, weight in weights.items() if weight > 0}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays for `from_stored`."""
        names = ("last_weights", "mean_weights", "bias", "deviation_bias", "unit", "response")
        return {name: getattr(self, name) for name in names}

    def settings(self) -> dict[str, Any]:
        """Return the facts for the run's report and for `from_stored`."""
        return {
            "lookback": self.lookback,
            "window": self.window,
            "share": self.share,
            "score": self.score,
            "regressions": sum(len(member.penalties) for member in self.members),
            "families": self.families(),
            "covariates": len(self.response) > 0,
        }

    def fit_facts(self) -> dict[str, Any]:
        """Return the facts for `from_fit`, as JSON values that are restored exactly."""
        return {
            "share": self.share,
            "window": self.window,
            "score": self.score,
            "members": [
                asdict(member) | {"penalties": list(member.penalties.items())} for member in self.members
            ],
            "smoothed": [[asdict(member), weight] for member, weight in self.smoothed],
        }

    @staticmethod
    def from_fit(arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> "LinearEnsemble":
        """Return the ensemble of `arrays` and `fit_facts`, with its members. Raises KeyError, TypeError, ValueError."""
        members = [member | {"penalties": dict(member["penalties"])} for member in facts["members"]]
        return LinearEnsemble(
            **arrays,
            share=facts["share"],
            window=facts["window"],
            score=facts["score"],
            members=tuple(RidgeGroup(**member) for member in members),
            smoothed=tuple((Smoothing(**member), weight) for member, weight in facts["smoothed"]),
        )

    @staticmethod
    def from_stored(arrays: dict[str, np.ndarray], settings: dict[str, Any]) -> "LinearEnsemble":
        """Return the ensemble of `arrays` and `settings`, without its members."""
        return LinearEnsemble(
            **arrays,
            share=settings["share"],
            window=settings["window"],
            score=settings["score"],
            members=(),
            smoothed=(),
        )


def window_moments(
    values: np.ndarray, mask: np.ndarray, window: int, unit: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation [B, 1, C] of the real steps among the last `window` steps.

    Args:
        values: [B, L, C].
        mask: [B, L], 0 for padding.
        window: number of steps.
        unit: [C] typical size of a value; it keeps the deviation above 0.
    """
    real = mask[:, -window:, None]
    recent = values[:, -window:]
    count = np.maximum(real.sum(axis=1, keepdims=True), 1)
    mean = (recent * real).sum(axis=1, keepdims=True) / count
    variance = (np.square(recent - mean) * real).sum(axis=1, keepdims=True) / count
    return mean, np.hypot(np.sqrt(variance), DEVIATION_FLOOR * unit)  # the square of a small floor is 0
