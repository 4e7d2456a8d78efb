"""Small recorded forecasts for tests."""

from dataclasses import replace
from typing import Any

import numpy as np

from lstm_cli.evaluation.quantiles.interval_scores import SCORED_QUANTILES
from lstm_cli.monitoring.promise import Promise
from lstm_cli.monitoring.recorded_forecast import RecordedForecast, ServingModel

HOUR = 3_600_000_000
MIDNIGHT = 19_723 * 24 * HOUR  # 2024-01-01
MODEL = ServingModel(digest="ab" * 32, folder="0001", precision="fp32", quantized=None)


def small_forecast(
    values: Any, *, names: tuple[str, ...] = ("A",), day: int = 0, **other: Any
) -> RecordedForecast:
    """Return a forecast of one target; the quantile p is the forecast + 10 (p - .5), the baseline the forecast + 1.

    Args:
        values: [S, H].
        names: names of the series.
        day: day of the origin after 2024-01-01.
        **other: fields to replace.
    """
    forecast = np.array(values, dtype=np.float32)[:, :, None]
    series, steps, _ = forecast.shape
    shift = 10 * (np.array(SCORED_QUANTILES, dtype=np.float32) - 0.5)
    first = MIDNIGHT + 24 * day * HOUR
    result = RecordedForecast(
        model=MODEL,
        names=names,
        targets=("load",),
        times_us=np.tile(first + HOUR * np.arange(steps), (series, 1)),
        calendar=True,
        trained_horizon=steps,
        season=24,
        probabilities=SCORED_QUANTILES,
        forecast=forecast,
        quantiles=forecast[None] + shift[:, None, None, None],
        baseline=forecast + 1,
        seasonal_error=np.full((series, 1), 2.0, dtype=np.float32),
        deviation=np.full((series, 1), 4.0, dtype=np.float32),
        promise=Promise(log_error=0.0, log_baseline=0.0, slope=0.5, least=(1e-3, 1e-3)),
        made_at="2024-01-01T00:00:00+00:00",
    )
    return replace(result, **other)
