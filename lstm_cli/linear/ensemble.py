"""Weighted average of linear maps: ridge regressions, seasonal means, exponential smoothing and the last value.

The weight of a map depends on its score on the validation windows. Maps of one family are averaged first, then the
families, so that hundreds of regressions do not outvote the others. An average is better than the best map, because
the best score is partly luck. Of the maps without a fit, seasonal means are always used, the others only if regressions
have few training windows. If the validation rows span few horizons, earlier blocks of rows are scored too, each by maps
fitted on the rows before it.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import MAX_LOOKBACK, split_windows
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.linear.exponential_smoothing import Smoothing, seasonal_means, smoothings
from lstm_cli.linear.model import LinearEnsemble
from lstm_cli.linear.ridge import NormalEquations
from lstm_cli.linear.validation_blocks import (
    MAX_FIT_ROWS,
    Map,
    Solutions,
    ValidationBlock,
    count_fits,
    earlier_splits,
    map_single_threaded_blas,
    pooled_score,
    rows_of_split,
    sum_maps,
    validation_horizons,
)

# A map has 1/e of the best weight of its family at this relative score difference:
# BASE_SOFTNESS + SOFTNESS_PER_HORIZON / scored horizons.
BASE_SOFTNESS, SOFTNESS_PER_HORIZON = 0.01, 0.4
FAMILY_SOFTNESS = 0.2  # relative score difference at which a family has 1/e of the best weight
MIN_SCORE = 1e-100  # divisor in place of a score of 0
MIN_WEIGHT = 0.005  # share of the best weight; maps with less are dropped
RESPONSE_PENALTY = 1e-3  # times the mean squared input
MIN_MEANS_WEIGHT = (
    0.05  # the same for seasonal means on long data: with less they are far worse than regressions
)
ENOUGH_ROWS = 2_000  # training windows x targets from which only seasonal means join the regressions


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
    """Fit the maps on the training windows and weight them by their validation scores.

    Args:
        dataset: scaled data.
        lookbacks: numbers of values K that the regressions may read.
        window: steps whose mean and deviation centre and scale the regressions.
        covariates: use known-ahead inputs.
        workers: CPU threads; they do not change the result.
        should_stop: asked before every regression; returns the number of a signal to stop at, else None.
        progress: called with the number of finished fits and the total.

    Raises:
        Interrupted: `should_stop` returned a signal.
    """
    unit = target_units(dataset)
    response = known_ahead_response(dataset) if covariates else np.zeros((0, len(unit)), dtype=np.float32)
    windows = len(split_windows(dataset, "train", max(lookbacks))) * len(unit)
    fixed_maps, min_family_weight = (
        (smoothings, MIN_WEIGHT) if windows < ENOUGH_ROWS else (seasonal_means, MIN_MEANS_WEIGHT)
    )
    fixed = fixed_maps(dataset.schema.seasons, max(lookbacks))
    data = (dataset, *earlier_splits(dataset))
    done, total = itertools.count(1), len(data) * count_fits(lookbacks)
    progress(0, total)
    blocks = [
        ValidationBlock.fit(
            block_data,
            lookbacks=lookbacks,
            window=window,
            unit=unit,
            response=response,
            workers=workers,
            should_stop=should_stop,
            on_fit=lambda: progress(next(done), total),
        )
        for block_data in data
    ]
    maps: tuple[Map, ...] = (*blocks[0].scores, *fixed)
    scores = {entry: pooled_score(blocks, {entry: 1.0}) for entry in maps}
    softness = BASE_SOFTNESS + SOFTNESS_PER_HORIZON / max(
        1.0, len(blocks) * validation_horizons(dataset)
    )  # more scored horizons: less noise
    families = [
        _soft_weights({entry: scores[entry] for entry in family}, softness)
        for family in _group_families(scores)
    ]
    means = {index: pooled_score(blocks, weights) for index, weights in enumerate(families)}
    weights = {
        entry: share * weight
        for index, share in _soft_weights(means, FAMILY_SOFTNESS, min_family_weight).items()
        for entry, weight in families[index].items()
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
    """Refit the coefficients of the members on the training rows; the members and their mixing weights stay.

    Args:
        dataset: data with the rows to fit.
        linear: ensemble whose members and weights are kept.
        workers: CPU threads; they do not change the result.
        should_stop: asked before every regression; returns the number of a signal to stop at, else None.
        progress: called with the number of finished fits and the total.

    Raises:
        Interrupted: `should_stop` returned a signal.
    """
    response = known_ahead_response(dataset) if len(linear.response) else linear.response
    reach = max((member.lookback for member in linear.members), default=1)
    rows = rows_of_split(dataset, "train", reach, linear.window, linear.unit, response, MAX_FIT_ROWS)
    solutions: Solutions = {}
    penalties: dict[tuple[str, bool], dict[int, set[float]]] = {}  # by kind and lookback
    for member in linear.members:
        kind = (member.center, member.scaled)
        penalties.setdefault(kind, {}).setdefault(member.lookback, set()).update(member.penalties)
    done, total = itertools.count(1), sum(len(lookbacks) for lookbacks in penalties.values())
    progress(0, total)

    def fit(kind: tuple[str, bool]) -> None:
        equations = NormalEquations.from_rows(rows, *kind)
        for lookback, used in penalties[kind].items():
            raise_if_interrupted(should_stop)
            solutions[*kind, lookback] = equations.solve(
                lookback, season=dataset.schema.season, penalties=used
            )
            progress(next(done), total)

    map_single_threaded_blas(fit, penalties, workers)
    fitted = sum_maps(
        linear.members,
        dict(linear.smoothed),
        solutions,
        reach=len(linear.last_weights),
        horizon=len(linear.bias),
        unit=linear.unit,
        window=linear.window,
        response=response,
    )
    return replace(fitted, score=linear.score)


def _group_families(scores: Iterable[Map]) -> list[list[Map]]:
    """Return the maps by kind: the regressions, and each family of maps without a fit."""
    families: dict[str, list[Map]] = {}
    for linear_map in scores:
        families.setdefault(linear_map.family if isinstance(linear_map, Smoothing) else "ridge", []).append(
            linear_map
        )
    return list(families.values())


_Key = TypeVar("_Key")


def _soft_weights(
    scores: Mapping[_Key, float], softness: float, min_weight: float = MIN_WEIGHT
) -> dict[_Key, float]:
    """Return weights that fall exponentially with the relative score; they sum to 1.

    Args:
        scores: score of each map or family.
        softness: relative score difference at which the weight is 1/e of the best.
        min_weight: share of the best weight; less is dropped.
    """
    best = max(min(scores.values()), MIN_SCORE)
    raw = {key: float(np.exp(-(score / best - 1) / softness)) for key, score in scores.items()}
    kept = {key: weight for key, weight in raw.items() if weight >= min_weight}
    total = sum(kept.values())
    return {key: weight / total for key, weight in kept.items()}


def target_units(dataset: Dataset) -> np.ndarray:
    """Return the typical size of a scaled value of each target in the training rows, [C] float32."""
    targets, table = dataset.targets, dataset.series
    deviations = [
        dataset.values_scaled[begin : begin + rows, :targets].std(
            axis=0, dtype=np.float64, where=_measured_or_all(dataset.measured[begin : begin + rows, :targets])
        )
        for begin, rows in zip(table.offset, table.train_end, strict=True)
    ]
    unit = np.mean(deviations, axis=0)
    return np.where(unit > 0, unit, 1.0).astype(np.float32)


def _measured_or_all(measured: np.ndarray) -> np.ndarray:
    """Return measured [T, C], with everything True for a target without any measured value."""
    return measured | ~measured.any(axis=0)


def known_ahead_response(dataset: Dataset) -> np.ndarray:
    """Return the effect of each known-ahead input on each target, both scaled, [A, C] float32.

    The fit is a ridge regression of the target's change over one season on the inputs' change, over the measured
    training rows of all series. Changes over a season remove what the season explains.
    """
    targets, ahead, table = dataset.targets, dataset.schema.known_ahead, dataset.series
    season = dataset.schema.season
    squares, products = np.zeros((ahead, ahead)), np.zeros((ahead, targets))
    for index, begin in enumerate(table.offset):
        inputs = dataset.training_inputs(index).astype(np.float64)
        measured = dataset.measured[begin : begin + len(inputs), :targets]
        change = inputs[season:] - inputs[:-season]
        known = change[:, -ahead:]
        targets_change = np.where(measured[season:] & measured[:-season], change[:, :targets], 0.0)
        squares += known.T @ known
        products += known.T @ targets_change
    size = max(float(np.trace(squares)) / ahead, np.finfo(np.float64).tiny)
    return np.linalg.solve(squares + RESPONSE_PENALTY * size * np.eye(ahead), products).astype(np.float32)


def linear_lookbacks(*, lookback: int, rows: int, horizon: int, season: int, fixed: bool) -> tuple[int, ...]:
    """Return the lookbacks K that regressions may read: from half the lookback to three times it.

    Args:
        lookback: lookback of the dataset, in steps.
        rows: median number of training rows per series.
        horizon: steps ahead.
        season: steps in a season.
        fixed: the user chose the lookback; otherwise no K exceeds the automatic maximum.
    """
    if fixed:
        return tuple(sorted({max(1, lookback // 2), lookback}))
    min_lookback = min(max(4, season), MAX_LOOKBACK)
    max_lookback = min(max(4, int(0.45 * (rows - horizon))), MAX_LOOKBACK)
    candidates = {int(lookback * share) for share in (0.5, 1, 1.5, 2, 3)}
    return tuple(
        sorted(
            {max(1, min(max(steps, min_lookback), max(max_lookback, min_lookback))) for steps in candidates}
        )
    )
