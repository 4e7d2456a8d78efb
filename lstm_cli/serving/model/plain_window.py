"""Direct way for plain rows: one series, regular times in the usual format, and a number in each cell.

Such rows have no warnings, so their window needs no table and no time grid. All other rows go through the reader of
files. The direct way gives the same window, which tests compare.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import numpy as np

from lstm_cli.config.text import PLAIN_GRID, PLAIN_TEXT
from lstm_cli.data.dataset.dataset import Dataset, derived_inputs
from lstm_cli.data.dataset.scaling import Scaler
from lstm_cli.data.dataset.windows import required_history
from lstm_cli.data.forecast.value_limits import value_limits
from lstm_cli.data.frequency.step import Step
from lstm_cli.data.times.formats import DAY, MINUTE, SECOND
from lstm_cli.inference.trained_model import TrainedModel
from lstm_cli.steps.predict.data import differing_values, is_comparable
from lstm_cli.steps.predict.forecaster import Forecaster

if TYPE_CHECKING:
    from lstm_cli.data.reading.source import Cell

# An ISO time; only ASCII digits are plain, so \d is not used.
_TIME = re.compile("[12][0-9]{3}-[01][0-9]-[0-3][0-9](?:([ T])[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?)?")
_NUMBERS = frozenset((int, float))
_LARGEST = 1e30  # of a plain number; larger ones may be too large for 32-bit floats
_SAME = 2e-6  # difference of two scaled numbers that no check of changed values reports
KEPT_TIMES = 32  # windows whose times and derived inputs are kept
MAX_ROWS = 2_000  # of plain rows, so that the kept times are small
OWN_ROWS = 4_096  # newest rows of the run's data that new values are compared to

Limits: TypeAlias = list[tuple[float, float]]  # lowest and highest value of each column


@dataclass(frozen=True, kw_only=True)
class PlainWindow:
    """Window of plain rows, scaled."""

    past: np.ndarray  # [L, F] float32
    future: np.ndarray  # [H, K] float32
    next_us: int  # time of the first step of the forecast


@dataclass(frozen=True, kw_only=True)
class OwnRows:
    """Newest targets of the run's data, in the file's units."""

    first_us: int  # time of the first of these rows
    first_of_all_us: int  # time of the first row of the data
    values: np.ndarray  # [n, C] float64
    measured: np.ndarray  # [n, C] bool
    scale: np.ndarray  # [C] scale of the data
    scaled: (
        np.ndarray | None
    )  # [n, C] float32; None: scaled values do not show whether the values are the same


class PlainReader:
    """Reader of plain rows for one model."""

    def __init__(self, forecaster: Forecaster) -> None:
        """Keep what each window of the model needs."""
        self._model = forecaster.model
        self.outline = outline_of(self._model)
        schema = self.outline.schema
        self._step_us = schema.step.count
        self._required = int(required_history(schema, self._model.series, schema.lookback)[0])
        self._limits = _limits(self._model)
        self._own = _own_rows(forecaster)
        self.names = (*schema.time_columns, *schema.columns)
        self._times = lru_cache(maxsize=KEPT_TIMES)(self._make_times)
        self._derived = lru_cache(maxsize=KEPT_TIMES)(self._make_derived)

    def read(self, columns: "Mapping[str, Sequence[Cell]]") -> PlainWindow | None:
        """Return the window of the rows, or None if they are not plain.

        Args:
            columns: values [n] of each column, as `columns_of` returns them.
        """
        if len(columns) != len(self.names) or any(name not in columns for name in self.names):
            return None
        schema = self.outline.schema
        times = columns[self.names[0]]
        ahead = _rows_ahead(columns[schema.targets[0]]) if schema.future else 0
        count = len(times) - ahead
        if count < max(self._required, self._model.lookback) or (schema.future and ahead < schema.horizon):
            return None
        first_us = self._first_time(times)
        values = None if first_us is None else self._numbers(columns, count)
        if first_us is None or values is None:
            return None
        with np.errstate(over="ignore"):
            scaled = self._model.scaler.transform(values, 0).astype(np.float32)
        if self._has_changed(scaled[:count], first_us):
            return None
        next_us = first_us + count * self._step_us
        lookback, horizon = self._model.lookback, schema.horizon
        derived = self._derived(next_us)
        width = len(schema.targets) + len(schema.past)
        past = scaled[count - lookback : count]
        return PlainWindow(
            past=np.concatenate([past, derived[:lookback]], axis=1) if schema.derived else past,
            future=np.concatenate([scaled[count:, width:][:horizon], derived[lookback:]], axis=1)
            if schema.future
            else derived[lookback:],
            next_us=next_us,
        )

    def _first_time(self, times: "Sequence[Cell]") -> int | None:
        """Return the first time in microseconds; None if the times are not text in one form, a step apart."""
        if not times or not isinstance(times[0], str) or len(times) > MAX_ROWS:
            return None
        texts, first_us = self._times(times[0], len(times))
        return first_us if texts == times else None

    def _make_times(self, first: str, count: int) -> tuple[list[str], int]:
        """Return the texts of regular times in the form of the first one, and the first time; [] for another form."""
        form = _TIME.fullmatch(first)
        if form is None:
            return [], 0
        try:
            first_us = int(np.datetime64(first, "us").view(np.int64))
        except ValueError:  # a day or hour that does not exist
            return [], 0
        times = (first_us + self._step_us * np.arange(count)).view("datetime64[us]")
        if self._step_us % (DAY if form[1] is None else MINUTE if form[2] is None else SECOND):
            return [], 0  # the form is too coarse for the step
        unit: Literal["D", "m", "s"] = "D" if form[1] is None else "m" if form[2] is None else "s"
        texts = np.datetime_as_string(times, unit=unit, casting="unsafe")
        return [text.replace("T", form[1] or "") for text in texts.tolist()], first_us

    def _numbers(self, columns: "Mapping[str, Sequence[Cell]]", count: int) -> np.ndarray | None:
        """Return the values [n, F], NaN where a row ahead has no target; None if a cell is unusual."""
        from lstm_cli.data.numbers.sentinels import may_be_sentinels  # lazy: the start of a server

        names = self.names[1:]
        schema = self.outline.schema
        known_ahead = len(schema.targets) + len(schema.past)
        values = np.empty((len(columns[names[0]]), len(names)))
        for index, name in enumerate(names):
            cells = columns[name]
            if index < known_ahead and len(cells) > count:
                if any(cell is not None for cell in cells[count:]):
                    return None
                values[count:, index] = np.nan
                cells = cells[:count]
            if not _NUMBERS.issuperset(map(type, cells)):
                return None
            try:
                column = np.fromiter(cells, np.float64, len(cells))
            except OverflowError:  # a whole number with hundreds of digits
                return None
            values[: len(cells), index] = column
            numbers = cast("Sequence[float]", cells)
            lowest, highest = min(numbers), max(numbers)
            low, high = self._limits[index]
            if not (low <= lowest and highest <= high):
                return None
            if may_be_sentinels(column, lowest, highest) and _has_sentinels(column, lowest, highest):
                return None
        return values

    def _has_changed(self, scaled: np.ndarray, first_us: int) -> bool:
        """Return whether targets may differ from the run's data at the same times, see `warn_changed_values`."""
        own = self._own
        if own is None:
            return False
        end_us = own.first_us + len(own.values) * self._step_us
        if first_us >= end_us or first_us + len(scaled) * self._step_us <= own.first_of_all_us:
            return False
        begin, rest = divmod(first_us - own.first_us, self._step_us)
        if rest:
            return False
        if begin < 0:
            return True  # `warn_changed_values` compares the older rows
        rows = slice(begin, begin + len(scaled))
        values, measured = own.values[rows], own.measured[rows]
        targets = scaled[: len(values), : values.shape[1]]
        if own.scaled is not None and np.abs(targets - own.scaled[rows]).max() <= _SAME:
            return False
        new = self._model.scaler.inverse_transform(targets, 0)
        return bool((differing_values(new, values, own.scale) & measured).any())

    def _make_derived(self, next_us: int) -> np.ndarray:
        """Return the derived inputs [L + H, D] of the window before a time and of the horizon after it."""
        schema, lookback = self.outline.schema, self._model.lookback
        if not schema.derived:
            return np.zeros((lookback + schema.horizon, 0), dtype=np.float32)
        times = schema.step.times(np.arange(-lookback, schema.horizon), next_us)
        derived: np.ndarray = derived_inputs(self.outline, times[None], np.zeros(1, dtype=np.int64))[0]
        return derived


def has_plain_rows(model: TrainedModel) -> bool:
    """Return whether rows of the model can be plain: one series, and nothing that changes how rows are read."""
    schema = model.schema
    text, time_format = schema.text, schema.time_format
    return (
        not (schema.series_columns or schema.wide or schema.categories or schema.static)
        and len(schema.time_columns) == 1
        and len(model.series.names) == 1
        and type(schema.step) is Step
        and schema.step.kind == "seconds"
        and not (time_format.is_integer or time_format.has_offset or time_format.instants)
        and schema.grid == replace(PLAIN_GRID, freq=schema.grid.freq, duplicates=schema.grid.duplicates)
        and text
        == replace(PLAIN_TEXT, encoding=text.encoding, delimiter=text.delimiter, skip_rows=text.skip_rows)
    )


def outline_of(model: TrainedModel) -> Dataset:
    """Return a dataset of the model's series without rows."""
    columns = len(model.schema.columns)
    return Dataset(
        schema=model.schema,
        series=model.series,
        values_scaled=np.zeros((0, columns), dtype=np.float32),
        measured=np.zeros((0, columns), dtype=bool),
        scaler=model.scaler,
        training=model.training,
    )


def _rows_ahead(cells: "Sequence[Cell]") -> int:
    """Return the number of last rows without a target."""
    known = next((index for index in range(len(cells) - 1, -1, -1) if cells[index] is not None), -1)
    return len(cells) - 1 - known


def _limits(model: TrainedModel) -> Limits:
    """Return the lowest and the highest plain value of each column: not far away, and not too large."""
    targets = len(model.schema.targets)
    limits = [
        value_limits(column, targets, model.scaler, model.training)
        for column in range(len(model.schema.columns))
    ]
    return [(max(float(low[0]), -_LARGEST), min(float(high[0]), _LARGEST)) for low, high in limits]


def _own_rows(forecaster: Forecaster) -> OwnRows | None:
    """Return the newest rows of the run's data; None if new values are not compared to them."""
    if not forecaster.run.has("data"):
        return None
    dataset, model = forecaster.own_data[0], forecaster.model
    schema = model.schema
    if not is_comparable(schema, dataset.schema) or dataset.series.names != model.series.names:
        return None
    table, width = dataset.series, len(schema.targets)
    first, count = int(table.offset[0]), int(table.count[0])
    begin = max(0, count - OWN_ROWS)
    rows = slice(first + begin, first + count)
    origin_us = int(table.origin_us[0])
    return OwnRows(
        first_us=origin_us + begin * schema.step.count,
        first_of_all_us=origin_us,
        values=np.asarray(dataset.scaler.inverse_transform(dataset.values_scaled[rows, :width], 0)),
        measured=np.array(dataset.measured[rows, :width]),
        scale=dataset.scaler.scale[0, :width],
        scaled=np.array(dataset.values_scaled[rows, :width])
        if _is_simple(dataset.scaler, model, width)
        else None,
    )


def _is_simple(scaler: Scaler, model: TrainedModel, width: int) -> bool:
    """Return whether the data are scaled as those of the model, without a logarithm and with little rounding.

    Then scaled targets that differ by at most _SAME are the same for `differing_values`.

    Args:
        scaler: scaler of the data.
        model: trained model.
        width: number of targets.
    """
    spacing = scaler.float32_spacing(np.zeros(scaler.center.shape[1]))[0]
    return (
        scaler.floor is None
        and scaler.to_dict() == model.scaler.to_dict()
        and bool((spacing[:width] < _SAME * scaler.scale[0, :width]).all())
    )


def _has_sentinels(column: np.ndarray, lowest: float, highest: float) -> bool:
    from lstm_cli.data.numbers.sentinels import Sentinels

    check = Sentinels()
    check.add(column, np.arange(len(column)), lowest, highest)
    return bool(check.found()[0])
