"""Blocks of rows that score linear maps, each by regressions fitted on the rows before the block."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset, Schema, SeriesTable
from lstm_cli.data.dataset.mase_scale import MaseScale
from lstm_cli.data.dataset.panel_times import PanelSplits
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.data.parallel import ordered_map
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.linear.exponential_smoothing import Smoothing
from lstm_cli.linear.model import Group, LinearEnsemble, RidgeGroup
from lstm_cli.linear.ridge import NormalEquations, Regression, WindowRows, window_rows

MAX_FIT_ROWS = 24_000  # windows x targets of a fit; 12,000 raise the error of M4 hourly by 3 %
MAX_SCORED_CELLS = 200_000  # windows x targets x steps of a score
ENOUGH_HORIZONS = 16.0  # horizons that are scored if there are enough rows
MAX_BLOCKS = 6  # blocks before the validation rows

# Kinds of regressions: center, scaled. All four combinations take twice the time and raise the mean error by .3 %.
KINDS = (("last", True), ("mean", False))

Ridge = tuple[Group, float]  # group and penalty of a regression
Solutions = dict[tuple[str, bool, int], dict[float, Regression]]  # by center, scaled and lookback; by penalty
Map = Ridge | Smoothing


@dataclass(frozen=True, kw_only=True)
class ValidationBlock:
    """Regressions fitted on the rows before a block, and their scores on the block."""

    solutions: Solutions
    scores: dict[Ridge, float]
    val_rows: WindowRows
    score: "_Score"
    window: int
    unit: np.ndarray
    response: np.ndarray

    @staticmethod
    def fit(
        dataset: Dataset,
        *,
        lookbacks: tuple[int, ...],
        window: int,
        unit: np.ndarray,
        response: np.ndarray,
        workers: int,
        should_stop: Callable[[], int | None],
        on_fit: Callable[[], None],
    ) -> "ValidationBlock":
        """Fit regressions to a dataset's training rows and score them on its validation rows.

        Args:
            dataset: scaled data.
            lookbacks: numbers of values K that the regressions may read.
            window: steps whose mean and deviation centre and scale the regressions.
            unit: [C] typical size of a scaled value.
            response: [A, C] effect of the known-ahead inputs.
            workers: CPU threads; they do not change the result.
            should_stop: returns the number of a signal to stop at, else None.
            on_fit: called after the regressions of one kind and lookback; `count_fits` is their number.

        Raises:
            Interrupted: `should_stop` returned a signal.
        """
        raise_if_interrupted(should_stop)
        train, val_rows = (
            rows_of_split(dataset, split, max(lookbacks), window, unit, response, max_rows)
            for split, max_rows in (
                ("train", MAX_FIT_ROWS),
                ("val", MAX_SCORED_CELLS // dataset.schema.horizon),
            )
        )
        score = _Score(dataset, val_rows, unit)
        solutions: Solutions = {}
        scores: dict[Ridge, float] = {}

        def fit(kind: tuple[str, bool]) -> None:
            equations = NormalEquations.from_rows(train, *kind)
            inputs, _, center, scale = val_rows.centered(*kind)
            for lookback in lookbacks:
                raise_if_interrupted(should_stop)
                solved = equations.solve(lookback, season=dataset.schema.season)
                solutions[*kind, lookback] = solved
                for penalty, regression in solved.items():
                    plain, with_intercept = regression.forecasts(inputs[:, -lookback:])
                    scores[(*kind, False, lookback), penalty] = score(plain * scale + center)
                    scores[(*kind, True, lookback), penalty] = score(with_intercept * scale + center)
                on_fit()

        map_single_threaded_blas(fit, KINDS, workers)
        return ValidationBlock(
            solutions=solutions,
            scores=dict(sorted(scores.items())),  # threads may end in any order
            val_rows=val_rows,
            score=score,
            window=window,
            unit=unit,
            response=response,
        )

    @property
    def count(self) -> int:
        """Return the number of scored values."""
        return self.score.count

    def combine(self, weights: Mapping[Map, float]) -> LinearEnsemble:
        return sum_maps(
            ridge_groups(weights),
            {
                linear_map: weight
                for linear_map, weight in weights.items()
                if isinstance(linear_map, Smoothing)
            },
            self.solutions,
            reach=self.val_rows.past.shape[1],
            horizon=self.val_rows.truth.shape[1],
            unit=self.unit,
            window=self.window,
            response=self.response,
        )

    def score_of(self, weights: Mapping[Map, float]) -> float:
        """Return the score of a weighted sum of maps."""
        if len(weights) == 1:
            ((linear_map, weight),) = weights.items()
            if isinstance(linear_map, tuple) and weight == 1:
                return self.scores[linear_map]
        val_rows = self.val_rows
        return self.score(
            self.combine(weights).forecast_rows(
                val_rows.past, val_rows.mask, val_rows.mean, val_rows.deviation
            )
        )


def count_fits(lookbacks: Sequence[int]) -> int:
    """Return the number of kinds and lookbacks of the regressions in a block."""
    return len(KINDS) * len(lookbacks)


def pooled_score(blocks: Sequence[ValidationBlock], weights: Mapping[Map, float]) -> float:
    """Return the score of a weighted sum of maps over all blocks; each scored value has the same weight."""
    scored = sum(block.count for block in blocks)
    return sum(block.score_of(weights) * block.count for block in blocks) / max(scored, 1)


def earlier_splits(
    dataset: Dataset, *, horizons: float = ENOUGH_HORIZONS, max_blocks: int = MAX_BLOCKS
) -> list[Dataset]:
    """Return the dataset with splits moved back by one, two, ... validation lengths, newest first.

    There are no splits if validation is long enough itself. At least half of the training rows remain.

    Args:
        dataset: scaled data.
        horizons: validation horizons that are enough in all.
        max_blocks: largest number of splits.
    """
    splits: list[Dataset] = []
    for table in shift_splits(dataset.schema, dataset.series, horizons=horizons, max_blocks=max_blocks):
        earlier = replace(dataset, series=table)
        if not len(split_windows(earlier, "train")) or not len(split_windows(earlier, "val")):
            break
        splits.append(earlier)
    return splits


def shift_splits(
    schema: Schema, table: SeriesTable, *, horizons: float, max_blocks: int
) -> list[SeriesTable]:
    """Return the splits of `earlier_splits`, even if they have no windows.

    A panel that is split at one time stays split at one time.

    Args:
        schema: schema of the data.
        table: splits of the series.
        horizons: validation horizons that are enough in all.
        max_blocks: largest number of splits.
    """
    panel, horizon = PanelSplits.from_splits(schema, table), schema.horizon
    shifted_tables: list[SeriesTable] = []
    while (1 + len(shifted_tables)) * _horizons(table, horizon) < horizons and len(
        shifted_tables
    ) < max_blocks:
        shifted = _move_back(table, panel, lengths=1 + len(shifted_tables))
        if np.median(shifted.train_end) < max(0.5 * np.median(table.train_end), 2 * horizon):
            break
        shifted_tables.append(shifted)
    return shifted_tables


def _move_back(table: SeriesTable, panel: PanelSplits | None, *, lengths: int) -> SeriesTable:
    """Return the splits, moved back by a number of validation lengths."""
    if panel is None:
        shift = lengths * (table.val_end - table.train_end)
        return replace(table, train_end=table.train_end - shift, val_end=table.val_end - shift)
    steps = lengths * (panel.val_end - panel.train_end)
    train_end, val_end = (panel.times.rows_before(end - steps) for end in (panel.train_end, panel.val_end))
    return replace(table, train_end=train_end, val_end=val_end)


def validation_horizons(dataset: Dataset) -> float:
    """Return the length of the validation rows of all series, in horizons."""
    return _horizons(dataset.series, dataset.schema.horizon)


def _horizons(table: SeriesTable, horizon: int) -> float:
    return float((table.val_end - table.train_end).sum()) / horizon


def map_single_threaded_blas(
    fit: Callable[[tuple[str, bool]], None], kinds: Iterable[tuple[str, bool]], workers: int
) -> None:
    """Call `fit` for every kind, each on one thread.

    OpenBLAS with several threads waits by spinning. On a busy machine a decomposition then takes ten times as long, and
    on an idle one several threads gain almost nothing.

    Args:
        fit: function of a kind (center, scaled).
        kinds: arguments of the calls.
        workers: calls that run at a time.
    """
    import scipy.linalg  # noqa: F401 (the limit holds only for libraries that are loaded, and SciPy has its own BLAS)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        list(ordered_map(fit, kinds, workers=workers, ahead=len(KINDS)))


def rows_of_split(
    dataset: Dataset,
    split: str,
    lookback: int,
    window: int,
    unit: np.ndarray,
    response: np.ndarray,
    max_rows: int,
) -> WindowRows:
    """Return the windows of a split as rows, evenly sampled if there are more than `max_rows`.

    Args:
        dataset: scaled data.
        split: `train`, `val` or `test`.
        lookback: values that the regressions read.
        window: steps whose mean and deviation are computed.
        unit: [C] typical size of a scaled value.
        response: [A, C] effect of the known-ahead inputs.
        max_rows: windows x targets.
    """
    windows = split_windows(dataset, split, max(lookback, window))
    return window_rows(
        windows.sample(max(1, max_rows // len(unit))), unit=unit, window=window, response=response
    )


class _Score:
    """MASE of forecasts of rows; only measured targets count."""

    def __init__(self, dataset: Dataset, rows: WindowRows, unit: np.ndarray) -> None:
        self._mase_scale, self._rows, self._unit = MaseScale.from_dataset(dataset), rows, unit
        self._truth = self._mase_terms(rows.truth)
        weighted = self._mase_scale.weight[rows.series, rows.target] > 0
        self._counted = rows.observed & weighted[:, None]
        self.count = int(self._counted.sum())

    def __call__(self, forecast: np.ndarray) -> float:
        """Return the score of a forecast [R, H] in units of the target."""
        error = np.abs(self._mase_terms(forecast) - self._truth)[self._counted]
        return float(error.mean()) if error.size else 0.0

    def _mase_terms(self, values: np.ndarray) -> np.ndarray:
        whole = (values + self._rows.ahead) * self._unit[self._rows.target][:, None]
        return self._mase_scale.mase_terms_of_rows(whole, self._rows.series, self._rows.target)


def ridge_groups(weights: Mapping[Map, float]) -> tuple[RidgeGroup, ...]:
    """Return the regressions among the maps, grouped if they differ only in their penalty."""
    groups: dict[Group, dict[float, float]] = {}
    for linear_map, weight in weights.items():
        if isinstance(linear_map, tuple):
            group, penalty = linear_map
            groups.setdefault(group, {})[penalty] = weight
    return tuple(RidgeGroup.from_group(group, penalties) for group, penalties in groups.items())


def sum_maps(
    members: tuple[RidgeGroup, ...],
    smoothed: Mapping[Smoothing, float],
    solutions: Solutions,
    *,
    reach: int,
    horizon: int,
    unit: np.ndarray,
    window: int,
    response: np.ndarray,
) -> LinearEnsemble:
    """Return the weighted sum of maps as one map.

    The sum is exact, because the scale of a window affects only the intercept.

    Args:
        members: regressions with their weights.
        smoothed: maps without a fit and their weights.
        solutions: regressions by kind, lookback and penalty.
        reach: K, values that the map reads.
        horizon: H, steps ahead.
        unit: [C] typical size of a scaled value.
        window: steps whose mean and deviation are computed.
        response: [A, C] effect of the known-ahead inputs.
    """
    weights = {center: np.zeros((reach, horizon)) for center in ("last", "mean")}
    bias = {scaled: np.zeros(horizon) for scaled in (False, True)}
    for member in members:
        for penalty, weight in member.penalties.items():
            regression = solutions[member.center, member.scaled, member.lookback][penalty]
            mapped, intercept = regression.as_map(intercept=member.intercept)
            weights[member.center][-member.lookback :] += weight * mapped
            bias[member.scaled] += weight * intercept
    for smoothing, weight in smoothed.items():
        weights["last"] += weight * smoothing.weights(reach, horizon)
    share = sum(member.weight for member in members if member.center == "last") + sum(smoothed.values())
    return LinearEnsemble(
        last_weights=weights["last"].astype(np.float32),
        mean_weights=weights["mean"].astype(np.float32),
        bias=bias[False].astype(np.float32),
        deviation_bias=bias[True].astype(np.float32),
        share=share,
        window=window,
        unit=unit,
        response=response,
        score=0.0,
        members=members,
        smoothed=tuple(smoothed.items()),
    )
