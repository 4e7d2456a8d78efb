"""Rolling-origin backtest of `evaluate`.

A fold sees only the rows before its cut-off. So it repeats each choice that `prepare` and `train` make from the data.
It does not search. If the winner of `tune` depends on rows after the cut-off, the fold uses the defaults.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_cli.config import PrepareConfig, TrainConfig, restore_settings
from lstm_cli.config.renamed import with_new_names
from lstm_cli.data.build.backtest_folds import Fold, backtest_folds, count_fold_windows, dataset_at_fold
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.dropped_outliers import NO_DROPPED_OUTLIERS, DroppedOutliers
from lstm_cli.data.dataset.load import load_dropped_outliers
from lstm_cli.data.dataset.windows import SPLITS, split_windows
from lstm_cli.errors import DataError
from lstm_cli.evaluation import scoring
from lstm_cli.evaluation.baseline_season import baseline_season
from lstm_cli.evaluation.uncertainty import EQUAL_TOLERANCE
from lstm_cli.events import Listener, Progressed
from lstm_cli.findings import MODEL, Finding
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.rundir import Run, reading_manifest
from lstm_cli.steps.evaluate.forecast_table import ForecastSource
from lstm_cli.steps.evaluate.score_model import ScoringSubject
from lstm_cli.steps.evaluate.train_fold import (
    TOO_SHORT_HINT,
    cut_off_text,
    fold_report,
    no_window_error,
    train_and_score_fold,
)

METRICS = ("mae", "rmse", "mase", "mae_scaled")  # metrics with a spread in the report


@dataclass(frozen=True, kw_only=True)
class BacktestRecipe:
    """Settings of the folds, which are those of the run's model."""

    prepare: PrepareConfig
    train: TrainConfig
    dropped: DroppedOutliers = NO_DROPPED_OUTLIERS  # outliers that `prepare` dropped
    searched: tuple[str, ...] = ()  # settings of `train` that a search chose
    searched_other_data: bool = False  # the search used other data than the run, so its rows are unknown

    def config_at(self, dataset: Dataset, cut: Fold) -> tuple[TrainConfig, tuple[str, ...]]:
        """Return the settings of a fold, and the names set to their default because the search saw later rows."""
        later = self.searched_other_data or bool((cut.val_end < dataset.series.val_end).any())
        if not (self.searched and later):
            return self.train, ()
        plain = TrainConfig()
        return replace(self.train, **{name: getattr(plain, name) for name in self.searched}), self.searched


def backtest_recipe(run: Run) -> BacktestRecipe:
    """Return the settings of the run's model. Raise MissingArtifact if the run has no model."""
    with reading_manifest(run.path):
        return _read_recipe(run)


def _read_recipe(run: Run) -> BacktestRecipe:
    train, tune = run.entry("train"), run.steps.get("tune")
    configs = (
        restore_settings(PrepareConfig, run.entry("prepare")["config"]),
        restore_settings(TrainConfig, train["config"]),
    )
    if tune is None:
        return BacktestRecipe(prepare=configs[0], train=configs[1], dropped=load_dropped_outliers(run))
    winner = with_new_names(tune["report"]["winner"] or {})
    given = {"model", *with_new_names(tune["report"]["fixed"])}
    if train["sources"] is None:  # not recorded: a value equal to the winner's counts as the winner's
        config = with_new_names(train["config"])
        chosen = [name for name, value in winner.items() if config.get(name) == value]
    else:
        chosen = [name for name, source in with_new_names(train["sources"]).items() if source == "tune"]
    return BacktestRecipe(
        prepare=configs[0],
        train=configs[1],
        dropped=load_dropped_outliers(run),
        searched=tuple(name for name in chosen if name not in given),
        searched_other_data=tune["read"]["data"]["sha256"] != run.digest("data"),
    )


def backtest(
    dataset: Dataset,
    recipe: BacktestRecipe,
    *,
    folds: int,
    jobs: int,
    threads: int,
    listen: Listener,
    should_stop: Callable[[], int | None],
    on_fold: Callable[[ForecastSource], None] | None = None,
) -> list[dict[str, Any]]:
    """Train a model at each cut-off and score the rows up to the next cut-off.

    Args:
        dataset: data of the run.
        recipe: settings of the run's model.
        folds: number of cut-offs.
        jobs: number of parallel folds, each in its own process.
        threads: number of threads of all folds together.
        listen: receives progress events.
        should_stop: returns the number of a signal that asks to stop, or None.
        on_fold: receives the scored windows of each fold, with their model and its intervals. None: no intervals are
            fitted.

    Returns:
        A report for each fold, oldest first.

    Raises:
        DataError: a cut-off leaves too few rows.
        Interrupted: a signal asked to stop.
    """
    chosen = backtest_folds(dataset, folds)
    _require_rows(dataset, chosen)
    share = max(1, threads // jobs)
    folds_of = [(cut, _cut_off_us(dataset, cut), *recipe.config_at(dataset, cut)) for cut in chosen]
    keep = on_fold is not None
    listen(Progressed(stage="backtest", done=0, total=folds, unit="cut-offs"))
    reports: list[dict[str, Any]] = []

    def add(scored: tuple[dict[str, Any], ForecastSource | None]) -> None:
        report, source = scored
        reports.append(report)
        if on_fold is not None and source is not None:
            on_fold(source)
        listen(Progressed(stage="backtest", done=len(reports), total=folds, unit="cut-offs"))

    if jobs == 1:
        for cut, cut_off_us, config, defaults in folds_of:
            raise_if_interrupted(should_stop)
            fold = dataset_at_fold(dataset, cut, recipe.prepare, recipe.dropped)
            add(train_and_score_fold(fold, cut_off_us, config, defaults, share, keep, listen, should_stop))
        return reports
    import joblib

    done = joblib.Parallel(n_jobs=jobs, return_as="generator")(
        joblib.delayed(train_and_score_fold)(
            dataset_at_fold(dataset, cut, recipe.prepare, recipe.dropped),
            *(cut_off_us, config, defaults, share, keep),
        )
        for cut, cut_off_us, config, defaults in folds_of
    )
    for scored in done:
        raise_if_interrupted(should_stop)
        add(scored)
    return reports


def reuse_folds(subject: ScoringSubject, sources: Sequence[ForecastSource]) -> list[dict[str, Any]]:
    """Return scores of the run's model for each cut-off. sources: result of `reused_sources`."""
    dataset = subject.dataset
    reports = []
    for source in sources:
        forecaster = scoring.combine_forecasters(
            source.forecaster, scoring.baseline_forecaster(dataset, subject.linear, source.season)
        )
        sums = scoring.score(source.windows, forecaster, source.bounds)
        assert source.cut_off_us is not None
        reports.append(fold_report(dataset, source.cut_off_us, len(source.windows), sums, source.season))
    return reports


def reused_sources(subject: ScoringSubject, *, folds: int) -> list[ForecastSource]:
    """Return the windows of each cut-off after the rows that the run's model learned from.

    The model learned from the validation rows too: the refit or early stopping used them. Raises DataError if no
    cut-off remains.
    """
    dataset, linear = subject.dataset, subject.linear
    table, horizon = dataset.series, dataset.schema.horizon
    lookback = max(subject.model.lookback, linear.lookback, *dataset.schema.seasons)
    windows = split_windows(dataset, "test", lookback)
    within = windows.origins - table.offset[windows.series]
    sources = []
    for cut in backtest_folds(dataset, folds):
        first, after = cut.val_end[windows.series], cut.count[windows.series]
        chosen = windows.select((within >= first) & (within + horizon <= after))
        if (cut.val_end < table.val_end).all() or not len(chosen):
            continue
        known = replace(dataset, series=replace(table, val_end=cut.val_end))
        source = ForecastSource.from_subject(subject)
        season, cut_off_us = baseline_season(known), _cut_off_us(dataset, cut)
        sources.append(replace(source, windows=chosen, season=season, cut_off_us=cut_off_us))
    if not sources:
        raise DataError(
            "too few test rows after the rows that the model learned from, so --reuse has no cut-off to score",
            hint="leave out --reuse to train at each cut-off, or prepare with more --test rows",
            rule="D631",
            flags=("--reuse", "--test"),
        )
    return sources


def backtest_findings(folds: Sequence[dict[str, Any]], *, wanted: int) -> list[Finding]:
    """Return findings about the folds. wanted: number of cut-offs of --backtest."""
    findings = []
    if len(folds) < wanted:
        text = (
            f"{wanted - len(folds)} of {wanted} cut-offs are left out. The model learned from rows after them, or no "
            "window follows (leave out --reuse to train at each cut-off)"
        )
        findings.append(
            Finding(rule="M207", kind=MODEL, text=text, count=wanted - len(folds), flags=("--reuse",))
        )
    plain = [fold for fold in folds if fold.get("defaults")]
    if plain:
        text = (
            f"{len(plain)} of {len(folds)} cut-offs use the default of {', '.join(plain[0]['defaults'])}, because "
            "'lstm tune' saw rows after them (use a smaller --backtest to leave them out)"
        )
        findings.append(Finding(rule="M208", kind=MODEL, text=text, count=len(plain), flags=("--backtest",)))
    return findings


def mean_and_deviation(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """Return mean, standard deviation, minimum and maximum of each metric over the folds, and the model's wins."""
    spread: dict[str, Any] = {}
    for metric in METRICS:
        values = [report["metrics"][metric] for report in reports if report["metrics"][metric] is not None]
        if values:
            spread[metric] = {
                "mean": float(np.mean(values)),
                "deviation": float(np.std(values, ddof=1)) if len(values) > 1 else None,
                "least": min(values),
                "greatest": max(values),
            }
    names = sorted({name for report in reports for name in report["baselines"]})
    spread["wins"] = {name: sum(_wins(report, name) for report in reports) for name in names}
    return spread


def _wins(report: dict[str, Any], baseline: str) -> bool:
    for metric in ("mase", "mae"):
        model_error, baseline_error = (
            report["metrics"][metric],
            report["baselines"].get(baseline, {}).get(metric),
        )
        if model_error is not None and baseline_error is not None:
            return bool(model_error < (1 - EQUAL_TOLERANCE) * baseline_error)
    return False


def _require_rows(dataset: Dataset, chosen: list[Fold]) -> None:
    horizon = dataset.schema.horizon
    if not (chosen[0].train_end >= horizon + 1).any():
        rows = max(0, int(chosen[0].train_end.max()))
        raise DataError(
            f"too few training rows: {len(chosen)} cut-offs leave {rows} training rows before the first",
            hint=TOO_SHORT_HINT,
            rule="D632",
        )
    for cut in chosen:
        for split in ("val", "test"):
            if not count_fold_windows(dataset, cut, split):
                raise no_window_error(SPLITS[split], cut_off_text(dataset, _cut_off_us(dataset, cut)))


def _cut_off_us(dataset: Dataset, cut: Fold) -> int:
    """Return the time of the first row after a cut-off, in the longest series that continues after it."""
    table = dataset.series
    continues = (cut.train_end > 0) & (cut.val_end < cut.count)
    longest = int(np.argmax(np.where(continues, table.count, -1) if continues.any() else table.count))
    return int(dataset.schema.step.times(cut.val_end[longest : longest + 1], table.origin_us[longest])[0])
