"""Plot of `predict`: the last measured rows of some series, their forecast, and its quantiles."""

import numpy as np

from lstm_cli.data.forecast.bounds import Bounds
from lstm_cli.data.forecast.output import Forecast
from lstm_cli.evaluation.quantiles.intervals import LEVELS
from lstm_cli.plots.forecast import Band, Panel
from lstm_cli.plots.terminal import Terminal
from lstm_cli.steps.predict.data import ForecastData
from lstm_cli.steps.predict.requested_quantiles import RequestedQuantiles, interval_probabilities
from lstm_cli.steps.shared.forecast_plot import history_rows, interval_bands, measured_rows, row_labels
from lstm_cli.steps.shared.plot_output import TERMINAL, write_forecast_plot
from lstm_cli.wording import count_noun

MAX_PANELS = 12  # series and targets in a picture
MAX_TERMINAL_PANELS = 4  # in a drawing
MIN_PATHS = 20  # sample paths whose spread is drawn as intervals


def plot_forecast(
    plot: str,
    forecast: Forecast,
    data: ForecastData,
    bounds: Bounds,
    requested: RequestedQuantiles,
    terminal: Terminal | None,
) -> None:
    """Draw a forecast in a file, or in the terminal.

    The first series of the forecast are drawn, and with several targets fewer series. The title counts the rest.

    Args:
        plot: value of `--plot`.
        forecast: forecast of all series of the data.
        data: rows before the forecast.
        bounds: limits of the forecast.
        requested: quantiles of the forecast.
        terminal: receives the drawing.

    Raises:
        OutputError: the file cannot be written.
    """
    most = MAX_TERMINAL_PANELS if plot == TERMINAL else MAX_PANELS
    total_targets, total = len(forecast.schema.targets), len(forecast.names) // max(1, forecast.samples)
    targets = min(total_targets, most)
    series = min(total, max(1, most // targets))
    panels = [
        _panel(forecast, data, bounds, requested, number, target)
        for number in range(series)
        for target in range(targets)
    ]
    parts = [f"{series:,} of {count_noun(total, 'series', 'series')}"] if series < total else []
    parts += [f"{targets} of {total_targets} targets"] if targets < total_targets else []
    write_forecast_plot(plot, panels, terminal, title=", ".join(parts))


def _panel(
    forecast: Forecast,
    data: ForecastData,
    bounds: Bounds,
    requested: RequestedQuantiles,
    number: int,
    target: int,
) -> Panel:
    """Return the panel of a target of a series.

    Args:
        forecast: forecast of all series: those of the model, then those that are too short for it.
        data: rows before the forecast.
        bounds: limits of the forecast.
        requested: quantiles of the forecast.
        number: position of the series in the forecast.
        target: index of the target.
    """
    schema, table, steps = data.dataset.schema, data.dataset.series, forecast.values.shape[1]
    rows = slice(number * max(1, forecast.samples), (number + 1) * max(1, forecast.samples))
    values = forecast.values[rows, :, target]
    note = ""
    if number < len(table.names):
        count, origin_us = int(table.count[number]), table.origin_us[number]
        first = max(0, count - history_rows(schema))
        history = measured_rows(data.dataset, bounds, number, first, count)[:, target]
    else:
        short = number - len(table.names)
        count, origin_us = int(data.short.count[short]), data.short.origin_us[short]
        history, note = data.short.tails[short][:, target], "baseline, because it has few rows"
        first = count - len(history)
    names = (forecast.names[rows.start], note, schema.targets[target] if len(schema.targets) > 1 else "")
    spread: list[Band] = []
    quantiles = None
    if forecast.samples:
        spread = _spread_of_paths(values)
    else:
        levels = requested.levels
        ends = forecast.quantiles[: 2 * len(levels), number, :, target]
        spread = interval_bands(list(levels), ends)[::-1] if not np.isnan(ends).all() else []
        quantiles = forecast.quantiles[2 * len(levels) :, number, :, target]
    drawn = quantiles is not None and len(quantiles) and not np.isnan(quantiles).all()
    return Panel(
        title=" · ".join(filter(None, names)) or schema.targets[target],
        target=schema.targets[target],
        time_name=schema.time_name or "row",
        times=row_labels(schema, np.arange(first, count + steps), origin_us),
        history=history,
        forecast=np.median(values, axis=0),
        forecast_name="median of the sample paths" if forecast.samples else "forecast",
        bands=spread,
        quantiles=quantiles if drawn else None,
        quantiles_name=_quantiles_name(requested.quantiles),
        paths=values if forecast.samples else None,
    )


def _spread_of_paths(paths: np.ndarray) -> list[Band]:
    """Return the default intervals of sample paths [N, H], widest first; none for a few paths."""
    if len(paths) < MIN_PATHS:
        return []
    levels = sorted(LEVELS, reverse=True)
    ends = np.quantile(paths, [end for level in levels for end in interval_probabilities(level)], axis=0)
    bands = interval_bands(levels, ends)
    return [
        Band(name=f"{level} % of the paths", low=band.low, high=band.high)
        for level, band in zip(levels, bands, strict=True)
    ]


def _quantiles_name(quantiles: tuple[float, ...]) -> str:
    """Return the label of quantiles; of many, the first and the last.

    >>> _quantiles_name((0.1, 0.5, 0.9)), _quantiles_name((0.1, 0.2, 0.3, 0.4, 0.5))
    ('quantiles 0.1, 0.5, 0.9', 'quantiles 0.1 to 0.5')
    """
    few = ", ".join(f"{quantile:g}" for quantile in quantiles)
    return f"quantiles {few}" if len(quantiles) <= 3 else f"quantiles {quantiles[0]:g} to {quantiles[-1]:g}"
