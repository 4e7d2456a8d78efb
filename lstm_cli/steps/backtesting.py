"""The rolling-origin backtest of `evaluate`: was it luck?"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from lstm_cli import metrics, scoring
from lstm_cli.baseline_season import baseline_season
from lstm_cli.config import TrainConfig
from lstm_cli.data.clamp import Bounds, bounds_of
from lstm_cli.data.dataset import Dataset
from lstm_cli.data.folds import Cut, at_cut, count_fold, cuts
from lstm_cli.data.windows import SPLITS, split_windows
from lstm_cli.errors import DataError, heed
from lstm_cli.events import Listener, Progressed, silent
from lstm_cli.linear.forecast import Linear
from lstm_cli.steps.forecaster import torch_forecaster

FEWER = "use a smaller --backtest, or prepare with a shorter --horizon or --val"
METRICS = ("mae", "rmse", "mase", "mae_scaled")  # whose spread is told


def backtest(
    dataset: Dataset,
    config: TrainConfig,
    *,
    folds: int,
    jobs: int,
    threads: int,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> list[dict[str, Any]]:
    """Trains anew at each of `folds` cut-offs and scores the rows up to the next; a report for each.

    jobs: folds side by side, each in a process of its own. Raises DataError where a cut-off leaves too few rows,
    Interrupted.
    """
    chosen = cuts(dataset, folds)
    _require_rows(dataset, chosen)
    share = max(1, threads // jobs)
    told = [_moment(dataset, cut) for cut in chosen]
    listen(Progressed(stage="backtest", done=0, total=folds, unit="cut-offs"))
    reports: list[dict[str, Any]] = []
    if jobs == 1:
        for cut, moment in zip(chosen, told, strict=True):
            heed(should_stop)
            reports.append(_retrained(at_cut(dataset, cut), moment, config, share, listen, should_stop))
            listen(Progressed(stage="backtest", done=len(reports), total=folds, unit="cut-offs"))
        return reports
    import joblib

    done = joblib.Parallel(n_jobs=jobs, return_as="generator")(
        joblib.delayed(_retrained)(at_cut(dataset, cut), moment, config, share)
        for cut, moment in zip(chosen, told, strict=True)
    )
    for report in done:
        heed(should_stop)
        reports.append(report)
        listen(Progressed(stage="backtest", done=len(reports), total=folds, unit="cut-offs"))
    return reports


def reused(
    dataset: Dataset,
    forecaster: scoring.Forecaster,
    linear: Linear,
    bounds: Bounds,
    lookback: int,
    *,
    folds: int,
) -> list[dict[str, Any]]:
    """The model that there is, scored on the rows after each of the cut-offs; all of them test rows.

    forecaster: of the model, which looks back `lookback` steps.

    dataset: in the model's scaling. Raises DataError where the test rows hold fewer horizons than folds.
    """
    table, horizon = dataset.series, dataset.schema.horizon
    most = int((table.count - table.val_end).max()) // horizon
    if most < folds:
        raise DataError(
            f"the test rows hold {most} horizons, too few for {folds} cut-offs of a model that is reused",
            hint=f"use --backtest {max(most, 1)}, or leave out --reuse: then it is trained anew at each",
        )
    windows = split_windows(dataset, "test", max(lookback, linear.lookback, *dataset.schema.seasons))
    within = windows.origins - table.offset[windows.series]
    reports = []
    for cut in cuts(dataset, folds):
        first, after = cut.val_end[windows.series], cut.count[windows.series]
        chosen = windows.taken((within >= first) & (within + horizon <= after))
        season = baseline_season(replace(dataset, series=replace(table, val_end=cut.val_end)))
        both = scoring.together(forecaster, scoring.simple_forecaster(dataset, linear, season))
        sums = scoring.score(chosen, both, bounds)
        reports.append(_fold_report(dataset, _moment(dataset, cut), len(chosen), sums, season))
    return reports


def spread(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean, standard deviation, least and greatest of each metric over the folds, and in how many the model wins."""
    told: dict[str, Any] = {}
    for metric in METRICS:
        values = [report["metrics"][metric] for report in reports if report["metrics"][metric] is not None]
        if values:
            told[metric] = {
                "mean": float(np.mean(values)),
                "deviation": float(np.std(values, ddof=1)) if len(values) > 1 else None,
                "least": min(values),
                "greatest": max(values),
            }
    names = sorted({name for report in reports for name in report["baselines"]})
    told["wins"] = {name: sum(_wins(report, name) for report in reports) for name in names}
    return told


def _wins(report: dict[str, Any], baseline: str) -> bool:
    for metric in ("mase", "mae"):
        ours, theirs = report["metrics"][metric], report["baselines"].get(baseline, {}).get(metric)
        if ours is not None and theirs is not None:
            return bool(ours < theirs)
    return False


def _require_rows(dataset: Dataset, chosen: list[Cut]) -> None:
    horizon = dataset.schema.horizon
    if not (chosen[0].train_end >= horizon + 1).any():
        raise DataError(
            f"{len(chosen)} cut-offs leave {int(chosen[0].train_end.max())} training rows before the first, too few",
            hint=FEWER,
        )
    for cut in chosen:
        for split in ("val", "test"):
            if not count_fold(dataset, cut, split):
                raise _no_window(SPLITS[split], _moment(dataset, cut))


def _no_window(name: str, moment: str) -> DataError:
    """A fold of a panel may have none: its series may have ended, or begun too late to be trained on."""
    return DataError(f"no series has a {name} window at the cut-off {moment}", hint=FEWER)


def _retrained(
    fold: Dataset,
    moment: str,
    config: TrainConfig,
    threads: int,
    listen: Listener = silent,
    should_stop: Callable[[], int | None] = lambda: None,
) -> dict[str, Any]:
    """One fold, from training to its report; runs in a process of its own too."""
    from lstm_cli.training.make import train_model

    trained = train_model(fold, config, threads=threads, listen=listen, should_stop=should_stop)
    known, linear = trained.dataset, trained.shipped.linear
    lookback = trained.settings["lookback"]
    season = baseline_season(known)
    forecaster = scoring.together(
        torch_forecaster(trained.shipped.network, lookback), scoring.simple_forecaster(known, linear, season)
    )
    windows = scoring.scored_windows(known, "test", lookback, linear, season)
    bounds = bounds_of(fold, config)[0]
    sums = scoring.score(windows, forecaster, bounds)
    return _fold_report(known, moment, len(windows), sums, season)


def _moment(dataset: Dataset, cut: Cut) -> str:
    """When a fold begins: the first row after its cut-off in the longest series that goes on after it."""
    table = dataset.series
    goes_on = (cut.train_end > 0) & (cut.val_end < cut.count)
    longest = int(np.argmax(np.where(goes_on, table.count, -1) if goes_on.any() else table.count))
    first = int(cut.val_end[longest])
    if dataset.schema.time_name is None:
        return f"row {first + 1}"
    time_us = dataset.schema.step.times(np.array([first]), table.origin_us[longest])[0]
    return str(np.datetime64(int(time_us), "us").astype("datetime64[s]"))


def _fold_report(
    dataset: Dataset, moment: str, windows: int, sums: dict[str, metrics.Errors], season: int | None
) -> dict[str, Any]:
    """The scores of a fold, and when it begins. Raises DataError where it has no window."""
    if not windows:
        raise _no_window(SPLITS["test"], moment)
    scale = scoring.scale_of(dataset)
    scores = {name: metrics.overall(found, scale) for name, found in sums.items()}
    parts = [name for name in scores if name.startswith("part.")]
    for name in parts:
        scores.pop(name)
    return {
        "cut": moment,
        "windows": windows,
        "metrics": scores.pop("model"),
        "baselines": scores,
        "baseline_season": season,
    }
