"""Table of the forecasts that `evaluate` scores: `--forecasts`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_cli.config import EvaluateConfig
from lstm_cli.data.dataset.windows import Windows
from lstm_cli.data.forecast.bounds import Bounds, restore_decimals
from lstm_cli.data.forecast.output import output_format
from lstm_cli.data.forecast.window_table import (
    TableColumns,
    TableRows,
    open_table,
)
from lstm_cli.errors import UsageError
from lstm_cli.evaluation import scoring
from lstm_cli.evaluation.quantiles.intervals import LEVELS
from lstm_cli.evaluation.quantiles.model import QuantileModel
from lstm_cli.evaluation.window_forecasts import WindowForecasts, row_times, window_forecasts
from lstm_cli.events import Listener, Progressed
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.rundir import open_replacement
from lstm_cli.steps.evaluate.score_model import ScoringSubject
from lstm_cli.steps.predict.requested_quantiles import RequestedQuantiles

QUANTILES = RequestedQuantiles(levels=LEVELS, quantiles=tuple(tenths / 10 for tenths in range(1, 10)))
PROBABILITIES = tuple(sorted(set(QUANTILES.probabilities)))


@dataclass(frozen=True, kw_only=True)
class ForecastSource:
    """Windows of the table, and the model that forecasts them."""

    windows: Windows
    forecaster: scoring.Forecaster  # with a forecast of the name `model`
    bounds: Bounds
    intervals: QuantileModel | None
    season: int | None  # of the seasonal naive baseline
    cut_off_us: int | None = None  # first time after the cut-off of a backtest; None: windows of the split

    @staticmethod
    def from_subject(subject: ScoringSubject) -> "ForecastSource":
        """Return the windows and the model that are scored."""
        return ForecastSource(
            windows=subject.windows,
            forecaster=subject.model_only,
            bounds=subject.model.bounds,
            intervals=subject.intervals,
            season=subject.season,
        )

    def every(self, stride: int | None) -> "ForecastSource":
        """Return every `stride`-th window of each series, from its first one; all windows without a stride."""
        if stride is None or not len(self.windows):
            return self
        series = self.windows.series  # in blocks
        begins = np.flatnonzero(np.append(True, series[1:] != series[:-1]))
        number = np.arange(len(series)) - np.repeat(begins, np.diff(np.append(begins, len(series))))
        return replace(self, windows=self.windows.select(number % stride == 0))


def table_format(path: str) -> str:
    """Return csv or parquet, by the ending of a file. Raise UsageError for another format."""
    format = output_format(path, None, flag="--forecasts")
    if format == "json":
        raise UsageError(
            f"--forecasts {path} is JSON, but the table is CSV or Parquet",
            hint="use --forecasts forecasts.csv or --forecasts forecasts.parquet",
            flag="--forecasts",
        )
    return format


def write_forecasts(
    config: EvaluateConfig,
    sources: Sequence[ForecastSource],
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> dict[str, Any]:
    """Write the table, and return its path and its number of rows, as `--json` reports them.

    Args:
        config: settings of `evaluate`, with a path in `forecasts`.
        sources: windows of the split, then those of each cut-off of a backtest.
        listen: receives progress.
        should_stop: returns the number of a signal that asks to stop, or None.

    Raises:
        OutputError: the system refuses. No part of the table is left.
        Interrupted: a signal asked to stop.
    """
    assert config.forecasts is not None
    strided = [source.every(config.stride) for source in sources]
    columns = _columns(strided[0], cut_off=config.backtest is not None)
    total = sum(len(source.windows) for source in strided)
    done = 0
    with open_replacement(config.forecasts) as stream:
        table = open_table(stream, columns, table_format(config.forecasts))
        for source in strided:
            for part in window_forecasts(
                source.windows,
                source.forecaster,
                source.bounds,
                source.intervals,
                season=source.season,
                probabilities=PROBABILITIES,
            ):
                table.add(_rows(source, part, seasonal=strided[0].season is not None))
                raise_if_interrupted(should_stop)
                done += len(part.series)
                listen(Progressed(stage="forecasts", done=done, total=total, unit="windows"))
        table.close()
    return {"path": config.forecasts, "rows": table.rows}


def _columns(split: ForecastSource, *, cut_off: bool) -> TableColumns:
    """Return the columns of the table.

    Args:
        split: windows of the split.
        cut_off: add the column of the cut-off.
    """
    baseline = "naive" if split.season is None else "seasonal_naive"
    names = ["truth", "forecast"]
    indices = [0, 1]
    if split.intervals is not None:
        names += QUANTILES.suffixes
        indices += [2 + PROBABILITIES.index(probability) for probability in QUANTILES.probabilities]
    numbers = (*zip(names, indices, strict=True), (baseline, max(indices) + 1))
    return TableColumns(schema=split.windows.dataset.schema, numbers=numbers, cut_off=cut_off)


def _rows(source: ForecastSource, part: WindowForecasts, *, seasonal: bool) -> TableRows:
    """Return the rows of some windows.

    Args:
        source: windows and model.
        part: forecasts of the windows.
        seasonal: the baseline of the table is seasonal naive, so without a season its cells are empty.
    """
    dataset = source.windows.dataset
    horizon = np.arange(dataset.schema.horizon)
    baseline = np.full_like(part.baseline, np.nan) if seasonal and source.season is None else part.baseline
    numbers = np.stack([part.truth, part.forecast, *part.quantiles, baseline])
    return TableRows(
        dataset=dataset,
        series=part.series,
        origin_us=row_times(dataset, part.series, part.origin[:, None] - 1)[:, 0],
        times_us=row_times(dataset, part.series, part.origin[:, None] + horizon),
        numbers=restore_decimals(dataset, numbers, part.series),
        cut_off_us=source.cut_off_us,
    )
