"""Test for lost accuracy over the forecasts of the ledger, one a day, each against the promise of its own model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.monitoring import sequential_test
from lstm_cli.monitoring.ledger_scores import NightError
from lstm_cli.monitoring.promise import Promise

MIN_MEASURED = 0.8  # share of the values of a night that must be measured


@dataclass(frozen=True, kw_only=True)
class Night:
    """Errors of all forecasts of one model from one origin."""

    day: str  # of the origin; the test uses one origin a day
    origin_us: int
    model: str  # digest
    errors: NightError
    promise: Promise | None


@dataclass(frozen=True, kw_only=True)
class AccuracyTest:
    """Result of the test."""

    nights: tuple[Night, ...]  # tested nights, in the order of time
    without_promise: int  # nights that are left out, because their model has no promise
    ratios: np.ndarray  # [N] error / promised error
    statistic: np.ndarray  # [N]
    limit: float | None  # None: too few nights behind the promise
    alarms: tuple[int, ...]  # index of each night with an alarm
    begins: tuple[int, ...]

    @property
    def is_alarmed(self) -> bool:
        """Return whether the model of the newest night has had an alarm."""
        return self.newest_alarm is not None

    @property
    def newest_alarm(self) -> int | None:
        """Return the index of the newest alarm, if the newest model made that forecast."""
        if not self.alarms or self.nights[self.alarms[-1]].model != self.nights[-1].model:
            return None
        return self.alarms[-1]


def merge_nights(nights: Sequence[Night]) -> list[Night]:
    """Return one night for each day: the first origin with enough measured values, and its largest model.

    Several entries of one model and origin, such as shards, are added up.
    """
    merged: dict[tuple[str, int, str], Night] = {}
    for night in nights:
        key = (night.day, night.origin_us, night.model)
        before = merged.get(key)
        if before is not None:
            both = {name: value + getattr(night.errors, name) for name, value in vars(before.errors).items()}
            night = Night(**{**vars(night), "errors": NightError(**both)})
        merged[key] = night
    chosen: dict[str, Night] = {}
    order = sorted(merged.values(), key=lambda night: (night.origin_us, -night.errors.count, night.model))
    for night in order:
        if night.errors.count and night.errors.count >= MIN_MEASURED * night.errors.cells:
            chosen.setdefault(night.day, night)
    return list(chosen.values())


def run_test(
    nights: Sequence[Night],
    *,
    promises: Mapping[str, Promise],
    calibration: np.ndarray | None,
    steps: np.ndarray,
    horizon: int,
    false_alarms: float,
) -> AccuracyTest:
    """Return the result of the test.

    Args:
        nights: one night for each day.
        promises: promise of each model that the run has now, by digest; for others that of the entry counts.
        calibration: [T, 2] errors by origin of the newest scores; None: the test has no limit.
        steps: [N] number of the step of each night's origin.
        horizon: trained horizon, the distance of nights as long as there is only one.
        false_alarms: expected alarms in a simulated year of nights.
    """
    known = [(night, promises.get(night.model, night.promise)) for night in nights]
    tested = [(night, promise) for night, promise in known if promise is not None]
    residuals = np.array(
        [
            float(
                promise.residuals(
                    np.array([[night.errors.model, night.errors.baseline]]) / night.errors.count
                )[0]
            )
            for night, promise in tested
        ]
    )
    limit = None
    promise = next(iter(promises.values()), None)
    if calibration is not None and promise is not None:
        distances = np.diff(np.unique(steps))
        stride = max(1, int(np.median(distances))) if len(distances) else horizon
        expected = promise.residuals(calibration.astype(np.float64))
        limit = sequential_test.find_limit(expected, stride=stride, false_alarms=false_alarms)
    path = sequential_test.follow(residuals, np.inf if limit is None else limit)
    return AccuracyTest(
        nights=tuple(night for night, _ in tested),
        without_promise=len(known) - len(tested),
        ratios=np.exp(residuals),
        statistic=path.statistic,
        limit=limit,
        alarms=path.alarms,
        begins=path.begins,
    )
