"""A soft average of linear maps: ridge regressions of many kinds, exponential smoothing, the last value and season.

Each weighs by its score on the validation windows. Maps of one family are averaged first, families then: that
there are hundreds of regressions says nothing for them. Averaging beats picking one, since the score of the best
is partly luck; maps that need no fit join only where regressions have few windows to learn from, and where
validation holds few horizons, blocks of rows before it are scored too, each by maps fitted on
what lies before.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import MAX_LOOKBACK, split_windows
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.linear.exponential_smoothing import Smoothing, smoothings
from lstm_cli.linear.model import Group, LinearEnsemble
from lstm_cli.linear.ridge import NormalEquations, RidgeSolution
from lstm_cli.linear.validation_blocks import (
    FITTED_ROWS,
    Map,
    ValidationBlock,
    count_fits,
    earlier_splits,
    map_single_threaded_blas,
    pooled_score,
    rows_of_split,
    sum_maps,
    validation_horizons,
)

# A map weighs 1/e of the best of its family where it is worse by this share: SHARP + SOFT / horizons scored.
SHARP, SOFT = 0.01, 0.4
FAMILY_SOFTNESS = 0.2  # the same of families
FLAWLESS = 1e-100  # a score of 0, to be divided by
LEAST_WEIGHT = 0.005  # of the best one's; less is dropped
RESPONSE_PENALTY = 1e-3  # times the mean squared input
LEARNT = 2_000  # training windows x targets from which on regressions alone do better


def fit_linear(
    dataset: Dataset,
    *,
    lookbacks: tuple[int, ...],
    window: int,
    covariates: bool = False,
    workers: int = 1,
    should_stop: Callable[[], int | None] = lambda: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> LinearEnsemble:
    """Fit the average on the training windows and weigh it by the validation windows.

    lookbacks: the numbers of values K that regressions may read; window: the steps whose mean and deviation
    centre and scale them; covariates: known-ahead inputs take part; workers: CPU threads, which do not change
    the result; should_stop: asked before every regression; progress: told how many fits are done, of how many.
    Raises Interrupted.
    """
    unit = target_units(dataset)
    response = known_ahead_response(dataset) if covariates else np.zeros((0, len(unit)), dtype=np.float32)
    windows = len(split_windows(dataset, "train", max(lookbacks))) * len(unit)
    fixed = smoothings(dataset.schema.seasons, max(lookbacks)) if windows < LEARNT else []
    data = (dataset, *earlier_splits(dataset))
    done, total = itertools.count(1), len(data) * count_fits(lookbacks)
    progress(0, total)
    blocks = [
        ValidationBlock.fitted(
            one,
            lookbacks=lookbacks,
            window=window,
            unit=unit,
            response=response,
            workers=workers,
            should_stop=should_stop,
            fitted=lambda: progress(next(done), total),
        )
        for one in data
    ]
    maps: tuple[Map, ...] = (*blocks[0].scores, *fixed)
    scores = {one: pooled_score(blocks, {one: 1.0}) for one in maps}
    softness = SHARP + SOFT / max(
        1.0, len(blocks) * validation_horizons(dataset)
    )  # chance decides less the more is scored
    families = [_softly({one: scores[one] for one in family}, softness) for family in _families(scores)]
    means = {place: pooled_score(blocks, weights) for place, weights in enumerate(families)}
    weights = {
        one: share * weight
        for place, share in _softly(means, FAMILY_SOFTNESS).items()
        for one, weight in families[place].items()
    }
    linear = blocks[0].combine(weights)
    return replace(linear, score=blocks[0].score_of(weights))


def refit_linear(
    dataset: Dataset,
    linear: LinearEnsemble,
    *,
    workers: int = 1,
    should_stop: Callable[[], int | None] = lambda: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> LinearEnsemble:
    """Fit the same average to the dataset's training rows again; its members and their weights are kept."""
    response = known_ahead_response(dataset) if len(linear.response) else linear.response
    reach = max((member.lookback for member in linear.members), default=1)
    rows = rows_of_split(dataset, "train", reach, linear.window, linear.unit, response, FITTED_ROWS)
    solved: dict[Group, RidgeSolution] = {}
    done, total = itertools.count(1), len(linear.members)
    progress(0, total)

    def fit(kind: tuple[str, bool]) -> None:
        moments = NormalEquations.from_rows(rows, *kind)
        for member in linear.members:
            if (member.center, member.scaled) == kind:
                raise_if_interrupted(should_stop)
                solved[member.group] = moments.solve(
                    member.lookback, intercept=member.intercept, season=dataset.schema.season
                )
                progress(next(done), total)

    map_single_threaded_blas(fit, {(member.center, member.scaled) for member in linear.members}, workers)
    fitted = sum_maps(
        linear.members,
        dict(linear.smoothed),
        solved,
        reach=len(linear.last_weights),
        horizon=len(linear.bias),
        unit=linear.unit,
        window=linear.window,
        response=response,
    )
    return replace(fitted, score=linear.score)


def _families(scores: Iterable[Map]) -> list[list[Map]]:
    """The maps by kind: regressions, and each family of those that need no fit."""
    kinds: dict[str, list[Map]] = {}
    for one in scores:
        kinds.setdefault(one.family if isinstance(one, Smoothing) else "ridge", []).append(one)
    return list(kinds.values())


_Key = TypeVar("_Key")


def _softly(scores: Mapping[_Key, float], softness: float) -> dict[_Key, float]:
    """What each weighs, by its score; the weights sum to 1."""
    best = max(min(scores.values()), FLAWLESS)
    raw = {key: float(np.exp(-(score / best - 1) / softness)) for key, score in scores.items()}
    kept = {key: weight for key, weight in raw.items() if weight >= LEAST_WEIGHT}
    total = sum(kept.values())
    return {key: weight / total for key, weight in kept.items()}


def target_units(dataset: Dataset) -> np.ndarray:
    """[C] float32: the typical size of a scaled value of each target, by its training rows."""
    targets, table = dataset.targets, dataset.series
    spread = [
        dataset.values_scaled[begin : begin + rows, :targets].std(
            axis=0, dtype=np.float64, where=_seen(dataset.measured[begin : begin + rows, :targets])
        )
        for begin, rows in zip(table.offset, table.train_end, strict=True)
    ]
    unit = np.mean(spread, axis=0)
    return np.where(unit > 0, unit, 1.0).astype(np.float32)


def _seen(measured: np.ndarray) -> np.ndarray:
    """measured [T, C], but everything of a target of which nothing was measured."""
    return measured | ~measured.any(axis=0)


def known_ahead_response(dataset: Dataset) -> np.ndarray:
    """[A, C] float32: what one more of each known-ahead input adds to each target, both scaled.

    A ridge regression of the change over one season on the inputs' change, over the measured training rows of
    all series: what the season explains by itself is gone from both.
    """
    targets, ahead, table = dataset.targets, dataset.schema.known_ahead, dataset.series
    season = dataset.schema.season
    squares, products = np.zeros((ahead, ahead)), np.zeros((ahead, targets))
    for one, begin in enumerate(table.offset):
        inputs = dataset.training_inputs(one).astype(np.float64)
        measured = dataset.measured[begin : begin + len(inputs), :targets]
        change = inputs[season:] - inputs[:-season]
        known = change[:, -ahead:]
        wanted = np.where(measured[season:] & measured[:-season], change[:, :targets], 0.0)
        squares += known.T @ known
        products += known.T @ wanted
    size = max(float(np.trace(squares)) / ahead, np.finfo(np.float64).tiny)
    return np.linalg.solve(squares + RESPONSE_PENALTY * size * np.eye(ahead), products).astype(np.float32)


def linear_lookbacks(*, lookback: int, rows: int, horizon: int, season: int, fixed: bool) -> tuple[int, ...]:
    """Return the lookbacks K that regressions may read. rows: training rows of a series (the median).

    Half the lookback to three times it, none above `MOST_LOOKBACK` unless the lookback was given.
    """
    if fixed:
        return tuple(sorted({max(1, lookback // 2), lookback}))
    least = min(max(4, season), MAX_LOOKBACK)
    most = min(max(4, int(0.45 * (rows - horizon))), MAX_LOOKBACK)
    wanted = {int(lookback * share) for share in (0.5, 1, 1.5, 2, 3)}
    return tuple(sorted({max(1, min(max(steps, least), max(most, least))) for steps in wanted}))
