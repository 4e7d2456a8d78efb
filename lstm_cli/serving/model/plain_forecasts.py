"""Forecasts of plain windows, of several requests at once."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from lstm_cli.data.dataset.windows import Batch
from lstm_cli.data.forecast.bounds import inverse_transform, inverse_transform_intervals
from lstm_cli.data.forecast.fed_back import ModelRuns
from lstm_cli.data.forecast.output import Forecast, ForecastTexts, column_texts, write_times
from lstm_cli.errors import LstmError
from lstm_cli.inference.trained_model import TrainedModel
from lstm_cli.serving.model.plain_window import KEPT_TIMES, PlainWindow, outline_of
from lstm_cli.steps.predict.forecast import require_finite, require_unique_columns
from lstm_cli.steps.predict.requested_quantiles import RequestedQuantiles


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
        self._time_texts = lru_cache(maxsize=KEPT_TIMES)(self._make_time_texts)

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
        scaled, bounds = forecast[:, : self.steps], self.model.bounds
        values = inverse_transform(self.outline, scaled, series, bounds)
        quantiles = np.empty((0, *values.shape))
        if self.requested.intervals is not None and self.requested.probabilities:
            calibrated = self.requested.intervals.for_series(self.outline.series.names)
            scaled_quantiles = calibrated.quantiles(self.requested.probabilities, scaled, batch)
            quantiles = inverse_transform_intervals(self.outline, scaled_quantiles, series, bounds)
        first = np.array([[request.next_us] for request in requests])
        times = first + self.outline.schema.step.count * np.arange(self.steps)
        forecasts = [
            Forecast(
                schema=self.outline.schema,
                names=self.outline.series.names,
                times_us=times[row : row + 1],
                values=values[row : row + 1],
                quantiles=quantiles[:, row : row + 1],
                suffixes=self.requested.suffixes,
                recorded=quantiles[:0, row : row + 1],
            )
            for row in range(count)
        ]
        return self._checked(forecasts)

    def _checked(self, forecasts: Sequence[Forecast]) -> list[Forecast | LstmError]:
        """Return the forecasts with their texts, or the error of each that is not finite."""
        require_unique_columns(forecasts[0], self.source)  # all have the same columns
        results: list[Forecast | LstmError] = list(forecasts)
        finite = np.isfinite([forecast.values for forecast in forecasts]).all(axis=(1, 2, 3))
        for row in np.flatnonzero(~finite).tolist():
            try:
                require_finite(forecasts[row].values, forecasts[row].names, self.source)
            except LstmError as error:
                results[row] = error
        good = np.flatnonzero(finite).tolist()
        for row, texts in zip(good, self._texts([forecasts[row] for row in good]), strict=True):
            results[row] = replace(forecasts[row], texts=texts)
        return results

    def _texts(self, forecasts: Sequence[Forecast]) -> list[ForecastTexts]:
        """Return the texts of several forecasts, all numbers in one call."""
        if not forecasts:
            return []
        first, steps = forecasts[0], self.steps
        columns = column_texts(
            np.concatenate([forecast.cells[0] for forecast in forecasts]), first.decimals, missing=""
        )
        return [
            ForecastTexts(
                times=self._time_texts(int(forecast.times_us[0, 0])),
                numbers=[column[row * steps : (row + 1) * steps] for column in columns],
            )
            for row, forecast in enumerate(forecasts)
        ]

    def _make_time_texts(self, first_us: int) -> list[str]:
        """Return the times of a forecast as the file writes them. first_us: its first time."""
        schema = self.outline.schema
        return write_times(schema, schema.step.times(np.arange(self.steps), first_us))
