"""Ridge regressions of the next H values of a target on its last K, with and without an intercept."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.windows import Windows
from lstm_cli.linear.model import window_moments
from lstm_cli.linear.overlapping_windows import find_runs, sum_of_squares

CHUNK_ROWS = 4096  # rows per matrix product
MIN_MEAN_SQUARE = 1e-100  # avoids a division by 0 if all inputs are 0
IMPUTATION_PENALTY = 1e-2  # penalty of the regression that imputes missing targets
IMPUTATION_ROUNDS = 10  # each round multiplies the error of the imputation by the missing share
PENALTIES = tuple(10.0**power for power in range(-3, 3))  # times the mean squared input


@dataclass(frozen=True, kw_only=True)
class WindowRows:
    """Windows as rows: each window and target is a row, in units of the target."""

    past: np.ndarray  # [R, K] float32
    mask: np.ndarray  # [R, K] bool, False for padding
    truth: np.ndarray  # [R, H] float32, without the effect of known-ahead inputs
    ahead: np.ndarray  # [R, H] float32, effect of known-ahead inputs
    observed: np.ndarray  # [R, H] bool
    mean: np.ndarray  # [R, 1] of the window
    deviation: np.ndarray  # [R, 1] of the window
    series: np.ndarray  # [R] index of the series
    target: np.ndarray  # [R] index of the target column

    def select(self, indices: np.ndarray) -> "WindowRows":
        """Return the window rows at these indices."""
        return WindowRows(**{name: value[indices] for name, value in vars(self).items()})

    def centered(self, center: str, scaled: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return inputs [R, K], outputs [R, H], center [R, 1], scale [R, 1]; truth = output * scale + center."""
        center_value = self.past[:, -1:] if center == "last" else self.mean
        scale = self.deviation if scaled else np.ones_like(self.deviation)
        return (
            (self.past - center_value) * self.mask / scale,
            (self.truth - center_value) / scale,
            center_value,
            scale,
        )


def window_rows(windows: Windows, *, unit: np.ndarray, window: int, response: np.ndarray) -> WindowRows:
    """Return all windows as rows.

    Args:
        windows: windows of a dataset.
        unit: [C] typical size of a scaled value.
        window: steps whose mean and deviation are computed.
        response: [A, C] effect of the known-ahead inputs.
    """
    targets, horizon = len(unit), windows.dataset.schema.horizon
    count = len(windows) * targets
    rows = WindowRows(
        past=np.empty((count, windows.lookback), dtype=np.float32),
        mask=np.empty((count, windows.lookback), dtype=bool),
        truth=np.empty((count, horizon), dtype=np.float32),
        ahead=np.empty((count, horizon), dtype=np.float32),
        observed=np.empty((count, horizon), dtype=bool),
        mean=np.empty((count, 1), dtype=np.float32),
        deviation=np.empty((count, 1), dtype=np.float32),
        series=np.repeat(windows.series, targets),
        target=np.tile(np.arange(targets), len(windows)),
    )
    first = 0
    for batch in windows.batches(windows.batch_size):
        values, ahead = batch.past[:, :, :targets], np.zeros_like(batch.target)
        if len(response):
            values = values - batch.past[:, :, -len(response) :] @ response
            ahead = batch.future @ response
        mean, deviation = window_moments(values, batch.mask, window, unit)
        block = slice(first, first + len(batch.series) * targets)
        rows.past[block] = _by_target(values / unit)
        rows.mask[block] = np.repeat(batch.mask > 0, targets, axis=0)
        rows.truth[block] = _by_target((batch.target - ahead) / unit)
        rows.ahead[block] = _by_target(ahead / unit)
        rows.observed[block] = _by_target(batch.observed)
        rows.mean[block] = _by_target(mean / unit)
        rows.deviation[block] = _by_target(deviation / unit)
        first = block.stop
    return rows


def _by_target(values: np.ndarray) -> np.ndarray:
    """Return values [B, T, C] as rows [B * C, T]."""
    return np.swapaxes(values, 1, 2).reshape(-1, values.shape[1])


@dataclass(frozen=True, kw_only=True)
class NormalEquations:
    """Sums over rows from which all regressions of one centering and scaling follow, float64.

    float32 would be twice as fast. But if windows repeat, as in a clean season, its rounding errors add up to more
    than the smallest penalty.
    """

    squares: np.ndarray  # [K, K]
    products: np.ndarray  # [K, H]
    inputs: np.ndarray  # [K]
    outputs: np.ndarray  # [H]
    count: int

    @staticmethod
    def from_rows(rows: WindowRows, center: str, scaled: bool) -> "NormalEquations":
        """Return the sums over the rows without missing targets, or over all rows if most have a missing target.

        In the second case a separate regression imputes the missing targets, never the value they were filled with. It
        alternates expectation and maximization (Dempster, Laird and Rubin 1977).

        Args:
            rows: windows as rows.
            center: `last` or `mean`.
            scaled: divide each window by its deviation.
        """
        complete = np.flatnonzero(rows.observed.all(axis=1))
        count = len(rows.observed)
        if 2 * len(complete) >= count:
            return _normal_equations(rows, complete, center, scaled)
        all_rows = np.arange(count)
        imputation = np.zeros((rows.past.shape[1], rows.truth.shape[1]))
        for _ in range(IMPUTATION_ROUNDS):
            equations = _normal_equations(rows, all_rows, center, scaled, imputation)
            size = max(float(np.trace(equations.squares)) / len(equations.squares), MIN_MEAN_SQUARE)
            ridge = IMPUTATION_PENALTY * size * np.eye(len(equations.squares))
            imputation = np.linalg.solve(equations.squares + ridge, equations.products)
        return _normal_equations(rows, all_rows, center, scaled, imputation)

    def solve(
        self, lookback: int, *, season: int, penalties: Iterable[float] = PENALTIES
    ) -> "dict[float, Regression]":
        """Return the regressions on the last `lookback` values, by penalty.

        The penalty grows with the lag as 1 + lag / season, so older values get smaller weights (Hoerl and Kennard
        1970, "Ridge regression", in its generalized form).

        An intercept needs no factorization of its own. By the theorem of Frisch, Waugh and Lovell, it is the
        regression of the outputs on what the inputs leave of a constant 1.

        Args:
            lookback: number of values that are read.
            season: steps in a season.
            penalties: penalties to solve for.
        """
        from scipy.linalg import cho_factor, cho_solve

        squares, inputs = self.squares[-lookback:, -lookback:], self.inputs[-lookback:]
        sides = np.column_stack([self.products[-lookback:], inputs])
        growth = 1 + np.arange(lookback, 0, -1) / season
        growth *= np.mean(1 / growth)
        ridge = growth * max(float(np.mean(np.diagonal(squares) / growth)), MIN_MEAN_SQUARE)
        regressions = {}
        for penalty in penalties:
            penalized = squares.T.copy(order="F")  # the order of LAPACK; the matrix is symmetric
            penalized[np.diag_indices(lookback)] += penalty * ridge
            factor = cho_factor(penalized, overwrite_a=True, check_finite=False)
            solved = cho_solve(factor, sides, check_finite=False)
            weights, constant = solved[:, :-1], solved[:, -1]
            residual = self.count - inputs @ constant  # above 0, because of the penalty
            regressions[penalty] = Regression(
                weights=weights.astype(np.float32),
                constant=constant.astype(np.float32),
                intercept=((self.outputs - inputs @ weights) / residual).astype(np.float32),
            )
        return regressions


def _normal_equations(
    rows: WindowRows, indices: np.ndarray, center: str, scaled: bool, imputation: np.ndarray | None = None
) -> NormalEquations:
    """Return the sums over the rows at these indices.

    imputation [K, H]: the regression whose forecasts replace missing targets.
    """
    reach, horizon = rows.past.shape[1], rows.truth.shape[1]
    sums = (np.zeros((reach, reach)), np.zeros((reach, horizon)), np.zeros(reach), np.zeros(horizon))
    squares, products, input_sum, output_sum = sums
    count = len(indices)
    if not scaled and imputation is None:
        for run, center_value in _runs(rows, indices, center):
            run_squares, run_sum = sum_of_squares(_steps(rows, run), center_value)
            squares += run_squares[:reach, :reach]
            products += run_squares[:reach, reach:]
            input_sum += run_sum[:reach]
            output_sum += run_sum[reach:]
            indices = np.setdiff1d(indices, run, assume_unique=True)
    for first in range(0, len(indices), CHUNK_ROWS):
        chunk = rows.select(indices[first : first + CHUNK_ROWS])
        inputs, outputs = (side.astype(np.float64) for side in chunk.centered(center, scaled)[:2])
        if imputation is not None:
            outputs = np.where(chunk.observed, outputs, inputs @ imputation)
        squares += inputs.T @ inputs
        products += inputs.T @ outputs
        input_sum += inputs.sum(axis=0)
        output_sum += outputs.sum(axis=0)
    return NormalEquations(
        squares=squares, products=products, inputs=input_sum, outputs=output_sum, count=count
    )


def _runs(rows: WindowRows, indices: np.ndarray, center: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows of each run of windows without padding, and the center of each row."""
    whole = indices[rows.mask[indices].all(axis=1)]
    groups = rows.series * (1 + rows.target.max(initial=0)) + rows.target
    for run in find_runs((rows.past, rows.truth), groups, whole):
        yield run, rows.past[run, -1] if center == "last" else rows.mean[run, 0]


def _steps(rows: WindowRows, run: np.ndarray) -> np.ndarray:
    """Return the steps of a run, each once: those of its first window, and the last step of each other window."""
    return np.concatenate([rows.past[run[0]], rows.truth[run[0]], rows.truth[run[1:], -1]])


@dataclass(frozen=True, kw_only=True)
class Regression:
    """Regressions with one penalty, with and without an intercept, float32."""

    weights: np.ndarray  # [K, H] without an intercept
    constant: np.ndarray  # [K] weights of the regression of a constant 1 on the inputs
    intercept: np.ndarray  # [H]

    def forecasts(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the outputs [R, H] for inputs [R, K], without and with an intercept."""
        plain = inputs @ self.weights
        return plain, plain + (1 - inputs @ self.constant)[:, None] * self.intercept

    def as_map(self, *, intercept: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights [K, H] and the intercept [H]."""
        if not intercept:
            return self.weights, np.zeros_like(self.intercept)
        return self.weights - np.outer(self.constant, self.intercept), self.intercept
