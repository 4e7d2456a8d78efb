"""Promise of a model: the error that a single forecast should have, from the windows that `evaluate` scored."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lstm_cli.data.stored_types import checked
from lstm_cli.rundir import Run

ERRORS_FILE = "origin_errors.npy"
LEAST_SHARE = 1e-3  # of the mean error: a smaller error counts as this, so that its logarithm is finite
MIN_ORIGINS = 2


@dataclass(frozen=True, kw_only=True)
class Promise:
    """Expected logarithm of the error of a forecast, given the error of the baseline for the same steps.

    A night that is hard for seasonal naive is hard for the model too. `slope` is how much of the logarithm of the
    baseline's error the model's error shares, by least squares.
    """

    log_error: float  # mean logarithm of the model's error
    log_baseline: float
    slope: float  # from 0 to 1
    least: tuple[float, float]  # smallest error of model and baseline that counts

    def residuals(self, errors: np.ndarray) -> np.ndarray:
        """Return log(error / promised error) of forecasts from their errors [N, 2] of model and baseline."""
        log_model, log_baseline = np.log(np.maximum(errors, self.least)).T
        residuals: np.ndarray = log_model - self.log_error - self.slope * (log_baseline - self.log_baseline)
        return residuals

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "Promise":
        promise = checked(Promise(**{**stored, "least": tuple(stored["least"])}))
        if len(promise.least) != 2 or not min(promise.least) > 0 or not np.isfinite(promise.log_error):
            raise ValueError("the promise is out of range")
        return promise


def fit_promise(errors: np.ndarray) -> Promise | None:
    """Return the promise of the errors [T, 2] of model and baseline by origin, or None if there are too few.

    Rows with NaN have no forecast.
    """
    known = errors[np.isfinite(errors).all(axis=1)].astype(np.float64)
    means = known.mean(axis=0) if len(known) else np.zeros(2)
    if len(known) < MIN_ORIGINS or not (means > 0).all():
        return None
    least = LEAST_SHARE * means
    log_model, log_baseline = np.log(np.maximum(known, least)).T
    variance = float(np.var(log_baseline))
    covariance = float(np.mean((log_model - log_model.mean()) * (log_baseline - log_baseline.mean())))
    slope = min(max(covariance / variance, 0.0), 1.0) if variance > 0 else 0.0
    return Promise(
        log_error=float(log_model.mean()),
        log_baseline=float(log_baseline.mean()),
        slope=slope,
        least=(float(least[0]), float(least[1])),
    )


def scored_model(run: Run) -> str | None:
    """Return the digest of the model that the scores of a run are of; None without scores."""
    if not run.has("scores"):
        return None
    fact = run.producer_entry("scores").get("read", {}).get("model", {})
    return str(fact.get("sha256"))


def load_errors(run: Run) -> np.ndarray | None:
    """Return the errors [T, 2] by origin of the scores, or None if a release without them wrote the scores.

    Raises:
        CorruptArtifact: the file is corrupt.
    """
    reader = run.artifact("scores")
    if not reader.has(ERRORS_FILE):
        return None
    errors = np.array(reader.array(ERRORS_FILE))
    with reader.parsing(ERRORS_FILE):
        if errors.ndim != 2 or errors.shape[1] != 2 or errors.dtype != np.float32 or (errors < 0).any():
            raise ValueError("its shape or its numbers are wrong")
    return errors


def load_promise(run: Run) -> Promise | None:
    """Return the promise of the current model of a run; None if its scores are missing or of another model.

    Raises:
        CorruptArtifact: the scores are corrupt.
    """
    if not run.has("model") or scored_model(run) != run.digest("model"):
        return None
    errors = load_errors(run)
    return None if errors is None else fit_promise(errors)
