"""The prepared data of a run: scaled series on a grid, their splits, and what is needed to undo the scaling."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from lstm_cli.data.chunks import RowSlices, row_chunks
from lstm_cli.data.dataset.imputation import last_observed_row
from lstm_cli.data.dataset.scaling import Scaler, column_ranges, column_sums
from lstm_cli.data.parallel import ordered_map
from lstm_cli.data.times.calendar_features import calendar_features
from lstm_cli.data.times.formats import TimeFormat
from lstm_cli.data.times.frequency import Step


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What the columns are and how the file writes them: all that reading new data of the same kind needs."""

    targets: tuple[str, ...]
    past: tuple[str, ...]
    future: tuple[str, ...]
    calendar: tuple[str, ...]  # names of the calendar inputs, derived from the times
    time_name: str | None  # None: the file has no time column, rows are steps
    time_format: TimeFormat
    series_name: str | None
    delimiter: str
    step: Step
    horizon: int  # steps
    lookback: int  # steps: the given number, or what the rule gives for these data
    lookback_fixed: bool  # the lookback was given, so a model may not settle another
    pad: bool  # windows with less history than the lookback are padded
    seasons: tuple[int, ...]  # steps, shortest first
    missing: str
    decimals: tuple[int, ...] = ()  # of each target in the file; (): not known, in runs of 0.1.0
    newest_us: int | None = None  # newest measured row of a panel, where a series that was left out has it

    @property
    def columns(self) -> tuple[str, ...]:
        """The stored columns: targets, then past covariates, then known-ahead ones."""
        return (*self.targets, *self.past, *self.future)

    @property
    def known_ahead(self) -> int:
        """K: how many inputs are known over the horizon too; they are the last ones."""
        return len(self.future) + len(self.calendar)

    @property
    def season(self) -> int:
        """m: the shortest season, 1 where there is none."""
        return self.seasons[0] if self.seasons else 1

    def to_dict(self) -> dict[str, Any]:
        stored = {field.name: getattr(self, field.name) for field in fields(self)}
        return stored | {"step": self.step.to_dict(), "time_format": self.time_format.to_dict()}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "Schema":
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
        }
        values["step"] = Step.from_dict(stored["step"])
        values["time_format"] = TimeFormat.from_dict(stored["time_format"])
        return Schema(**values)


@dataclass(frozen=True, kw_only=True)
class SeriesTable:
    """Where each series lies in the array of all, and its splits. Every array is [S]."""

    names: tuple[str, ...]
    origin_us: np.ndarray  # int64, time of the first row, microseconds since 1970
    offset: np.ndarray  # int64, its first row in the array
    count: np.ndarray  # int64, usable rows
    ahead: np.ndarray  # int64, rows after them that hold known-ahead covariates
    train_end: np.ndarray  # int64, rows of the training split, counted from its first
    val_end: np.ndarray  # int64, rows up to the end of validation

    @property
    def split_rows(self) -> dict[str, int]:
        """The rows of each split, over all series."""
        return {
            "train": int(self.train_end.sum()),
            "val": int((self.val_end - self.train_end).sum()),
            "test": int((self.count - self.val_end).sum()),
        }

    @property
    def row_slices(self) -> list[slice]:
        """The stored rows of each series in the array, those ahead included."""
        ends = self.offset + self.count + self.ahead
        return [slice(*both) for both in zip(self.offset.tolist(), ends.tolist(), strict=True)]

    def select(self, indices: np.ndarray) -> "SeriesTable":
        """Return some of the series, in that order, their rows one after another."""
        lengths = (self.count + self.ahead)[indices]
        arrays = {
            name: value[indices] for name, value in vars(self).items() if name not in ("names", "offset")
        }
        names = tuple(self.names[one] for one in indices)
        return SeriesTable(names=names, offset=np.cumsum(lengths) - lengths, **arrays)

    def to_dict(self) -> dict[str, Any]:
        return {
            name: list(value) if name == "names" else value.tolist() for name, value in vars(self).items()
        }

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "SeriesTable":
        values: dict[str, Any] = {
            name: tuple(value) if name == "names" else np.array(value, dtype=np.int64)
            for name, value in stored.items()
        }
        return SeriesTable(**values)


@dataclass(frozen=True, kw_only=True)
class TrainingStatistics:
    """What the measured training rows say of each series and target, in the file's units. Every array is [S, C]."""

    deviation: np.ndarray  # population standard deviation, 1 for a constant: divides `_scaled` metrics
    seasonal_error: np.ndarray  # mean |v_t - v_(t-m)|, MASE's scale; NaN where there is no such pair
    least: np.ndarray  # NaN where nothing was measured
    greatest: np.ndarray

    def select(self, indices: np.ndarray) -> "TrainingStatistics":
        """Return those of some of the series, in that order."""
        return TrainingStatistics(**{name: value[indices] for name, value in vars(self).items()})

    def to_dict(self) -> dict[str, Any]:
        return {
            name: [[None if np.isnan(cell) else cell for cell in row] for row in value.tolist()]
            for name, value in vars(self).items()
        }

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "TrainingStatistics":
        return TrainingStatistics(
            **{name: np.array(value, dtype=np.float64) for name, value in stored.items()}
        )


def training_statistics(
    training: Sequence[RowSlices], season: int, deviation: np.ndarray
) -> TrainingStatistics:
    """training: for each series [rows, C], NaN where not measured; deviation [S, C]; season m in steps."""
    least_and_greatest = [column_ranges(rows) for rows in training]
    return TrainingStatistics(
        deviation=deviation,
        seasonal_error=np.stack([_seasonal_error(rows, season) for rows in training]),
        least=np.stack([least for least, _ in least_and_greatest]),
        greatest=np.stack([greatest for _, greatest in least_and_greatest]),
    )


def _seasonal_error(rows: RowSlices, season: int) -> np.ndarray:
    """[C], NaN where there is no such pair of rows [T, C]."""
    count, total = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])

    def of(span: slice) -> tuple[np.ndarray, np.ndarray]:
        return column_sums(np.abs(rows[span.start + season : span.stop + season] - rows[span]))

    for some, sums in ordered_map(of, row_chunks(max(0, len(rows) - season))):
        count, total = count + some, total + sums
    return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)


@dataclass(frozen=True, kw_only=True)
class UsableRows:
    """Which rows have what a forecast needs. Both arrays are [T] bool."""

    target: np.ndarray  # at least one target was measured
    known_ahead: np.ndarray  # every future covariate was measured

    @staticmethod
    def from_measured(measured: np.ndarray, schema: Schema) -> "UsableRows":
        """Read it from measured [T, columns]."""
        targets, hidden = len(schema.targets), len(schema.targets) + len(schema.past)
        return UsableRows(
            target=np.asarray(measured[:, :targets].any(axis=1)),
            known_ahead=np.asarray(measured[:, hidden:].all(axis=1)),
        )

    def are_origins(self, origins: np.ndarray, horizon: int) -> np.ndarray:
        """Return [N] bool: the origins that `predict` would forecast from, of those with H rows from there on.

        It begins after the last row with a measured target, and needs every future covariate of its H steps.
        """
        if not len(origins):
            return np.zeros(0, dtype=bool)
        known = self.target[origins - 1]
        lacking = np.flatnonzero(~self.known_ahead)
        if not len(lacking):
            return known
        return known & (np.searchsorted(lacking, origins) == np.searchsorted(lacking, origins + horizon))


def columns_up_to(inputs: np.ndarray, rows: np.ndarray, last_known: np.ndarray, *, first: int) -> np.ndarray:
    """Return the columns from `first` on of rows [B, n] of inputs [T, F], none later than last_known [B, C].

    The result is [B, n, C]. A row after the last known one has that one's value.
    """
    seen = np.minimum(rows[:, :, None], last_known[:, None, :])
    return inputs[seen, np.arange(first, first + last_known.shape[1])]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Scaled series, one after another in one array."""

    schema: Schema
    series: SeriesTable
    values_scaled: np.ndarray  # [T, columns] float32, filled; memory-mapped where it comes from a run
    measured: np.ndarray  # [T, columns] bool: which cells were measured, not filled
    scaler: Scaler
    training: TrainingStatistics

    @property
    def targets(self) -> int:
        return len(self.schema.targets)

    @property
    def past_only_inputs(self) -> int:
        """How many inputs are not known ahead: the targets and the past covariates, which come first."""
        return self.targets + len(self.schema.past)

    @cached_property
    def inputs(self) -> np.ndarray:
        """[T, F] float32: the stored columns, then the calendar's. The last K are known ahead."""
        if not self.schema.calendar:
            return self.values_scaled
        table = self.series
        rows = [
            calendar_features(self.schema.step, self.schema.step.times(np.arange(length), origin))
            for length, origin in zip(table.count + table.ahead, table.origin_us, strict=True)
        ]
        return np.hstack([self.values_scaled, np.concatenate(rows)])

    @cached_property
    def last_observed(self) -> np.ndarray | None:
        """[T, targets + past] int64, or None where no window can see a fill that looked ahead (imputation.py)."""
        return self._last_observed(self.measured[:, : self.past_only_inputs])

    @cached_property
    def last_observed_ahead(self) -> np.ndarray | None:
        """The same for the future covariates, [T, future]; the calendar has no missing value."""
        return self._last_observed(self.measured[:, self.past_only_inputs :])

    def _last_observed(self, measured: np.ndarray) -> np.ndarray | None:
        if self.schema.missing != "interpolate" or bool(measured.all()):
            return None
        return last_observed_row(measured, self.series.offset)

    @cached_property
    def usable_rows(self) -> UsableRows:
        """Which rows have what a forecast needs."""
        return UsableRows.from_measured(self.measured, self.schema)

    def training_inputs(self, series: int) -> np.ndarray:
        """Return the inputs [rows, F] of a series' training rows, as they stood at the end of those rows.

        A future covariate that is interpolated from a later row has its last measured value instead.
        """
        begin, rows = int(self.series.offset[series]), max(0, int(self.series.train_end[series]))
        inputs = self.inputs[begin : begin + rows]
        if self.last_observed_ahead is None or not rows:
            return inputs
        last_known = self.last_observed_ahead[begin + rows - 1 : begin + rows]
        place = np.arange(begin, begin + rows)[None]
        width = last_known.shape[1]
        inputs = np.array(inputs)
        inputs[:, self.past_only_inputs : self.past_only_inputs + width] = columns_up_to(
            self.inputs, place, last_known, first=self.past_only_inputs
        )[0]
        return inputs

    def select(self, indices: np.ndarray) -> "Dataset":
        """Return a copy with some of the series, in that order."""
        series = self.series.select(indices)
        lengths = series.count + series.ahead
        rows = np.repeat(self.series.offset[indices] - series.offset, lengths) + np.arange(lengths.sum())
        return replace(
            self,
            series=series,
            values_scaled=self.values_scaled[rows],
            measured=self.measured[rows],
            scaler=self.scaler.select(indices),
            training=self.training.select(indices),
        )

    def inverse_transform_targets(self, targets_scaled: np.ndarray, series: np.ndarray) -> np.ndarray:
        """Scaled targets [N, H, C] of series [N] in the file's units, float64."""
        return self.scaler.inverse_transform(targets_scaled, series)


def merge_validation_into_train(dataset: Dataset) -> Dataset:
    """The same data with the validation rows counted as training rows; scaling and statistics stay as they are."""
    return replace(dataset, series=replace(dataset.series, train_end=dataset.series.val_end))


FILES = ("schema.json", "series.json", "scaler.json", "training.json")


class DatasetOutline(Protocol):
    """A dataset, or all of one but its values."""

    @property
    def schema(self) -> Schema: ...

    @property
    def series(self) -> SeriesTable: ...

    @property
    def scaler(self) -> Scaler: ...

    @property
    def training(self) -> TrainingStatistics: ...


def describe_dataset(dataset: DatasetOutline) -> dict[str, dict[str, Any]]:
    """The JSON files that describe a dataset beside its two arrays."""
    parts = (
        dataset.schema.to_dict(),
        dataset.series.to_dict(),
        dataset.scaler.to_dict(),
        dataset.training.to_dict(),
    )
    return dict(zip(FILES, parts, strict=True))


def restore_dataset(
    files: dict[str, dict[str, Any]], values_scaled: np.ndarray, packed: np.ndarray
) -> Dataset:
    """The inverse of `describe` and `pack`: a dataset from its files."""
    columns = values_scaled.shape[1]
    cells = np.unpackbits(packed, count=values_scaled.size).astype(bool)
    return Dataset(
        schema=Schema.from_dict(files["schema.json"]),
        series=SeriesTable.from_dict(files["series.json"]),
        values_scaled=values_scaled,
        measured=cells.reshape(-1, columns),
        scaler=Scaler.from_dict(files["scaler.json"]),
        training=TrainingStatistics.from_dict(files["training.json"]),
    )


def pack_mask(measured: np.ndarray) -> np.ndarray:
    """[T, columns] booleans as a mask of one bit a cell."""
    return np.packbits(measured)
