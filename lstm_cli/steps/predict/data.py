"""Data of a forecast: those of the run, or new rows, in the scaling of the model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from lstm_cli.config import PredictConfig
from lstm_cli.config.text import TextSettings
from lstm_cli.data.dataset.dataset import Dataset, Schema
from lstm_cli.data.dataset.ended_series import EndedSeries, apply_ended, newest_of_all
from lstm_cli.data.dataset.short_series import NO_SHORT_SERIES, ShortSeries
from lstm_cli.data.times.formats import show_time
from lstm_cli.errors import DataError, StaleArtifact
from lstm_cli.findings import MODEL, Finding, in_file
from lstm_cli.inference.trained_model import TrainedModel, rescale_to_model
from lstm_cli.rundir import Run, is_after_rollback, retrain_command, stale_sources, version_number
from lstm_cli.steps.predict.forecaster import Forecaster
from lstm_cli.steps.shared.grown_data import schema_differences

if TYPE_CHECKING:
    from lstm_cli.data.forecast.origin import Origin

Warn = Callable[[Finding], None]


@dataclass(frozen=True, kw_only=True)
class ForecastData:
    """Rows before a forecast."""

    dataset: Dataset  # series that the model forecasts
    short: ShortSeries  # series that get the baseline
    source: str  # name of the rows in messages
    new: Sequence[str] = ()  # names of the series in `dataset` that are new to the model
    covariates: str = ""  # name of the file of --future-data in messages; "" if the rows hold the covariates

    def select(self, only: Sequence[str]) -> "ForecastData":
        """Return the series of `--only`; the ended series are still those of the whole panel.

        Raises:
            UsageError: the data have no series column.
            DataError: a series is not found.
        """
        from lstm_cli.data.forecast.series_names import find_requested_series

        dataset, short = self.dataset, self.short
        names = (*dataset.series.names, *short.names)
        chosen = np.array(find_requested_series(names, only, self.source))
        trained = len(dataset.series.names)
        schema = replace(dataset.schema, newest_us=newest_of_all(dataset.schema, dataset.series, short))
        kept = dataset.select(chosen[chosen < trained])
        return replace(
            self,
            dataset=replace(kept, schema=schema),
            short=short.select(chosen[chosen >= trained] - trained),
            new=[name for name in self.new if name in kept.series.names],
        )

    def without_ended(self, policy: str, warn: Warn) -> "tuple[ForecastData, EndedSeries]":
        """Return the data as `--ended` says, and the ended series.

        Args:
            policy: value of `--ended`.
            warn: receives a finding if any series ended.

        Raises:
            DataError: `policy` is `refuse` and a series ended, or no series is left.
        """
        dataset, short, ended, finding = apply_ended(self.dataset, self.short, self.source, policy)
        if finding is not None:
            warn(finding)
        new = [name for name in self.new if name in dataset.series.names]
        return replace(self, dataset=dataset, short=short, new=new), ended

    def without_short(self, warn: Warn) -> "ForecastData":
        """Return the data without the series that are too short for the model: the baseline has no sample paths.

        Args:
            warn: receives a finding if any series is left out.

        Raises:
            DataError: no series is left.
        """
        names, longer = self.short.names, len(self.dataset.series.names)
        if not names:
            return self
        from lstm_cli.data.locations import quote_names

        if not longer:
            raise DataError(
                f"too few rows for the model, which alone has sample paths: {quote_names(names)}",
                hint="leave out --samples for the forecast of the baseline",
                rule="D831",
                at=in_file(self.source),
                flags=("--samples",),
            )
        text = (
            f"{len(names):,} of {len(names) + longer:,} series have too few rows for the model: {quote_names(names)}; "
            "left out, because the baseline has no sample paths (without --samples they are forecast)"
        )
        warn(Finding.at(in_file(self.source), "D830", text, count=len(names), flags=("--samples",)))
        return replace(self, short=NO_SHORT_SERIES)

    def with_future_data(
        self, config: PredictConfig, steps: int, stdin: BinaryIO | None, warn: Warn
    ) -> "ForecastData":
        """Return the data with the known-ahead covariates of `--future-data`.

        The baseline of short series reads no covariates, so their rows are ignored.

        Args:
            config: settings of `predict`.
            steps: steps of the forecast.
            stdin: stream behind `-`.
            warn: receives findings.

        Raises:
            DataError: the file cannot be read, or does not fit the data.
        """
        from lstm_cli.data.forecast.future_data import add_future_data
        from lstm_cli.data.forecast.inputs import whole_horizons

        assert config.future_data is not None
        if not self.dataset.series.names:
            return self
        filled = whole_horizons(self.dataset.schema, steps)
        dataset, findings = add_future_data(
            self.dataset, config.future_data, steps=filled, text=config.text_settings, stdin=stdin
        )
        for finding in findings:
            warn(finding)
        return replace(self, dataset=dataset, covariates=source_name(config.future_data))


def load_own_data(forecaster: Forecaster, warn: Warn, origin: "Origin | None" = None) -> ForecastData:
    """Return the run's data in the scaling of the model.

    Args:
        forecaster: opened model of a run with prepared data.
        warn: receives findings.
        origin: last row that the forecast knows; None: the last row of the data.

    Raises:
        StaleArtifact: the data have other columns or another frequency than the model.
        DataError: the origin is not a row, or has too few rows before it.
    """
    run, model = forecaster.run, forecaster.model
    dataset, short = forecaster.own_data
    if stale_sources(run, "model"):
        _warn_stale(run, model, dataset, warn)
    if origin is not None:
        from lstm_cli.data.forecast.known_rows import hide_later_rows

        dataset, short, findings = hide_later_rows(dataset, short, origin, forecaster.schema, str(run.path))
        for finding in findings:
            warn(finding)
    dataset = rescale_to_model(dataset, model)
    return ForecastData(dataset=dataset, short=short, source=str(run.path), new=_new_names(dataset, model))


def _new_names(dataset: Dataset, model: TrainedModel) -> list[str]:
    """Return the names of the series that the model was not trained on."""
    if dataset.series.names == model.series.names or not model.schema.series_columns:
        return []
    from lstm_cli.data.forecast.series_names import SeriesIndex

    known = SeriesIndex(model.series.names)
    return [name for name in dataset.series.names if known.find(name) is None]


def _warn_stale(run: Run, model: TrainedModel, dataset: Dataset, warn: Warn) -> None:
    """Warn that the data changed after training. Raise StaleArtifact if the model cannot forecast them."""
    changed = schema_differences(model.schema, dataset.schema)
    if changed:
        raise StaleArtifact(
            f"the model of {run.path} is out of date: the data have other {changed}",
            hint=f"train again: '{retrain_command(run)}'",
        )
    retrain = f"'{retrain_command(run)}' trains it again"
    version = (
        f" (version {version_number(run.models[-1])}, by a rollback)" if is_after_rollback(run.models) else ""
    )
    warn(
        Finding(
            rule="M102",
            kind=MODEL,
            text=f"the model of {run.path}{version} is out of date: the data changed after training ({retrain})",
        )
    )


def load_new_data(
    new: str,
    forecaster: Forecaster,
    text: TextSettings,
    stdin: BinaryIO | None,
    warn: Warn,
    origin: "Origin | None" = None,
    *,
    future_file_ok: bool = False,
) -> ForecastData:
    """Return new rows in the scaling of the model.

    Args:
        new: file with the rows, `-` for standard input, or bytes in memory.
        forecaster: opened model.
        text: settings of how text is read; those of the run are the defaults.
        stdin: stream behind `-`.
        warn: receives findings.
        origin: last row that the forecast knows; None: the last row of the file.
        future_file_ok: the command has --future-data for rows without targets; a hint names it.

    Raises:
        DataError: the rows do not fit the model, or the origin is not one of them.
    """
    from lstm_cli.data.forecast.new_data import read_new_data

    read = read_new_data(
        new, forecaster.schema, text=text, stdin=stdin, origin=origin, future_file_ok=future_file_ok
    )
    for finding in read.findings:
        warn(finding)
    source = source_name(new)
    if forecaster.run.has("data"):
        _warn_changed_values(source, read.dataset, forecaster.own_data[0], warn)
    return ForecastData(
        dataset=read.dataset, short=read.short, source=source, new=_new_names(read.dataset, forecaster.model)
    )


def source_name(path: str) -> str:
    """Return the name of an input file in messages."""
    return "standard input" if path == "-" else str(path)


def _warn_changed_values(source: str, new: Dataset, old: Dataset, warn: Callable[[Finding], None]) -> None:
    """Warn once if new rows and the run's data differ at the same times."""
    if not is_comparable(new.schema, old.schema):
        return
    index_of = {name: index for index, name in enumerate(old.series.names)}
    differing, first = 0, None
    width = new.targets
    for series, name in enumerate(new.series.names):
        if name not in index_of:
            continue
        known = index_of[name]
        times = new.schema.step.times(np.arange(new.series.count[series]), int(new.series.origin_us[series]))
        index, fits = old.schema.step.index(times, int(old.series.origin_us[known]))
        rows = np.flatnonzero(fits & (index >= 0) & (index < old.series.count[known]))
        if not len(rows):
            continue
        new_rows = new.series.offset[series] + rows
        old_rows = old.series.offset[known] + index[rows]
        both = new.measured[new_rows, :width] & old.measured[old_rows, :width]
        a = new.scaler.inverse_transform(new.values_scaled[new_rows, :width], series)
        b = old.scaler.inverse_transform(old.values_scaled[old_rows, :width], known)
        differs = both & differing_values(a, b, old.scaler.scale[known, :width])
        if differs.any() and first is None:
            first = times[rows[[int(np.argmax(differs.any(axis=1)))]]]
        differing += int(differs.sum())
    if differing and first is not None:
        when = show_time(first[0], new.schema.time_format)
        values = "value differs" if differing == 1 else "values differ"
        text = f"{differing} {values} from the run's data at the same times, first at {when}"
        warn(Finding.at(in_file(source), "D811", text, count=differing))


def is_comparable(new: Schema, old: Schema) -> bool:
    """Return whether new rows and the run's data have the same targets at the same times."""
    return old.targets == new.targets and old.step == new.step and old.time_name is not None


def differing_values(new: np.ndarray, old: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return which values [n, C] differ by more than their rounding error, because both were 32-bit floats.

    Args:
        new: values of new rows.
        old: values of the run's data.
        scale: [C] scale of the run's data.
    """
    differ: np.ndarray = np.abs(new - old) > 1e-5 * (np.abs(new) + np.abs(old) + scale)
    return differ
