"""Warnings of `predict` about series that the model does not forecast in the usual way."""

import numpy as np

from lstm_cli.findings import Finding, in_file
from lstm_cli.inference.trained_model import TrainedModel
from lstm_cli.steps.predict.data import ForecastData, Warn
from lstm_cli.wording import count_noun


def warn_new_series(data: ForecastData, model: TrainedModel, warn: Warn) -> None:
    """Warn once about series that the model was not trained on.

    Args:
        data: rows before the forecast.
        model: trained model.
        warn: receives the finding.
    """
    if not data.new:
        return
    from lstm_cli.data.forecast.series_names import SeriesIndex
    from lstm_cli.data.locations import quote_names

    near = SeriesIndex(model.series.names).nearest(data.new[0])
    text = (
        f"{count_noun(len(data.new), 'series', 'series')} that the model was not trained on: {quote_names(data.new)}; "
        f"forecast with {'its' if len(data.new) == 1 else 'their'} own scaling and the shared weights"
        f"{f' ({near})' if near else ''} (--only forecasts named series)"
    )
    warn(Finding.at(in_file(data.source), "D804", text, count=len(data.new), flags=("--only",)))


def warn_short_series(data: ForecastData, warn: Warn) -> None:
    """Warn once about series that get the baseline."""
    names, season = data.short.names, data.dataset.schema.season
    if not names:
        return
    from lstm_cli.data.locations import quote_names

    baseline = f"seasonal naive ({season} steps), or naive with less than a season" if season > 1 else "naive"
    text = (
        f"{len(names):,} of {len(names) + len(data.dataset.series.names):,} series have too few rows for the model: "
        f"{quote_names(names)}; forecast with the baseline, {baseline}, without intervals "
        "(--only forecasts named series)"
    )
    warn(Finding.at(in_file(data.source), "D806", text, count=len(names), flags=("--only",)))


def warn_padded(data: ForecastData, model: TrainedModel, warn: Warn) -> None:
    """Warn once about series with fewer rows than the model reads. Their windows are padded.

    Args:
        data: rows before the forecast.
        model: trained model.
        warn: receives the finding.
    """
    dataset, source = data.dataset, data.source
    count, reads, lookback = dataset.series.count, model.lookback, model.schema.lookback
    short = np.flatnonzero(count < reads)
    if not len(short):
        return
    from lstm_cli.data.locations import quote_names

    needs = f"than the {reads:,} that the model reads (lookback {lookback:,})"
    padded = "padded at the front (no option for this; more rows may change the forecast)"
    if len(count) == 1:
        text = f"{count_noun(int(count[0]), 'row')}, fewer {needs}: the window is {padded}"
        warn(Finding.at(in_file(source), "D810", text))
        return
    names = quote_names([dataset.series.names[index] for index in short])
    text = f"{len(short):,} of {len(count):,} series have fewer rows {needs}: {names}; their windows are {padded}"
    warn(Finding.at(in_file(source), "D810", text, count=len(short)))
