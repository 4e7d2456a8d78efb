"""A soft average of ridge regressions that differ in lookback, centre, scale, intercept and penalty.

Each is fitted on the training windows and weighs by its score on the validation windows; one that is a third worse
than the best weighs next to nothing. Averaging beats picking one: the score of the best is partly luck.
"""

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from lstm_cli.data.dataset import Dataset
from lstm_cli.data.windows import split_windows
from lstm_cli.data.yardstick import Yardstick
from lstm_cli.linear.forecast import Group, Linear, Member
from lstm_cli.linear.regression import PENALTIES, Moments, Rows, Solved, rows_of

FITTED_ROWS = 24_000  # windows x targets that are fitted at most: more cost time and change the fourth digit
SCORED_CELLS = 600_000  # windows x targets x steps that a regression is scored on at most
SOFTNESS = 0.02  # a regression this share worse than the best weighs 1/e of it
LEAST_WEIGHT = 0.005  # of the best one's; less is dropped
RESPONSE_PENALTY = 1e-3  # times the mean squared input


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
    train, judged = (
        _rows(dataset, split, max(lookbacks), window, unit, response, most)
        for split, most in (("train", FITTED_ROWS), ("val", SCORED_CELLS // dataset.schema.horizon))
    )
    score = _Score(dataset, judged, unit)
    solved: dict[Group, Solved] = {}
    scores: dict[tuple[Group, float], float] = {}

    def fit(kind: tuple[str, bool]) -> None:
        moments = Moments.of(train, *kind)
        for lookback, intercept in itertools.product(lookbacks, (True, False)):
            group = (*kind, intercept, lookback)
            solved[group] = moments.solved(lookback, intercept=intercept, season=dataset.schema.season)
            forecasts = solved[group].forecasts(judged, *kind)
            scores.update(
                {
                    (group, penalty): score(forecast)
                    for penalty, forecast in zip(PENALTIES, forecasts, strict=True)
                }
            )

    _side_by_side(fit, itertools.product(("last", "mean"), (False, True)), workers)
    linear = _summed(_members(scores), solved, unit=unit, window=window, response=response)
    forecast = linear.from_rows(judged.past, judged.mask, judged.mean, judged.deviation)
    return replace(linear, score=score(forecast))


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
    reach = max(member.lookback for member in linear.members)
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
    fitted = _summed(linear.members, solved, unit=linear.unit, window=linear.window, response=response)
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

    def __call__(self, forecast: np.ndarray) -> float:
        """forecast [R, H] in units of the target."""
        error = np.abs(self._measured(forecast) - self._truth)[self._counted]
        return float(error.mean()) if error.size else 0.0

    def _measured(self, values: np.ndarray) -> np.ndarray:
        whole = (values + self._rows.ahead) * self._unit[self._rows.target][:, None]
        return self._yardstick.measured_rows(whole, self._rows.series, self._rows.target)


def _members(scores: dict[tuple[Group, float], float]) -> tuple[Member, ...]:
    """What each regression weighs, by its score; the weights sum to 1."""
    best = max(min(scores.values()), np.finfo(np.float64).tiny)
    raw = {key: float(np.exp(-(score / best - 1) / SOFTNESS)) for key, score in scores.items()}
    kept = {key: weight for key, weight in raw.items() if weight >= LEAST_WEIGHT}
    total = sum(kept.values())
    groups: dict[Group, dict[float, float]] = {}
    for (group, penalty), weight in kept.items():
        groups.setdefault(group, {})[penalty] = weight / total
    return tuple(Member.of(group, penalties) for group, penalties in groups.items())


def _summed(
    members: tuple[Member, ...],
    solved: dict[Group, Solved],
    *,
    unit: np.ndarray,
    window: int,
    response: np.ndarray,
) -> Linear:
    """The members' maps added up into one, which is exact: scaling a window cancels out of all but the intercept."""
    reach = max(member.lookback for member in members)
    horizon = solved[members[0].group].turned.shape[1]
    weights = {center: np.zeros((reach, horizon)) for center in ("last", "mean")}
    bias = {scaled: np.zeros(horizon) for scaled in (False, True)}
    for member in members:
        mapped, intercept = solved[member.group].mixed(member.penalties)
        weights[member.center][-member.lookback :] += mapped
        bias[member.scaled] += intercept
    return Linear(
        last_weights=weights["last"].astype(np.float32),
        mean_weights=weights["mean"].astype(np.float32),
        bias=bias[False].astype(np.float32),
        deviation_bias=bias[True].astype(np.float32),
        share=sum(member.weight for member in members if member.center == "last"),
        window=window,
        unit=unit,
        response=response,
        score=0.0,
        members=members,
    )


def linear_lookbacks(*, lookback: int, rows: int, horizon: int, season: int, fixed: bool) -> tuple[int, ...]:
    """The lookbacks K that regressions may read. rows: training rows of a series (the median)."""
    if fixed:
        return tuple(sorted({max(1, lookback // 2), lookback}))
    least, most = max(4, season), max(4, int(0.45 * (rows - horizon)))
    wanted = {int(lookback * share) for share in (0.5, 1, 1.5, 2, 3)}
    return tuple(sorted({max(1, min(max(steps, least), max(most, least))) for steps in wanted}))
