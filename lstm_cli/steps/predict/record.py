"""Ledger entry of a forecast, for `--record`."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.config.predict import PredictConfig
from lstm_cli.data.forecast.bounds import inverse_transform
from lstm_cli.data.forecast.inputs import last_windows
from lstm_cli.data.forecast.output import Forecast
from lstm_cli.errors import ArtifactError
from lstm_cli.evaluation.baselines import naive, seasonal_naive
from lstm_cli.evaluation.quantiles.interval_scores import SCORED_QUANTILES
from lstm_cli.evaluation.quantiles.model import CalibratedQuantiles
from lstm_cli.findings import MODEL, Finding, in_file
from lstm_cli.inference.trained_model import TrainedModel, load_intervals
from lstm_cli.monitoring.promise import Promise, load_promise
from lstm_cli.monitoring.recorded_forecast import RecordedForecast, ServingModel, record
from lstm_cli.rundir import Run, command
from lstm_cli.rundir.ledger import remove_old_forecasts
from lstm_cli.steps.predict.data import ForecastData, Warn
from lstm_cli.steps.predict.shard import ShardSlices, indices_of

if TYPE_CHECKING:
    from lstm_cli.data.dataset.dataset import Dataset, TrainingStatistics


@dataclass(frozen=True, kw_only=True)
class OpenLedger:
    """Facts of the run that an entry needs, read before the forecast."""

    run: Run
    model: TrainedModel
    intervals: CalibratedQuantiles | None
    season: int | None  # of the seasonal naive forecast
    promise: Promise | None
    digest: str
    folder: str
    quantized: str | None
    keep_days: int

    def record(
        self, forecast: Forecast, data: ForecastData, slices: ShardSlices, precision: str, warn: Warn
    ) -> str | None:
        """Write the forecast into the ledger, and remove old ones. Return the path of its file.

        Series that get the baseline are left out. So are series whose forecast rows the model has learnt, because
        it does not forecast them. Without other series, nothing is written.

        Args:
            forecast: forecast of a shard: the series of the model come first.
            data: rows before the forecast.
            slices: series of the shard.
            precision: precision of the graph.
            warn: receives findings.

        Raises:
            ArtifactError: the ledger cannot be written.
        """
        entry = self._entry(forecast, data, slices, precision, warn)
        if entry is None:
            return None
        try:
            path = record(self.run.path, entry)
            remove_old_forecasts(self.run.path, keep_days=self.keep_days)
        except ArtifactError as error:
            text = f"the forecast was written, but not recorded: {error.message}"
            raise type(error)(text, hint=error.hint) from error
        return str(path)

    def _entry(
        self, forecast: Forecast, data: ForecastData, slices: ShardSlices, precision: str, warn: Warn
    ) -> RecordedForecast | None:
        steps = min(forecast.times_us.shape[1], self.model.schema.horizon)
        dataset, own = data.dataset, indices_of(slices.modelled)
        if len(own) < len(dataset.series.names):
            dataset = dataset.select(own)
        modelled = len(dataset.series.names)
        times = forecast.times_us[:modelled, :steps]
        kept = np.flatnonzero(times[:, 0] > self._learnt_until(dataset))
        if len(kept) < modelled:
            warn(self._learnt_finding(data.source, modelled - len(kept), modelled))
        if not len(kept):
            return None
        statistics = self._statistics(dataset)
        schema = dataset.schema
        assert forecast.recorded is not None
        quantized = None if precision == "fp32" else self.quantized
        return RecordedForecast(
            model=ServingModel(
                digest=self.digest, folder=self.folder, precision=precision, quantized=quantized
            ),
            names=tuple(dataset.series.names[index] for index in kept),
            targets=schema.targets,
            times_us=times[kept],
            calendar=schema.time_name is not None and not schema.time_format.is_integer,
            trained_horizon=self.model.schema.horizon,
            season=self.season,
            probabilities=() if self.intervals is None else SCORED_QUANTILES,
            forecast=forecast.values[kept, :steps],
            quantiles=forecast.recorded[:, kept, :steps],
            baseline=self._baseline(dataset, kept, steps),
            seasonal_error=statistics.seasonal_error[kept],
            deviation=np.maximum(statistics.deviation[kept], np.finfo(np.float32).tiny),
            promise=self.promise,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _learnt_until(self, dataset: "Dataset") -> np.ndarray:
        """Return the time [S] of the last row that training or early stopping has used; the earliest for new series."""
        known = self.model.series
        last = self.model.schema.step.times(known.val_end - 1, known.origin_us)
        index = {name: position for position, name in enumerate(known.names)}
        never = np.iinfo(np.int64).min
        return np.array([last[index[name]] if name in index else never for name in dataset.series.names])

    def _learnt_finding(self, source: str, count: int, total: int) -> Finding:
        which = "the forecast is" if total == 1 else f"the forecasts of {count:,} of {total:,} series are"
        text = (
            f"{which} not recorded, because the model has learnt rows after the origin (--record keeps forecasts of "
            f"rows that the model has not seen; '{command('evaluate', self.run.path)}' scores earlier ones)"
        )
        return Finding.at(in_file(source), "M401", text, kind=MODEL, count=count, flags=("--record",))

    def _statistics(self, dataset: "Dataset") -> "TrainingStatistics":
        """Return the training statistics of the model; those of the data for series that are new to it."""
        from lstm_cli.data.dataset.dataset import TrainingStatistics

        index = {name: position for position, name in enumerate(self.model.series.names)}
        position = np.array([index.get(name, -1) for name in dataset.series.names])
        known = (position >= 0)[:, None]
        return TrainingStatistics(
            **{
                name: np.where(known, getattr(self.model.training, name)[position], value)
                for name, value in vars(dataset.training).items()
            }
        )

    def _baseline(self, dataset: "Dataset", kept: np.ndarray, steps: int) -> np.ndarray:
        """Return the seasonal naive forecast [S, steps, C] in the file's units; naive without a season."""
        windows = last_windows(dataset, self.season or 1).select(kept)
        result = np.empty((len(kept), steps, dataset.targets))
        done = 0
        for batch in windows.batches(windows.batch_size):
            if self.season is None:
                scaled = naive(batch.past, steps, dataset.targets)
            else:
                scaled = seasonal_naive(batch.past, batch.mask, steps, dataset.targets, self.season)
            rows = slice(done, done + len(scaled))
            result[rows] = inverse_transform(dataset, scaled, batch.series, self.model.bounds)
            done = rows.stop
        return result


def open_ledger(run: Run, model: TrainedModel, config: PredictConfig) -> OpenLedger:
    """Return the facts of the run that an entry of the ledger needs.

    Args:
        run: run with the model.
        model: trained model.
        config: settings of `predict`.
    """
    promise = None
    with suppress(ArtifactError):  # corrupt scores must not prevent a forecast; `score` reports them
        promise = load_promise(run)
    seasons = model.schema.seasons
    season = run.report("train").get("baseline_season", seasons[0] if seasons else None)
    reader = run.artifact("model")
    return OpenLedger(
        run=run,
        model=model,
        intervals=load_intervals(run),
        season=season if type(season) is int and season >= 1 else None,
        promise=promise,
        digest=reader.digest,
        folder=reader.folder.name,
        quantized=run.digest("quantized"),
        keep_days=config.keep_days,
    )
