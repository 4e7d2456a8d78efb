"""Training and scoring of one fold of a backtest, and the report of a fold."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import SPLITS, split_windows
from lstm_cli.data.forecast.bounds import make_bounds
from lstm_cli.errors import DataError
from lstm_cli.evaluation import metrics, scoring
from lstm_cli.evaluation.baseline_season import baseline_season
from lstm_cli.evaluation.quantiles.model import CalibratedQuantiles
from lstm_cli.evaluation.torch_forecaster import torch_forecaster
from lstm_cli.events import Listener, ignore_events
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.steps.evaluate.forecast_table import ForecastSource

if TYPE_CHECKING:
    from lstm_cli.training.recipes.result import TrainingResult

TOO_SHORT_HINT = "use a smaller --backtest, or prepare with a shorter --horizon or --val"


def train_and_score_fold(
    fold: Dataset,
    cut_off_us: int,
    config: TrainConfig,
    defaults: tuple[str, ...],
    threads: int,
    keep: bool,
    listen: Listener = ignore_events,
    should_stop: Callable[[], int | None] = lambda: None,
) -> tuple[dict[str, Any], ForecastSource | None]:
    """Train and score one fold. It may run in its own process.

    Args:
        fold: rows before the cut-off, and the rows to score.
        cut_off_us: first time after the cut-off.
        config: settings of the training.
        defaults: settings that have their default because a search saw later rows.
        threads: CPU threads.
        keep: fit intervals, and return the windows and the model.
        listen: receives progress events.
        should_stop: returns the number of a signal that asks to stop, or None.

    Returns:
        The report, and with `keep` the scored windows, with the model and its intervals.
    """
    from lstm_cli.training.train_model import train_model

    for split, name in SPLITS.items():
        if not len(split_windows(fold, split)):
            raise no_window_error(name, cut_off_text(fold, cut_off_us))
    trained = train_model(fold, config, threads=threads, listen=listen, should_stop=should_stop)
    fold_data, linear = trained.dataset, trained.shipped.linear
    lookback = trained.settings["lookback"]
    season = baseline_season(fold_data)
    model = torch_forecaster(trained.shipped.network, lookback)
    forecaster = scoring.combine_forecasters(model, scoring.baseline_forecaster(fold_data, linear, season))
    windows = scoring.scoring_windows(fold_data, "test", lookback, linear, season)
    bounds = make_bounds(fold, config.min, config.max)[0]
    sums = scoring.score(windows, forecaster, bounds)
    choices = {"seasons": list(fold.schema.seasons), "lookback": fold.schema.lookback}
    report = fold_report(fold_data, cut_off_us, len(windows), sums, season) | choices
    source = ForecastSource(
        windows=windows,
        forecaster=model,
        bounds=bounds,
        intervals=_fit_intervals(trained, config.seed, should_stop) if keep else None,
        season=season,
        cut_off_us=cut_off_us,
    )
    return report | {"defaults": list(defaults)}, source if keep else None


def _fit_intervals(
    trained: "TrainingResult", seed: int, should_stop: Callable[[], int | None]
) -> CalibratedQuantiles:
    """Return the intervals of the model of a fold, as `train` fits them: with the model before a refit."""
    from lstm_cli.evaluation.quantiles.calibrate_intervals import calibrate
    from lstm_cli.training.quantile_network import fit_quantiles

    lookback = trained.settings["lookback"]
    validated = torch_forecaster(trained.validated.network, lookback)
    calibration = calibrate(trained.dataset, lambda batch: validated(batch)["model"], lookback=lookback)
    return fit_quantiles(calibration, seed=seed, check=lambda: raise_if_interrupted(should_stop))


def cut_off_text(dataset: Dataset, time_us: int) -> str:
    """Return the time of a cut-off as reports show it: in ISO form, a whole number, or a row number from 1."""
    if dataset.schema.time_name is None:
        return f"row {time_us + 1}"
    if dataset.schema.time_format.is_integer:
        return str(time_us)
    local_us = int(dataset.schema.time_format.to_file_clock(np.array([time_us]))[0])
    return str(np.datetime64(local_us, "us").astype("datetime64[s]"))


def fold_report(
    dataset: Dataset, cut_off_us: int, windows: int, sums: dict[str, metrics.ErrorSums], season: int | None
) -> dict[str, Any]:
    """Return the scores and the cut-off time of a fold.

    Args:
        dataset: data of the fold.
        cut_off_us: first time after the cut-off.
        windows: number of scored windows.
        sums: errors of the model and the baselines.
        season: steps of the seasonal naive baseline, or None.

    Raises:
        DataError: the fold has no window.
    """
    moment = cut_off_text(dataset, cut_off_us)
    if not windows:
        raise no_window_error(SPLITS["test"], moment)
    scale = scoring.metric_scale(dataset)
    scores = {name: metrics.overall_scores(errors, scale) for name, errors in sums.items()}
    parts = [name for name in scores if name.startswith(scoring.PART)]
    for name in parts:
        scores.pop(name)
    return {
        "cut": moment,
        "windows": windows,
        "metrics": scores.pop("model"),
        "baselines": scores,
        "baseline_season": season,
    }


def no_window_error(name: str, moment: str) -> DataError:
    """Return the error for a fold without a window: its series ended, or began too late for training."""
    return DataError(
        f"no series has a {name} window at the cut-off {moment}", hint=TOO_SHORT_HINT, rule="D631"
    )
