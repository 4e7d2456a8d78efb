"""Measured values of the steps of a recorded forecast: what came true."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.forecast.bounds import Bounds, inverse_transform_truth
from lstm_cli.data.forecast.series_names import SeriesIndex
from lstm_cli.errors import CorruptArtifact
from lstm_cli.monitoring.recorded_forecast import RecordedForecast
from lstm_cli.rundir import LEDGER, ledger

ROUNDING = 1e-5  # relative difference that 32-bit floats explain


@dataclass(frozen=True, kw_only=True)
class Merged:
    """Measured values of a forecast, old and new."""

    truth: np.ndarray  # [S, H, C] float64, NaN where nothing was measured
    new: int  # values that were not known before
    changed: int  # values that differ from those known before


class Actuals:
    """Measured values of a file or of a run, by series and time."""

    def __init__(self, dataset: Dataset, bounds: Bounds) -> None:
        self._dataset, self._bounds = dataset, bounds
        self._series = SeriesIndex(dataset.series.names)

    def of(self, forecast: RecordedForecast) -> np.ndarray:
        """Return the measured values [S, H, C] of the steps of a forecast, float64, NaN where there is none."""
        dataset, table = self._dataset, self._dataset.series
        found = [self._series.find(name) for name in forecast.names]
        series = np.array([-1 if position is None else position for position in found])
        index, fits = dataset.schema.step.index(forecast.times_us, table.origin_us[series][:, None])
        inside = fits & (index >= 0) & (index < table.count[series][:, None]) & (series >= 0)[:, None]
        rows = np.where(inside, index + table.offset[series][:, None], 0)
        targets = dataset.targets
        truth = inverse_transform_truth(dataset, dataset.values_scaled[rows, :targets], series, self._bounds)
        measured = dataset.measured[rows, :targets] & inside[:, :, None]
        # As the ledger stores them, so that a repeated score has the same figures.
        return np.where(measured, truth, np.nan).astype(np.float32).astype(np.float64)


def merge(forecast: RecordedForecast, known: np.ndarray | None, found: np.ndarray) -> Merged:
    """Return the measured values of a forecast. A new value replaces a known one; a missing one does not.

    Args:
        forecast: recorded forecast.
        known: [S, H, C] values that were scored before, or None.
        found: [S, H, C] values of the newest file.
    """
    if known is None:
        return Merged(truth=found, new=int(np.isfinite(found).sum()), changed=0)
    old, has_old, has_new = known.astype(np.float64), np.isfinite(known), np.isfinite(found)
    tolerance = ROUNDING * (np.abs(old) + np.abs(found) + forecast.deviation[:, None, :])
    changed = has_old & has_new & (np.abs(old - found) > tolerance)
    new = has_new & ~has_old
    return Merged(truth=np.where(changed | new, found, old), new=int(new.sum()), changed=int(changed.sum()))


def read_truth(run: Path, name: str, forecast: RecordedForecast) -> np.ndarray | None:
    """Return the measured values [S, H, C] that the ledger has for a forecast, or None.

    Args:
        run: run directory.
        name: name of the forecast.
        forecast: the forecast.

    Raises:
        ArtifactError: the file is corrupt, or cannot be read.
    """
    content = ledger.read_ledger_file(run, name, ledger.ACTUAL)
    if content is None:
        return None
    truth = content.arrays.get("truth")
    if truth is None or truth.shape != forecast.forecast.shape or truth.dtype != np.float32:
        path = run / LEDGER / (name + ledger.ACTUAL)
        raise CorruptArtifact(f"{path} is corrupt: its values do not match the forecast")
    return truth


def write_truth(run: Path, name: str, truth: np.ndarray) -> None:
    """Write the measured values of a forecast into the ledger.

    Args:
        run: run directory.
        name: name of the forecast.
        truth: [S, H, C], NaN where nothing was measured.

    Raises:
        OutputError: the system refuses.
    """
    content = ledger.LedgerFile(facts={}, arrays={"truth": truth.astype("<f4")})
    ledger.write_ledger_file(run, name, ledger.ACTUAL, content)
