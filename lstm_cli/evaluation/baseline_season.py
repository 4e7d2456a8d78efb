"""Season of the seasonal naive baseline. The MASE scale uses the shortest season, as published tables do."""

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.mase_scale import MaseScale
from lstm_cli.data.dataset.windows import Windows
from lstm_cli.evaluation.baselines import seasonal_naive

MAX_ROWS = 8_000  # windows x targets of the comparison, evenly spaced
MAX_CELLS = 6_000_000  # windows x steps x targets, a limit of time for long horizons


def baseline_season(dataset: Dataset) -> int | None:
    """Return the season [steps] with the best seasonal naive forecast before the test rows; None without a season.

    All series share one season. The candidates are the seasons of the schema, which the training rows confirmed or
    `--season` set. Each candidate forecasts the training and validation windows, without the test rows. The score is
    the error of each series and target divided by its MASE scale, averaged. The shortest season wins a tie, or if no
    window can be scored.
    """
    seasons = dataset.schema.seasons
    if len(seasons) < 2:
        return seasons[0] if seasons else None
    windows = _windows(dataset, max(seasons))
    scores = dict(zip(seasons, _scores(windows, seasons), strict=True))
    return min(seasons, key=lambda season: (scores[season], season))


def _windows(dataset: Dataset, longest: int) -> Windows:
    """Return windows whose targets end before the test rows, with a history of `longest` steps.

    A shorter series gives only its newest window, which has the most history.
    """
    table, horizon = dataset.series, dataset.schema.horizon
    last = table.val_end - horizon
    first = np.maximum(np.minimum(longest, last), 1)
    counts = np.maximum(last - first + 1, 0)
    series = np.repeat(np.arange(len(counts)), counts)
    offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    windows = Windows(
        dataset=dataset, lookback=longest, origins=(table.offset + first)[series] + offset, series=series
    )
    max_windows = min(MAX_ROWS // dataset.targets, MAX_CELLS // (horizon * dataset.targets))
    return windows.sample(max(1, max_windows))


def _scores(windows: Windows, seasons: tuple[int, ...]) -> np.ndarray:
    """Return the score of each season; infinite if there is no measured value."""
    dataset, mase_scale = windows.dataset, MaseScale.from_dataset(windows.dataset)
    horizon, targets = dataset.schema.horizon, dataset.targets
    error = np.zeros((len(seasons), len(dataset.series.names), targets))
    count = np.zeros(error.shape[1:])
    for batch in windows.batches(windows.batch_size):
        truth = mase_scale.mase_terms(batch.target, batch.series)
        np.add.at(count, batch.series, batch.observed.sum(axis=1))
        for index, season in enumerate(seasons):
            forecast = seasonal_naive(batch.past, batch.mask, horizon, targets, season)
            absolute_error = np.abs(mase_scale.mase_terms(forecast, batch.series) - truth)
            np.add.at(error[index], batch.series, np.where(batch.observed, absolute_error, 0.0).sum(axis=1))
    scored = (count > 0) & (mase_scale.weight > 0)
    if not scored.any():
        return np.full(len(seasons), np.inf)
    return np.asarray((error[:, scored] / count[scored]).mean(axis=1))
