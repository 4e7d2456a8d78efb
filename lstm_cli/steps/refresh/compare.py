"""Comparison of `refresh`: a challenger that has not seen the held-out rows, and the champion, on the same windows."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import SPLITS, Windows, split_windows
from lstm_cli.data.forecast.bounds import make_bounds
from lstm_cli.errors import DataError
from lstm_cli.evaluation import metrics, scoring
from lstm_cli.evaluation.baseline_season import baseline_season
from lstm_cli.evaluation.torch_forecaster import torch_forecaster
from lstm_cli.evaluation.uncertainty import WindowErrors, window_times
from lstm_cli.events import Listener
from lstm_cli.inference.session import open_session
from lstm_cli.inference.trained_model import TrainedModel, load_graph, rescale_to_model
from lstm_cli.rundir import Run
from lstm_cli.steps.evaluate.train_fold import cut_off_text
from lstm_cli.steps.train.warm_start import WarmStart
from lstm_cli.wording import count_noun

CHAMPION = "champion"


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Rows of a comparison."""

    dataset: Dataset  # its test split is held out
    learnt: np.ndarray  # [S] first row of each series after those that the champion has learnt


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Scores of both models on the held-out rows."""

    champion: dict[str, float | None]
    challenger: dict[str, float | None]
    baselines: dict[str, dict[str, float | None]]
    difference: float | None  # percentage by which the error of the challenger is lower
    interval: list[float] | None  # its 90 % interval
    windows: int
    since: str  # time of the first held-out row
    refitted: bool  # the challenger has learnt its validation rows too, which made it better

    def is_better(self, margin: float) -> bool:
        """Return whether the challenger is better by the margin, and not by random variation alone."""
        return (
            self.difference is not None
            and self.interval is not None
            and self.difference >= 100 * margin
            and self.interval[0] > 0
        )


def compare(
    run: Run,
    held_out: HeldOut,
    model: TrainedModel,
    config: TrainConfig,
    start: WarmStart | None,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> Comparison:
    """Train a challenger on the rows before the held-out ones, and score it and the champion on these.

    With a refit, the challenger before it is scored too, and the better one counts: after a change of the unit, for
    example, a refit learns from a mixture of both units.

    Args:
        run: run of the champion.
        held_out: rows of the comparison.
        model: the champion.
        config: settings of the training.
        start: model whose weights are the start of the challenger; None: random weights.
        listen: receives events.
        should_stop: returns the signal that ends training, or None.

    Raises:
        DataError: too few rows for the comparison.
        Interrupted, TrainingDiverged, DeviceError: as in `train`.
    """
    from lstm_cli.training.setup.device import usable_cores
    from lstm_cli.training.train_model import train_model

    threads, dataset = config.threads or usable_cores(), held_out.dataset
    initial = None if start is None else start.load(start.choose_weights(dataset))
    trained = train_model(
        dataset, config, threads=threads, listen=listen, should_stop=should_stop, start=initial
    )
    lookback = trained.settings["lookback"]
    versions = {trained.refitted: trained.shipped, False: trained.validated}
    season = baseline_season(trained.dataset)
    windows = scoring.scoring_windows(trained.dataset, "test", lookback, trained.shipped.linear, season)
    windows, theirs = _shared(windows, _windows_of(held_out, model), held_out.learnt)
    _require_enough(windows)
    scale, bounds = scoring.metric_scale(dataset), make_bounds(dataset, config.min, config.max)[0]
    results = []
    for refitted, version in versions.items():
        errors = WindowErrors(windows, scale, compared=("model", CHAMPION))
        challenger = scoring.combine_forecasters(
            torch_forecaster(version.network, lookback),
            scoring.baseline_forecaster(trained.dataset, version.linear, season),
        )
        sums = scoring.score(windows, challenger, bounds, on_errors=errors)
        scores = {name: metrics.overall_scores(each, scale) for name, each in sums.items()}
        results.append((refitted, errors, scores))
    refitted, errors, scores = min(results, key=lambda result: _error(result[2]["model"]))
    session = open_session(load_graph(run, "auto")[0], threads=threads)
    forecaster = scoring.model_forecaster(session, model.lookback, name=CHAMPION)
    sums = scoring.score(theirs, forecaster, model.bounds, on_errors=errors)
    scores |= {name: metrics.overall_scores(each, scale) for name, each in sums.items()}
    compared: dict[str, Any] = errors.comparisons()[CHAMPION]
    table = dataset.series
    first = int(np.argmax(table.count - table.val_end))
    since_us = int(dataset.schema.step.times(table.val_end[first : first + 1], table.origin_us[first])[0])
    return Comparison(
        champion=scores.pop(CHAMPION),
        challenger=scores.pop("model"),
        baselines={name: each for name, each in scores.items() if not name.startswith(scoring.PART)},
        difference=compared["difference"],
        interval=compared["interval"],
        windows=len(windows),
        since=cut_off_text(dataset, since_us),
        refitted=refitted,
    )


def _error(scores: dict[str, float | None]) -> float:
    """Return the MASE, or the MAE if no series has a MASE scale."""
    error = scores["mae"] if scores["mase"] is None else scores["mase"]
    return math.inf if error is None else error


def require_windows(held_out: HeldOut, model: TrainedModel) -> None:
    """Raise DataError if the rows are too few to compare a challenger with the model."""
    for split, name in SPLITS.items():
        if not len(split_windows(held_out.dataset, split)):
            raise _too_few(f"no {name} window")
    theirs = _windows_of(held_out, model)
    _require_enough(_shared(theirs, theirs, held_out.learnt)[0])


def _windows_of(held_out: HeldOut, model: TrainedModel) -> Windows:
    return split_windows(rescale_to_model(held_out.dataset, model), "test", model.lookback)


def _require_enough(windows: Windows) -> None:
    times, needed = window_times(windows), windows.dataset.schema.horizon
    if times.count < needed or times.disjoint < 2:
        found = count_noun(times.count, "held-out window")
        raise _too_few(f"{found} after the last learnt row, {max(2, needed):,} are needed")


def _shared(windows: Windows, theirs: Windows, learnt: np.ndarray) -> tuple[Windows, Windows]:
    """Return the windows that both models can forecast, after the rows that the champion has learnt.

    Args:
        windows: windows of the challenger.
        theirs: windows of the champion, over the same rows.
        learnt: [S] first row of each series that the champion has not learnt.
    """
    offset = windows.dataset.series.offset
    origins = np.intersect1d(windows.origins, theirs.origins)

    def chosen(each: Windows) -> Windows:
        unlearnt = each.origins - offset[each.series] >= learnt[each.series]
        return each.select(np.isin(each.origins, origins) & unlearnt)

    return chosen(windows), chosen(theirs)


def _too_few(problem: str) -> DataError:
    return DataError(
        f"too few rows to compare a challenger: {problem}",
        hint="refresh again when there are more rows",
        rule="D631",
    )
