"""Charts of single windows: the newest, the best, the median and the worst."""

from dataclasses import dataclass

import numpy as np

from lstm_cli.evaluation.quantiles.interval_scores import ENDS, SCORED_QUANTILES
from lstm_cli.evaluation.window_choice import names_of_windows
from lstm_cli.evaluation.window_forecasts import window_forecasts
from lstm_cli.reporting.facts import WindowChart
from lstm_cli.steps.evaluate.score_model import ScoringSubject
from lstm_cli.steps.report.chart_axis import chart_x
from lstm_cli.steps.report.window_errors import WindowSums, measured_values

CHAINED = 60  # windows in a chart of forecasts of one step
MIN_HISTORY, MAX_HISTORY = 8, 400  # steps before a forecast that its chart shows


@dataclass(frozen=True, kw_only=True)
class _Forecasts:
    """Forecasts of some windows, as `WindowForecasts` has them."""

    origin: np.ndarray  # [B]
    truth: np.ndarray  # [B, H, C]
    forecast: np.ndarray  # [B, H, C]
    quantiles: np.ndarray  # [Q, B, H, C]
    baseline: np.ndarray  # [B, H, C]


def window_charts(subject: ScoringSubject, sums: WindowSums) -> tuple[WindowChart, ...]:
    """Return the charts of the newest, best, median and worst window."""
    targets = subject.dataset.targets
    flat = {name: window * targets + target for name, (window, target) in sums.chosen.items()}
    charts = [
        _window_chart(subject, sums, names, *divmod(index, targets))
        for index, names in names_of_windows(flat).items()
    ]
    return tuple(sorted(charts, key=lambda chart: "newest" not in chart.names))


def _window_chart(
    subject: ScoringSubject, sums: WindowSums, names: str, window: int, target: int
) -> WindowChart:
    dataset, schema = subject.dataset, subject.dataset.schema
    series, horizon = int(sums.windows.series[window]), schema.horizon
    part = _forecasts_of(subject, _positions(subject, sums, window))
    origin = int(part.origin[0])
    wanted = max(2 * horizon, 2 * schema.season, MIN_HISTORY)
    shown = min(origin, wanted, max(MAX_HISTORY, horizon))
    begin = int(dataset.series.offset[series]) + origin - shown
    history = measured_values(dataset, series, slice(begin, begin + shown))[:, target]

    def ahead(values: np.ndarray) -> np.ndarray:
        return np.concatenate([np.full(shown, np.nan), values[:, :, target].ravel()])

    quantiles = dict(zip(SCORED_QUANTILES, part.quantiles, strict=False))
    rows = np.concatenate(
        [np.arange(origin - shown, origin), (part.origin[:, None] + np.arange(horizon)).ravel()]
    )
    x = chart_x(dataset, series, rows)
    missed = np.abs(part.forecast - part.truth)[-1, :, target]
    return WindowChart(
        names=names,
        series=dataset.series.names[series],
        target=schema.targets[target],
        error=float(np.nanmean(missed)) if np.isfinite(missed).any() else None,
        x=x,
        origin=float(x[shown]),
        chosen=float(x[-horizon]),
        measured=np.concatenate([history, part.truth[:, :, target].ravel()]),
        forecast=ahead(part.forecast),
        baseline=ahead(part.baseline),
        ends={
            str(level): (ahead(quantiles[low]), ahead(quantiles[high]))
            for level, (low, high) in ENDS.items()
            if quantiles
        },
    )


def _positions(subject: ScoringSubject, sums: WindowSums, window: int) -> np.ndarray:
    """Return the position of a window among the scored ones, and with a horizon of one step of those before it.

    The forecast of one step is a point, and only several of them make a line.
    """
    origin, series = sums.windows.origins[window], sums.windows.series[window]
    every = subject.windows
    count = CHAINED if subject.dataset.schema.horizon == 1 else 1
    return np.flatnonzero(
        (every.series == series) & (every.origins <= origin) & (every.origins > origin - count)
    )


def _forecasts_of(subject: ScoringSubject, positions: np.ndarray) -> _Forecasts:
    """Return the forecasts of some of the scored windows, each in the batch in which `evaluate` scored it.

    The forecasts of int8 depend on the other windows of a batch.
    """
    size, parts = subject.windows.batch_size, []
    for number in np.unique(positions // size).tolist():
        batch = subject.windows.select(
            np.arange(number * size, min((number + 1) * size, len(subject.windows)))
        )
        for part in window_forecasts(
            batch, subject.model_only, subject.model.bounds, subject.intervals, season=subject.season
        ):
            rows = np.flatnonzero(np.isin(part.index + number * size, positions))
            if len(rows):
                parts.append((part, rows))
    return _Forecasts(
        origin=np.concatenate([part.origin[rows] for part, rows in parts]),
        truth=np.concatenate([part.truth[rows] for part, rows in parts]),
        forecast=np.concatenate([part.forecast[rows] for part, rows in parts]),
        quantiles=np.concatenate([part.quantiles[:, rows] for part, rows in parts], axis=1),
        baseline=np.concatenate([part.baseline[rows] for part, rows in parts]),
    )
