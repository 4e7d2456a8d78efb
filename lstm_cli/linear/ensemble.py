"""A soft average of linear maps: ridge regressions of many kinds, exponential smoothing, the last value and season.

Each weighs by its score on the validation windows. Maps of one family are averaged first, families then: that
there are hundreds of regressions says nothing for them. Averaging beats picking one, since the score of the best
is partly luck; maps that need no fit join only where regressions have few windows to learn from, and where
validation holds few horizons, blocks of rows before it are scored too, each by maps fitted on
what lies before.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from lstm_cli.data.dataset import Dataset
from lstm_cli.data.windows import split_windows
from lstm_cli.data.yardstick import Yardstick
from lstm_cli.linear.forecast import Group, Linear, Member
from lstm_cli.linear.regression import PENALTIES, Moments, Rows, Solved, rows_of
from lstm_cli.linear.smoothing import Smoothing, smoothings

FITTED_ROWS = 24_000  # windows x targets that are fitted at most: more cost time and change the fourth digit
SCORED_CELLS = 600_000  # windows x targets x steps that a map is scored on at most
# A map weighs 1/e of the best of its family where it is worse by this share: SHARP + SOFT / horizons scored.
SHARP, SOFT = 0.01, 0.4
FAMILY_SOFTNESS = 0.2  # the same of families
FLAWLESS = 1e-100  # a score of 0, to be divided by
LEAST_WEIGHT = 0.005  # of the best one's; less is dropped
RESPONSE_PENALTY = 1e-3  # times the mean squared input
LEARNT = 2_000  # training windows x targets from which on regressions alone do better
EVIDENCE = 16.0  # horizons that are scored, where the rows allow
MOST_BLOCKS = 6  # before the validation rows

Ridge = tuple[Group, float]  # a regression: its group and its penalty
Map = Ridge | Smoothing


def fit_linear(
    dataset: Dataset,
    *,
    lookbacks: tuple[int, ...],
    window: int,
    covariates: bool = False,
    workers: int = 1,
) -> Linear:
    """Fits the average on the training windows and weighs it by the validation windows.

    lookbacks: the numbers of values K that regressions may read; window: the steps whose mean and deviation
    centre and scale them; covariates: known-ahead inputs take part; workers: CPU threads, which do not change
    the result.
    """
    unit = units(dataset)
    response = known_ahead_response(dataset) if covariates else np.zeros((0, len(unit)), dtype=np.float32)
    windows = len(split_windows(dataset, "train", max(lookbacks))) * len(unit)
    fixed = smoothings(dataset.schema.seasons, max(lookbacks)) if windows < LEARNT else []
    blocks = [
        _Block.fitted(one, lookbacks=lookbacks, window=window, unit=unit, response=response, workers=workers)
        for one in (dataset, *earlier(dataset))
    ]
    scores: dict[Map, float] = {}
    maps: tuple[Map, ...] = (*blocks[0].scores, *fixed)
    for one in maps:
        found = [
            (block.scores[one] if isinstance(one, tuple) else block.score_of({one: 1.0}), block.count)
            for block in blocks
        ]
        scores[one] = sum(score * count for score, count in found) / max(sum(count for _, count in found), 1)
    softness = SHARP + SOFT / max(1.0, len(blocks) * held(dataset))  # chance decides less the more is scored
    families = [_softly({one: scores[one] for one in family}, softness) for family in _families(scores)]
    evidence = sum(block.count for block in blocks)
    means = {
        place: sum(block.score_of(weights) * block.count for block in blocks) / max(evidence, 1)
        for place, weights in enumerate(families)
    }
    weights = {
        one: share * weight
        for place, share in _softly(means, FAMILY_SOFTNESS).items()
        for one, weight in families[place].items()
    }
    linear = blocks[0].summed(weights)
    return replace(linear, score=blocks[0].score_of(weights))


def earlier(dataset: Dataset) -> list[Dataset]:
    """The data as they stood one, two, ... validation lengths before, newest first.

    As many as it takes to have `EVIDENCE` horizons of validation rows in all, while half of the training rows
    are left; none where validation holds that much by itself.
    """
    table, horizon = dataset.series, dataset.schema.horizon
    length = table.val_end - table.train_end
    found: list[Dataset] = []
    while (1 + len(found)) * held(dataset) < EVIDENCE and len(found) < MOST_BLOCKS:
        back = (1 + len(found)) * length
        shifted = replace(table, train_end=table.train_end - back, val_end=table.val_end - back)
        if np.median(shifted.train_end) < max(0.5 * np.median(table.train_end), 2 * horizon):
            break
        one = replace(dataset, series=shifted)
        if not len(split_windows(one, "train")) or not len(split_windows(one, "val")):
            break
        found.append(one)
    return found


def held(dataset: Dataset) -> float:
    """How many horizons the validation rows of all series hold."""
    return float((dataset.series.val_end - dataset.series.train_end).sum()) / dataset.schema.horizon


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


@dataclass(frozen=True, kw_only=True)
class _Block:
    """The regressions fitted on what lies before a block of rows, and the scores on that block."""

    solved: dict[Group, Solved]
    scores: dict[Ridge, float]
    judged: Rows
    score: "_Score"
    window: int
    unit: np.ndarray
    response: np.ndarray

    @staticmethod
    def fitted(
        dataset: Dataset,
        *,
        lookbacks: tuple[int, ...],
        window: int,
        unit: np.ndarray,
        response: np.ndarray,
        workers: int,
    ) -> "_Block":
        train, judged = (
            _rows(dataset, split, max(lookbacks), window, unit, response, most)
            for split, most in (("train", FITTED_ROWS), ("val", SCORED_CELLS // dataset.schema.horizon))
        )
        score = _Score(dataset, judged, unit)
        solved: dict[Group, Solved] = {}
        scores: dict[Ridge, float] = {}

        def fit(kind: tuple[str, bool]) -> None:
            moments = Moments.of(train, *kind)
            for lookback, intercept in itertools.product(lookbacks, (True, False)):
                group = (*kind, intercept, lookback)
                solved[group] = moments.solved(lookback, intercept=intercept, season=dataset.schema.season)
                forecasts = solved[group].forecasts(judged, *kind)
                for penalty, forecast in zip(PENALTIES, forecasts, strict=True):
                    scores[group, penalty] = score(forecast)

        _side_by_side(fit, itertools.product(("last", "mean"), (False, True)), workers)
        return _Block(
            solved=solved,
            scores=dict(sorted(scores.items())),  # threads may have ended in any order
            judged=judged,
            score=score,
            window=window,
            unit=unit,
            response=response,
        )

    @property
    def count(self) -> int:
        """The cells that were scored."""
        return self.score.count

    def summed(self, weights: Mapping[Map, float]) -> Linear:
        return _summed(
            members_of(weights),
            {one: weight for one, weight in weights.items() if isinstance(one, Smoothing)},
            self.solved,
            reach=self.judged.past.shape[1],
            horizon=self.judged.truth.shape[1],
            unit=self.unit,
            window=self.window,
            response=self.response,
        )

    def score_of(self, weights: Mapping[Map, float]) -> float:
        judged = self.judged
        return self.score(
            self.summed(weights).from_rows(judged.past, judged.mask, judged.mean, judged.deviation)
        )


def _side_by_side(
    fit: Callable[[tuple[str, bool]], None], kinds: Iterable[tuple[str, bool]], workers: int
) -> None:
    """Calls `fit` for every kind, each on one thread.

    One thread each, since OpenBLAS with several waits by spinning: on a machine with other work, an
    eigendecomposition then takes ten times as long, and alone it gains next to nothing.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(fit, kinds))


def refit_linear(dataset: Dataset, linear: Linear, *, workers: int = 1) -> Linear:
    """The same average, its members and their weights kept, fitted anew on the dataset's training rows."""
    response = known_ahead_response(dataset) if len(linear.response) else linear.response
    reach = max((member.lookback for member in linear.members), default=1)
    rows = _rows(dataset, "train", reach, linear.window, linear.unit, response, FITTED_ROWS)
    solved: dict[Group, Solved] = {}

    def fit(kind: tuple[str, bool]) -> None:
        moments = Moments.of(rows, *kind)
        for member in linear.members:
            if (member.center, member.scaled) == kind:
                solved[member.group] = moments.solved(
                    member.lookback, intercept=member.intercept, season=dataset.schema.season
                )

    _side_by_side(fit, {(member.center, member.scaled) for member in linear.members}, workers)
    fitted = _summed(
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


def units(dataset: Dataset) -> np.ndarray:
    """[C] float32: the typical size of a scaled value of each target, by its training rows."""
    targets, table = dataset.targets, dataset.series
    spread = [
        dataset.values_scaled[begin : begin + rows, :targets].std(axis=0, dtype=np.float64)
        for begin, rows in zip(table.offset, table.train_end, strict=True)
    ]
    unit = np.mean(spread, axis=0)
    return np.where(unit > 0, unit, 1.0).astype(np.float32)


def known_ahead_response(dataset: Dataset) -> np.ndarray:
    """[A, C] float32: what one more of each known-ahead input adds to each target, both scaled.

    A ridge regression of the change over one season on the inputs' change, over the measured training rows of
    all series: what the season explains by itself is gone from both.
    """
    targets, ahead, table = dataset.targets, dataset.schema.known_ahead, dataset.series
    season = dataset.schema.season
    squares, products = np.zeros((ahead, ahead)), np.zeros((ahead, targets))
    for begin, rows in zip(table.offset, table.train_end, strict=True):
        inputs = dataset.inputs[begin : begin + rows].astype(np.float64)
        measured = dataset.measured[begin : begin + rows, :targets]
        change = inputs[season:] - inputs[:-season]
        known = change[:, -ahead:]
        wanted = np.where(measured[season:] & measured[:-season], change[:, :targets], 0.0)
        squares += known.T @ known
        products += known.T @ wanted
    size = max(float(np.trace(squares)) / ahead, np.finfo(np.float64).tiny)
    return np.linalg.solve(squares + RESPONSE_PENALTY * size * np.eye(ahead), products).astype(np.float32)


def _rows(
    dataset: Dataset,
    split: str,
    lookback: int,
    window: int,
    unit: np.ndarray,
    response: np.ndarray,
    most: int,
) -> Rows:
    windows = split_windows(dataset, split, max(lookback, window))
    return rows_of(windows.every(max(1, most // len(unit))), unit=unit, window=window, response=response)


class _Score:
    """The mean error of forecasts of rows, by the yardstick; only measured targets count."""

    def __init__(self, dataset: Dataset, rows: Rows, unit: np.ndarray) -> None:
        self._yardstick, self._rows, self._unit = Yardstick.of(dataset), rows, unit
        self._truth = self._measured(rows.truth)
        weighed = self._yardstick.weight[rows.series, rows.target] > 0
        self._counted = rows.observed & weighed[:, None]
        self.count = int(self._counted.sum())

    def __call__(self, forecast: np.ndarray) -> float:
        """forecast [R, H] in units of the target."""
        error = np.abs(self._measured(forecast) - self._truth)[self._counted]
        return float(error.mean()) if error.size else 0.0

    def _measured(self, values: np.ndarray) -> np.ndarray:
        whole = (values + self._rows.ahead) * self._unit[self._rows.target][:, None]
        return self._yardstick.measured_rows(whole, self._rows.series, self._rows.target)


def members_of(weights: Mapping[Map, float]) -> tuple[Member, ...]:
    """The regressions among the maps, those together that differ in their penalty alone."""
    groups: dict[Group, dict[float, float]] = {}
    for one, weight in weights.items():
        if isinstance(one, tuple):
            group, penalty = one
            groups.setdefault(group, {})[penalty] = weight
    return tuple(Member.of(group, penalties) for group, penalties in groups.items())


def _summed(
    members: tuple[Member, ...],
    smoothed: Mapping[Smoothing, float],
    solved: dict[Group, Solved],
    *,
    reach: int,
    horizon: int,
    unit: np.ndarray,
    window: int,
    response: np.ndarray,
) -> Linear:
    """The maps added up into one, which is exact: scaling a window cancels out of all but the intercept."""
    weights = {center: np.zeros((reach, horizon)) for center in ("last", "mean")}
    bias = {scaled: np.zeros(horizon) for scaled in (False, True)}
    for member in members:
        mapped, intercept = solved[member.group].mixed(member.penalties)
        weights[member.center][-member.lookback :] += mapped
        bias[member.scaled] += intercept
    for one, weight in smoothed.items():
        weights["last"] += weight * one.weights(reach, horizon)
    centred = sum(member.weight for member in members if member.center == "last") + sum(smoothed.values())
    return Linear(
        last_weights=weights["last"].astype(np.float32),
        mean_weights=weights["mean"].astype(np.float32),
        bias=bias[False].astype(np.float32),
        deviation_bias=bias[True].astype(np.float32),
        share=centred,
        window=window,
        unit=unit,
        response=response,
        score=0.0,
        members=members,
        smoothed=tuple(smoothed.items()),
    )


def linear_lookbacks(*, lookback: int, rows: int, horizon: int, season: int, fixed: bool) -> tuple[int, ...]:
    """The lookbacks K that regressions may read. rows: training rows of a series (the median)."""
    if fixed:
        return tuple(sorted({max(1, lookback // 2), lookback}))
    least, most = max(4, season), max(4, int(0.45 * (rows - horizon)))
    wanted = {int(lookback * share) for share in (0.5, 1, 1.5, 2, 3)}
    return tuple(sorted({max(1, min(max(steps, least), max(most, least))) for steps in wanted}))
