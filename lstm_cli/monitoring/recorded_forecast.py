"""Recorded forecast: what a model said about the next steps, with all that is needed to score it later.

A file of the ledger holds it (`rundir/ledger.py`). It needs no model to be scored: the divisors of MASE, the quantiles
that WQL and coverage use, and the seasonal naive forecast of the same steps are part of it.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lstm_cli.data.stored_types import checked
from lstm_cli.errors import CorruptArtifact
from lstm_cli.monitoring.promise import Promise
from lstm_cli.rundir import LEDGER, ledger


@dataclass(frozen=True, kw_only=True)
class ServingModel:
    """Model that made a forecast."""

    digest: str  # sha256 of its folder
    folder: str  # number of its folder in the run
    precision: str
    quantized: str | None  # sha256 of the quantized model, if that made the forecast


@dataclass(frozen=True, kw_only=True)
class RecordedForecast:
    """Forecast of S series, at most the trained horizon long. Numbers are in the file's units, float32."""

    model: ServingModel
    names: tuple[str, ...]  # of the series
    targets: tuple[str, ...]
    times_us: np.ndarray  # [S, H] int64 microseconds; row numbers from 0 without times
    calendar: bool  # whether the times are dates
    trained_horizon: int
    season: int | None  # of the seasonal naive forecast, steps; None: `baseline` is naive
    probabilities: tuple[float, ...]  # of the quantiles; () for a model without quantiles
    forecast: np.ndarray  # [S, H, C]
    quantiles: np.ndarray  # [Q, S, H, C]
    baseline: np.ndarray  # [S, H, C]
    seasonal_error: np.ndarray  # [S, C] divisor of MASE; NaN: unknown
    deviation: np.ndarray  # [S, C] standard deviation of the training rows
    promise: Promise | None  # of the model, if `evaluate` had scored it
    made_at: str  # ISO 8601 in UTC, for people: no decision depends on it

    @property
    def origin_us(self) -> int:
        """Return the newest time of a first step."""
        return int(self.times_us[:, 0].max())

    @property
    def name(self) -> str:
        """Return the name in the ledger: the same model, origin, series and steps have the same name."""
        identity = [self.model.digest, self.model.quantized, self.model.precision, self.names, self.targets]
        digest = hashlib.sha256(json.dumps(identity).encode())
        digest.update(np.ascontiguousarray(self.times_us, dtype="<i8").tobytes())
        return ledger.forecast_name(self.origin_us, digest.hexdigest(), calendar=self.calendar)


def record(run: Path, forecast: RecordedForecast) -> Path:
    """Write a forecast into the ledger of a run, and return the path of its file.

    Raises:
        ForeignFolder, OutputError: the ledger cannot be written.
    """
    return ledger.write_ledger_file(run, forecast.name, ledger.FORECAST, to_file(forecast))


def read_forecast(run: Path, name: str) -> RecordedForecast | None:
    """Return a forecast of the ledger; None if another process has removed it.

    Args:
        run: run directory.
        name: name of the forecast.

    Raises:
        CorruptArtifact: the file is corrupt.
        ArtifactError: a newer release wrote it, or it cannot be read.
    """
    content = ledger.read_ledger_file(run, name, ledger.FORECAST)
    return None if content is None else from_file(content, run / LEDGER / (name + ledger.FORECAST))


def to_file(forecast: RecordedForecast) -> ledger.LedgerFile:
    """Return a forecast as facts and arrays."""
    rows, which = np.unique(forecast.times_us, axis=0, return_inverse=True)
    arrays = {
        "times": np.ascontiguousarray(
            rows, dtype="<i8"
        ),  # few distinct rows, because series share their times
        "times_of_series": which.reshape(-1).astype("<u4"),
        **{
            name: np.asarray(getattr(forecast, name), dtype="<f4")
            for name in ("forecast", "quantiles", "baseline", "seasonal_error", "deviation")
        },
    }
    facts = {
        "model": asdict(forecast.model),
        "promise": None if forecast.promise is None else forecast.promise.to_dict(),
        **{
            name: getattr(forecast, name)
            for name in (
                "names",
                "targets",
                "calendar",
                "trained_horizon",
                "season",
                "probabilities",
                "made_at",
            )
        },
    }
    return ledger.LedgerFile(facts=facts, arrays=arrays)


def from_file(content: ledger.LedgerFile, path: Path) -> RecordedForecast:
    """Return the forecast of a file, whose content may be hostile.

    Raises:
        CorruptArtifact: the content is invalid.
    """
    facts: dict[str, Any] = dict(content.facts)
    arrays = dict(content.arrays)
    try:
        rows, which = arrays.pop("times"), arrays.pop("times_of_series")
        promise, model = facts.pop("promise"), facts.pop("model")
        values: dict[str, Any] = {**facts, **arrays}
        for name in ("names", "targets", "probabilities"):
            values[name] = tuple(values[name])
        forecast = RecordedForecast(
            model=checked(ServingModel(**model)),
            promise=None if promise is None else Promise.from_dict(promise),
            times_us=rows[which],
            **values,
        )
        _require_valid(checked(forecast))
        return forecast
    except Exception as error:  # edited content can raise many classes
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise CorruptArtifact(f"{path} is corrupt: unexpected content ({reason:.200})") from error


def _require_valid(forecast: RecordedForecast) -> None:
    """Raise ValueError unless the arrays of a forecast fit each other."""
    series, steps, targets = forecast.forecast.shape
    shapes = {
        "names": (len(forecast.names), series),
        "targets": (len(forecast.targets), targets),
        "times": (forecast.times_us.shape, (series, steps)),
        "baseline": (forecast.baseline.shape, forecast.forecast.shape),
        "quantiles": (forecast.quantiles.shape, (len(forecast.probabilities), series, steps, targets)),
        "seasonal_error": (forecast.seasonal_error.shape, (series, targets)),
        "deviation": (forecast.deviation.shape, (series, targets)),
        "series": (len(set(forecast.names)), len(forecast.names)),
    }
    wrong = [name for name, (own, expected) in shapes.items() if own != expected]
    if wrong or not (series and steps and targets) or forecast.times_us.dtype != np.dtype("<i8"):
        raise ValueError(f"the shapes do not match: {', '.join(wrong)}")
    if not np.isfinite(forecast.forecast).all() or not (forecast.deviation > 0).all():
        raise ValueError("a number is out of range")
    if forecast.trained_horizon < steps or (forecast.season is not None and forecast.season < 1):
        raise ValueError("the horizon or the season is out of range")
