"""Prepared data of a run: scaled series on a time grid, their splits, and the facts that undo the scaling."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from lstm_cli.config.text import PLAIN_GRID, PLAIN_TEXT, GridSettings, TextSettings
from lstm_cli.config.validators import restore_settings
from lstm_cli.data.category_names import category_sources, file_columns
from lstm_cli.data.chunks import RowSlices, SeriesPieces
from lstm_cli.data.dataset.holiday_inputs import HolidayDates, holiday_inputs
from lstm_cli.data.dataset.imputation import last_observed_row
from lstm_cli.data.dataset.scaling import Scaler, column_means, column_ranges
from lstm_cli.data.frequency.calendar_features import calendar_features
from lstm_cli.data.frequency.row_clock import restore_step
from lstm_cli.data.frequency.step import Step
from lstm_cli.data.numbers.decimals import MAX_DECIMALS
from lstm_cli.data.stored_types import checked, require_numbers
from lstm_cli.data.times.formats import TimeFormat

MAX_STEPS = 2**40  # of a horizon, lookback or season; a computation with more overflows


@dataclass(frozen=True, kw_only=True)
class Schema:
    """Columns and format of a data file: everything needed to read new data of the same kind."""

    targets: tuple[str, ...]
    past: tuple[str, ...]
    future: tuple[str, ...]
    calendar: tuple[str, ...]  # names of the calendar inputs, derived from the times
    time_columns: tuple[str, ...]  # one, or several that are joined; (): rows are steps
    time_format: TimeFormat
    series_columns: tuple[str, ...]  # one, or several whose values make the name; (): one series
    delimiter: str
    step: Step
    horizon: int  # steps
    lookback: int  # steps: given, or chosen by rule from the data
    lookback_fixed: bool  # the lookback was given, so a model may not choose another
    pad: bool  # windows with less history than the lookback are padded
    seasons: tuple[int, ...]  # steps, shortest first
    missing: str
    decimals: tuple[int, ...] = ()  # of each target in the file; (): unknown, in runs of 0.1.0
    text: TextSettings = PLAIN_TEXT  # how the file was read; new data are read in the same way
    grid: GridSettings = PLAIN_GRID
    wide: bool = False  # the file is wide; the columns above are those of its long table
    id_columns: tuple[str, ...] = ()  # columns of a wide file that name series
    dated_header: bool = False  # the header of a wide file has the times
    units: Mapping[str, str] = field(default_factory=dict)  # of each column of numbers with units
    # Categories of each text column; each category is a covariate `NAME=CATEGORY` of 0 and 1.
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    holidays: tuple[HolidayDates, ...] = ()  # dates of the holiday inputs
    static: tuple[str, ...] = ()  # names of the static inputs, see `SeriesTable.static`
    # Center and scale of each static input, over the series.
    static_scaling: tuple[tuple[float, float], ...] = ()
    newest_us: int | None = None  # newest measured row of a panel, if a series that was left out holds it

    @property
    def time_name(self) -> str | None:
        """Return the time column, or the joined ones, as messages name it; None without a time column."""
        return " + ".join(self.time_columns) or None

    @property
    def series_name(self) -> str | None:
        """Return the series column, or the joined ones, as messages name it; None without a series column."""
        return "/".join(self.series_columns) or None

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the stored columns: targets, past covariates, then known-ahead covariates."""
        return (*self.targets, *self.past, *self.future)

    @property
    def derived(self) -> tuple[str, ...]:
        """Return the inputs that are not stored row by row; they are known ahead."""
        holidays = (name for dates in self.holidays for name in dates.names)
        return (*self.calendar, *holidays, *self.static)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the F inputs of a model: the stored columns, then the derived inputs."""
        return (*self.columns, *self.derived)

    @property
    def indicators(self) -> np.ndarray:
        """Return which stored columns are 0 and 1 for a category, as bool [columns]."""
        return np.isin(self.columns, list(category_sources(self.categories)))

    @property
    def past_columns(self) -> tuple[str, ...]:
        """Return the columns of the file behind the past covariates."""
        return file_columns(self.past, self.categories)

    @property
    def future_columns(self) -> tuple[str, ...]:
        """Return the columns of the file behind the future covariates."""
        return file_columns(self.future, self.categories)

    @property
    def static_columns(self) -> tuple[str, ...]:
        """Return the columns of the file behind the static inputs."""
        return file_columns(self.static, self.categories)

    @property
    def known_ahead(self) -> int:
        """Return K, the number of inputs that are known over the horizon too; they are the last inputs."""
        return len(self.future) + len(self.derived)

    @property
    def changes_ahead(self) -> bool:
        """Return whether a known-ahead input changes from step to step."""
        return self.known_ahead > len(self.static)

    @property
    def season(self) -> int:
        """Return m, the shortest season in steps; 1 if there is no season."""
        return self.seasons[0] if self.seasons else 1

    def calendar_inputs(self, times_us: np.ndarray) -> np.ndarray:
        """Return the calendar inputs [T, K] of times [T], on the clock of the file."""
        return calendar_features(self.step, self.time_format.to_file_clock(times_us))

    def to_dict(self) -> dict[str, Any]:
        stored = {field.name: getattr(self, field.name) for field in fields(self)}
        settings: dict[str, Any] = {"text": asdict(self.text), "grid": asdict(self.grid)}
        settings["holidays"] = [asdict(dates) for dates in self.holidays]
        return stored | settings | {"step": self.step.to_dict(), "time_format": self.time_format.to_dict()}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "Schema":
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
        }
        for name in ("time", "series"):  # release 0.1.0 stored one name, or null
            if f"{name}_name" in values:
                column = values.pop(f"{name}_name")
                values[f"{name}_columns"] = () if column is None else (column,)
        values["text"] = restore_settings(TextSettings, stored.get("text", {}))
        values["grid"] = restore_settings(GridSettings, stored.get("grid", {}))
        categories = stored.get("categories", {})  # none in runs of 0.1.0
        values["categories"] = {column: tuple(known) for column, known in categories.items()}
        values["holidays"] = tuple(map(HolidayDates.from_dict, stored.get("holidays", ())))
        values["static_scaling"] = tuple(map(tuple, stored.get("static_scaling", ())))
        values["step"] = restore_step(stored["step"])
        values["time_format"] = TimeFormat.from_dict(stored["time_format"])
        schema = checked(Schema(**values))
        _require_valid(schema)
        return schema


def _require_valid(schema: Schema) -> None:
    """Raise ValueError for a stored value of the right type that no step writes."""
    numbers = (schema.horizon, schema.lookback, *schema.seasons)
    if not schema.targets or not all(0 < number <= MAX_STEPS for number in numbers):
        raise ValueError("no target, or a horizon, lookback or season out of range")
    if len(schema.delimiter) > 1 or not all(0 <= decimals <= MAX_DECIMALS for decimals in schema.decimals):
        raise ValueError("the delimiter or the decimals are out of range")
    if schema.decimals and len(schema.decimals) != len(schema.targets):
        raise ValueError("the number of decimals differs from the number of targets")


@dataclass(frozen=True, kw_only=True)
class SeriesTable:
    """Rows of each series in the array of all series, and its splits. Each array is [S]."""

    names: tuple[str, ...]
    origin_us: np.ndarray  # int64, time of the first row, microseconds since 1970
    offset: np.ndarray  # int64, first row of the series in the array
    count: np.ndarray  # int64, usable rows
    ahead: np.ndarray  # int64, rows after the usable rows that hold known-ahead covariates
    train_end: np.ndarray  # int64, end of the training split, counted from the first row of the series
    val_end: np.ndarray  # int64, end of the validation split
    static: np.ndarray | None = (
        None  # [S, K] float64 in the file's units, NaN where missing; None: no static input
    )

    @property
    def split_rows(self) -> dict[str, int]:
        """Return the number of rows of each split, summed over all series."""
        return {
            "train": int(self.train_end.sum()),
            "val": int((self.val_end - self.train_end).sum()),
            "test": int((self.count - self.val_end).sum()),
        }

    @property
    def row_slices(self) -> list[slice]:
        """Return the stored rows of each series in the array, including the rows ahead."""
        ends = self.offset + self.count + self.ahead
        return [slice(*both) for both in zip(self.offset.tolist(), ends.tolist(), strict=True)]

    def select(self, indices: np.ndarray) -> "SeriesTable":
        """Return the series at `indices`, in that order, with their rows one after another."""
        lengths = (self.count + self.ahead)[indices]
        arrays = {
            name: value[indices]
            for name, value in vars(self).items()
            if name not in ("names", "offset") and value is not None
        }
        names = tuple(self.names[index] for index in indices)
        return SeriesTable(names=names, offset=np.cumsum(lengths) - lengths, **arrays)

    def to_dict(self) -> dict[str, Any]:
        stored: dict[str, Any] = {
            name: list(value) if name == "names" else value.tolist()
            for name, value in vars(self).items()
            if name != "static"
        }
        if self.static is not None:
            stored["static"] = _nan_to_none(self.static)
        return stored

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "SeriesTable":
        values: dict[str, Any] = {
            name: tuple(value) if name == "names" else np.array(value, dtype=np.int64)
            for name, value in stored.items()
            if name != "static"
        }
        if "static" in stored:
            values["static"] = np.array(stored["static"], dtype=np.float64)
        table = checked(SeriesTable(**values))
        rows = [table.offset, table.count, table.ahead, table.train_end, table.val_end]
        require_numbers(table.origin_us, shape=(len(table.names),))
        require_numbers(*rows, shape=(len(table.names),), above=-1)
        if any((array > MAX_STEPS).any() for array in rows):
            raise ValueError("a number of rows is out of range")
        if table.static is not None:
            require_numbers(table.static, shape=(len(table.names), None), missing=True)
        return table


@dataclass(frozen=True, kw_only=True)
class TrainingStatistics:
    """Statistics of the measured training rows per series and target, in the file's units. Each array is [S, C]."""

    deviation: np.ndarray  # population standard deviation, 1 for a constant: divides `_scaled` metrics
    seasonal_error: np.ndarray  # mean |v_t - v_(t-m)|, the scale of MASE; NaN if no pair was measured
    least: np.ndarray  # NaN where nothing was measured
    greatest: np.ndarray

    def select(self, indices: np.ndarray) -> "TrainingStatistics":
        """Return the statistics of the series at `indices`, in that order."""
        return TrainingStatistics(**{name: value[indices] for name, value in vars(self).items()})

    def to_dict(self) -> dict[str, Any]:
        return {name: _nan_to_none(value) for name, value in vars(self).items()}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "TrainingStatistics":
        arrays = {name: np.array(value, dtype=np.float64) for name, value in stored.items()}
        statistics = checked(TrainingStatistics(**arrays))
        shape = statistics.deviation.shape
        require_numbers(statistics.deviation, shape=(None, None), above=0)
        require_numbers(
            statistics.seasonal_error, statistics.least, statistics.greatest, shape=shape, missing=True
        )
        return statistics


def _nan_to_none(values: np.ndarray) -> list[list[float | None]]:
    """Return values [S, n] as lists for JSON, with None for NaN."""
    return [[None if np.isnan(cell) else cell for cell in row] for row in values.tolist()]


def training_statistics(
    training: Sequence[RowSlices], season: int, deviation: np.ndarray
) -> TrainingStatistics:
    """Return the statistics of the training rows.

    Args:
        training: for each series [rows, C], NaN where not measured.
        season: m in steps.
        deviation: [S, C] population standard deviation.
    """
    least, greatest = column_ranges(training)
    return TrainingStatistics(
        deviation=deviation,
        seasonal_error=_seasonal_errors(training, season),
        least=least,
        greatest=greatest,
    )


def _seasonal_errors(rows: Sequence[RowSlices], season: int) -> np.ndarray:
    """Return the mean |v_t - v_(t-m)| [S, C] of the rows [T, C] of each series; NaN if no pair was measured."""

    def differences(piece: SeriesPieces) -> np.ndarray:
        errors = np.full(piece.values.shape, np.nan)
        errors[season:] = np.abs(piece.values[season:] - piece.values[:-season])
        rows_before = np.arange(len(errors)) - piece.repeat(piece.begins)
        errors[rows_before < season] = np.nan  # a pair of rows of different series
        return errors

    return column_means(rows, differences, overlap=season)[1]


@dataclass(frozen=True, kw_only=True)
class UsableRows:
    """Rows that hold what a forecast needs. Both arrays are [T] bool."""

    target: np.ndarray  # at least one target was measured
    known_ahead: np.ndarray  # each future covariate was measured

    @staticmethod
    def from_measured(measured: np.ndarray, schema: Schema) -> "UsableRows":
        """Return the usable rows of `measured` [T, columns]."""
        targets, past_only = len(schema.targets), len(schema.targets) + len(schema.past)
        return UsableRows(
            target=np.asarray(measured[:, :targets].any(axis=1)),
            known_ahead=np.asarray(measured[:, past_only:].all(axis=1)),
        )

    def are_origins(self, origins: np.ndarray, horizon: int) -> np.ndarray:
        """Return which origins [N] `predict` would forecast from, as bool; each has H rows from the origin on.

        An origin follows a row with a measured target. Each future covariate of its H steps is measured.
        """
        if not len(origins):
            return np.zeros(0, dtype=bool)
        usable = self.target[origins - 1]
        missing_ahead = np.flatnonzero(~self.known_ahead)
        if not len(missing_ahead):
            return usable
        return usable & (
            np.searchsorted(missing_ahead, origins) == np.searchsorted(missing_ahead, origins + horizon)
        )


def columns_up_to(inputs: np.ndarray, rows: np.ndarray, last_known: np.ndarray, *, first: int) -> np.ndarray:
    """Return consecutive columns [B, n, C] of some rows, without values later than the last known row.

    A row after the last known row has the value of the last known row.

    Args:
        inputs: [T, F].
        rows: [B, n] row numbers.
        last_known: [B, C] last row whose value may be used, per column.
        first: first of the C columns.
    """
    seen = np.minimum(rows[:, :, None], last_known[:, None, :])
    return inputs[seen, np.arange(first, first + last_known.shape[1])]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Scaled series, one after another in one array."""

    schema: Schema
    series: SeriesTable
    values_scaled: np.ndarray  # [T, columns] float32, imputed; memory-mapped if read from a run
    measured: np.ndarray  # [T, columns] bool: cells that were measured, not imputed
    scaler: Scaler
    training: TrainingStatistics

    @property
    def targets(self) -> int:
        return len(self.schema.targets)

    @property
    def past_only_inputs(self) -> int:
        """Return the number of inputs that are not known ahead; the targets and past covariates come first."""
        return self.targets + len(self.schema.past)

    @cached_property
    def inputs(self) -> np.ndarray:
        """Return the inputs [T, F] float32: the stored columns, then derived inputs. The last K are known ahead."""
        if not self.schema.derived:
            return self.values_scaled
        table = self.series
        rows = [
            derived_inputs(self, self.schema.step.times(np.arange(length), origin)[None], np.array([index]))[
                0
            ]
            for index, (length, origin) in enumerate(
                zip(table.count + table.ahead, table.origin_us, strict=True)
            )
        ]
        return np.hstack([self.values_scaled, np.concatenate(rows)])

    @cached_property
    def last_observed(self) -> np.ndarray | None:
        """Return the last usable row per cell, [T, targets + past] int64; see `last_observed_row`.

        None means that no window can see an imputed value that looked ahead.
        """
        return self._last_observed(self.measured[:, : self.past_only_inputs])

    @cached_property
    def last_observed_ahead(self) -> np.ndarray | None:
        """Return `last_observed` of the future covariates, [T, future]. The calendar has no missing value."""
        return self._last_observed(self.measured[:, self.past_only_inputs :])

    def _last_observed(self, measured: np.ndarray) -> np.ndarray | None:
        if self.schema.missing != "interpolate" or bool(measured.all()):
            return None
        return last_observed_row(measured, self.series.offset)

    @cached_property
    def usable_rows(self) -> UsableRows:
        """Return the rows that hold what a forecast needs."""
        return UsableRows.from_measured(self.measured, self.schema)

    def training_inputs(self, series: int) -> np.ndarray:
        """Return the inputs [rows, F] of the training rows of a series, as they were known at the end of those rows.

        A future covariate that was interpolated from a later row has its last measured value instead.
        """
        begin, rows = int(self.series.offset[series]), max(0, int(self.series.train_end[series]))
        inputs = self.inputs[begin : begin + rows]
        if self.last_observed_ahead is None or not rows:
            return inputs
        last_known = self.last_observed_ahead[begin + rows - 1 : begin + rows]
        rows_index = np.arange(begin, begin + rows)[None]
        width = last_known.shape[1]
        inputs = np.array(inputs)
        inputs[:, self.past_only_inputs : self.past_only_inputs + width] = columns_up_to(
            self.inputs, rows_index, last_known, first=self.past_only_inputs
        )[0]
        return inputs

    def select(self, indices: np.ndarray) -> "Dataset":
        """Return a copy with the series at `indices`, in that order."""
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
        """Return scaled targets [N, H, C] of series [N] in the file's units, float64."""
        return self.scaler.inverse_transform(targets_scaled, series)


def derived_inputs(dataset: Dataset, times_us: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Return the derived inputs [S, n, D] float32: calendar, holidays and static inputs.

    Args:
        dataset: dataset of the series.
        times_us: [S, n] int64 microseconds.
        series: [S] index of each series.
    """
    schema = dataset.schema
    parts = []
    if schema.calendar:
        parts.append(schema.calendar_inputs(times_us.reshape(-1)).reshape(*times_us.shape, -1))
    if schema.holidays:
        local = schema.time_format.to_file_clock(times_us.reshape(-1))
        flat = holiday_inputs(schema.holidays, schema.step, local)
        parts.append(flat.reshape(*times_us.shape, -1))
    if dataset.series.static is not None:
        center, scale = np.array(schema.static_scaling).T
        static = np.nan_to_num((dataset.series.static[series] - center) / scale)  # the mean where missing
        parts.append(np.broadcast_to(static[:, None], (*times_us.shape, len(center))))
    return np.concatenate(parts, axis=2, dtype=np.float32)


def merge_validation_into_train(dataset: Dataset) -> Dataset:
    """Return the dataset with the validation rows counted as training rows; scaling and statistics do not change."""
    return replace(dataset, series=replace(dataset.series, train_end=dataset.series.val_end))


FILES = ("schema.json", "series.json", "scaler.json", "training.json")


class DatasetOutline(Protocol):
    """Dataset without its values."""

    @property
    def schema(self) -> Schema: ...

    @property
    def series(self) -> SeriesTable: ...

    @property
    def scaler(self) -> Scaler: ...

    @property
    def training(self) -> TrainingStatistics: ...


def describe_dataset(dataset: DatasetOutline) -> dict[str, dict[str, Any]]:
    """Return the JSON files that describe a dataset; its two arrays are stored separately."""
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
    """Return the dataset of its files: the inverse of `describe_dataset` and `pack_mask`.

    Args:
        files: content of the JSON files by name.
        values_scaled: [T, columns] float32.
        packed: mask of the measured cells, one bit per cell.
    """
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
    """Return booleans [T, columns] as a mask of one bit per cell."""
    return np.packbits(measured)
