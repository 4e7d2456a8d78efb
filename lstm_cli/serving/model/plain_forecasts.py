"""Forecasts of plain windows, of several requests at once."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from lstm_cli.data.dataset.windows import Batch
from lstm_cli.data.forecast.bounds import inverse_transform, inverse_transform_intervals
from lstm_cli.data.forecast.fed_back import ModelRuns
from lstm_cli.data.forecast.output import Forecast, ForecastTexts, column_texts, json_around, write_times
from lstm_cli.data.numbers.decimals import POWERS, number_texts
from lstm_cli.errors import LstmError
from lstm_cli.inference.trained_model import TrainedModel
from lstm_cli.serving.model.plain_window import KEPT_TIMES, PlainWindow, outline_of
from lstm_cli.steps.predict.forecast import require_finite, require_unique_columns
from lstm_cli.steps.predict.requested_quantiles import RequestedQuantiles

# Sizes of numbers whose text has no exponent, and more than the relative difference of two numbers with the same 32-bit
# float.
LEAST, GREATEST = 1e-4, 1e15
ROUNDING = 3e-7


class PlainForecasts:
    """Forecasts of plain windows with one set of quantiles and one horizon, which at most is the trained one."""

    def __init__(
        self, model: TrainedModel, requested: RequestedQuantiles, *, steps: int, source: str
    ) -> None:
        """Keep what each forecast needs.

        Args:
            model: trained model.
            requested: quantiles of the forecasts.
            steps: steps of the forecasts.
            source: name of the rows in messages.
        """
        self.model, self.requested, self.steps, self.source = model, requested, steps, source
        self.outline = outline_of(model)
        self._schema, self._names = self.outline.schema, self.outline.series.names
        self._calibrated = (
            requested.intervals.for_series(self._names)
            if requested.intervals is not None and requested.probabilities
            else None
        )
        self._are_columns_unique = False
        self._form = lru_cache(maxsize=KEPT_TIMES)(self._make_form)

    def windows(self, requests: Sequence[PlainWindow]) -> ModelRuns[list[Forecast | LstmError]]:
        """Yield the windows of several requests, and return the forecast of each, or its error."""
        count = len(requests)
        past = np.stack([request.past for request in requests])
        series = np.zeros(count, dtype=np.int64)
        batch = Batch(
            past=past,
            future=np.stack([request.future for request in requests]),
            mask=np.ones(past.shape[:2], dtype=np.float32),
            target=past[:, :0],
            observed=np.zeros((count, 0, 0), dtype=bool),
            series=series,
        )
        forecast = yield batch
        return self._forecasts(requests, forecast[:, : self.steps], batch)

    def _forecasts(
        self, requests: Sequence[PlainWindow], scaled: np.ndarray, batch: Batch
    ) -> list[Forecast | LstmError]:
        """Return the forecast of each request with its texts, or the error of one that is not finite.

        Args:
            requests: windows [N] of the requests.
            scaled: forecast [N, steps, C] of the model.
            batch: windows of the requests.
        """
        bounds = self.model.bounds
        values = inverse_transform(self.outline, scaled, batch.series, bounds)
        quantiles = np.empty((0, *values.shape))
        if self._calibrated is not None:
            scaled_quantiles = self._calibrated.quantiles(self.requested.probabilities, scaled, batch)
            quantiles = inverse_transform_intervals(self.outline, scaled_quantiles, batch.series, bounds)
        first = np.array([[request.next_us] for request in requests])
        forecast = Forecast(
            schema=self._schema,
            names=self._names,
            times_us=first + self._schema.step.count * np.arange(self.steps),
            values=values,
            quantiles=quantiles,
            suffixes=self.requested.suffixes,
            recorded=quantiles[:0],
        )
        if not self._are_columns_unique:
            require_unique_columns(forecast, self.source)
            self._are_columns_unique = True
        cells = forecast.cells
        texts = _cell_texts(cells.reshape(-1, cells.shape[-1]), forecast.decimals)
        is_finite = np.isfinite(values).all(axis=(1, 2)).tolist()
        return [
            self._one(forecast, row, texts) if is_finite[row] else self._not_finite(values[row : row + 1])
            for row in range(len(requests))
        ]

    def _one(self, forecast: Forecast, row: int, texts: list[str]) -> Forecast:
        """Return the forecast of one request.

        Args:
            forecast: forecast of all requests.
            row: place of the request.
            texts: numbers [N * steps * columns] of all requests.
        """
        times = forecast.times_us[row : row + 1]
        size = len(texts) // len(forecast.values)
        written, around = self._form(int(times[0, 0]))
        return Forecast(
            schema=self._schema,
            names=self._names,
            times_us=times,
            values=forecast.values[row : row + 1],
            quantiles=forecast.quantiles[:, row : row + 1],
            suffixes=self.requested.suffixes,
            recorded=forecast.quantiles[:0, row : row + 1],
            texts=ForecastTexts(times=written, cells=texts[row * size : (row + 1) * size], around=around),
        )

    def _not_finite(self, values: np.ndarray) -> LstmError:
        """Return the error of a forecast [1, steps, C] that is not finite."""
        try:
            require_finite(values, self._names, self.source)
        except LstmError as error:
            return error
        raise AssertionError("the forecast is finite")

    def _make_form(self, first_us: int) -> tuple[list[str], list[str]]:
        """Return the times of a forecast as the file writes them, and its JSON around the numbers.

        first_us: its first time.
        """
        schema = self.outline.schema
        times_us = schema.step.times(np.arange(self.steps), first_us)
        times = write_times(schema, times_us)
        empty = np.empty((1, self.steps, len(schema.targets)))
        forecast = Forecast(
            schema=schema,
            names=self._names,
            times_us=times_us[None],
            values=empty,
            quantiles=np.empty((len(self.requested.suffixes), *empty.shape)),
            suffixes=self.requested.suffixes,
        )
        return times, json_around(forecast, times)


def _cell_texts(cells: np.ndarray, decimals: Sequence[int]) -> list[str]:
    """Return numbers [rows, columns] as text, row by row. It is the text of `column_texts`, which is slower.

    The shortest text of a 32-bit float comes from orjson. Numbers whose text may look different there, such as whole
    ones, are written by `number_texts`.

    Args:
        cells: numbers in the file's units.
        decimals: least decimals of each column.
    """
    if len(set(decimals)) > 1 or not np.isfinite(cells).all():
        return [text for row in zip(*column_texts(cells, decimals, missing=""), strict=True) for text in row]
    import orjson  # lazy: the start of a server

    values = cells.reshape(-1)
    size = np.abs(values)
    shifted = size * POWERS[max(decimals[0] - 1, 0)]  # whole if the text has fewer decimals than the file
    is_plain = (
        (size > LEAST) & (shifted < GREATEST) & (np.abs(shifted - np.rint(shifted)) > ROUNDING * shifted)
    )
    floats = np.where(is_plain, values, 0.0).astype(np.float32)
    texts = orjson.dumps(floats, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode().split(",")
    others = np.flatnonzero(~is_plain)
    if not len(others):
        return texts
    for place, text in zip(others.tolist(), number_texts(values[others], decimals[0]), strict=True):
        texts[place] = text
    return texts
