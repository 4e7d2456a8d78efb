"""Ridge regressions of the next H values of a target on its last K; one eigendecomposition serves all penalties."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.windows import Windows
from lstm_cli.linear.model import window_moments

CHUNK_ROWS = 4096  # rows per matrix product
MIN_MEAN_SQUARE = 1e-100  # avoids a division by 0 if all inputs are 0
IMPUTATION_PENALTY = 1e-2  # penalty of the regression that imputes missing targets
IMPUTATION_ROUNDS = 10  # each round multiplies the error of the imputation by the missing share
PENALTIES = tuple(10.0**power for power in range(-6, 3))  # times the mean squared input


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
    """Sums over rows from which all regressions of one centering and scaling follow, float64."""

    squares: np.ndarray  # [K, K]
    products: np.ndarray  # [K, H]
    inputs: np.ndarray  # [K] mean
    outputs: np.ndarray  # [H] mean
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

    def solve(self, lookback: int, *, intercept: bool, season: int) -> "RidgeSolution":
        """Return the regressions on the last `lookback` values.

        The penalty grows with the lag as 1 + lag / season, so older values get smaller weights (Hoerl and Kennard
        1970, "Ridge regression", in its generalized form).

        Args:
            lookback: number of values that are read.
            intercept: fit an intercept.
            season: steps in a season.
        """
        squares, products = self.squares[-lookback:, -lookback:], self.products[-lookback:]
        inputs, outputs = self.inputs[-lookback:], self.outputs
        if intercept:
            squares = squares - self.count * np.outer(inputs, inputs)
            products = products - self.count * np.outer(inputs, outputs)
        trust = 1 / (1 + np.arange(lookback, 0, -1) / season)
        trust = np.sqrt(trust / trust.mean())
        values, vectors = np.linalg.eigh(squares * np.outer(trust, trust))
        values = values.clip(min=0)
        return RidgeSolution(
            vectors=trust[:, None] * vectors,
            values=values,
            rotated=vectors.T @ (trust[:, None] * products),
            size=max(float(values.mean()), MIN_MEAN_SQUARE),
            inputs=inputs if intercept else np.zeros_like(inputs),
            outputs=outputs if intercept else np.zeros_like(outputs),
        )


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
    for first in range(0, count, CHUNK_ROWS):
        chunk = rows.select(indices[first : first + CHUNK_ROWS])
        inputs, outputs = (side.astype(np.float64) for side in chunk.centered(center, scaled)[:2])
        if imputation is not None:
            outputs = np.where(chunk.observed, outputs, inputs @ imputation)
        squares += inputs.T @ inputs
        products += inputs.T @ outputs
        input_sum += inputs.sum(axis=0)
        output_sum += outputs.sum(axis=0)
    return NormalEquations(
        squares=squares, products=products, inputs=input_sum / count, outputs=output_sum / count, count=count
    )


@dataclass(frozen=True, kw_only=True)
class RidgeSolution:
    """Regressions of one group, for all penalties."""

    vectors: np.ndarray  # [K, K]
    values: np.ndarray  # [K]
    rotated: np.ndarray  # [K, H]
    size: float  # mean squared input, the unit of penalties
    inputs: np.ndarray  # [K] subtracted from the inputs
    outputs: np.ndarray  # [H] added to the outputs

    def forecasts(self, rows: WindowRows, center: str, scaled: bool) -> Iterator[np.ndarray]:
        """Yield for each penalty the forecast [R, H] of the rows, in units of the target, float32.

        Args:
            rows: windows as rows.
            center: `last` or `mean`.
            scaled: windows were divided by their deviation.
        """
        inputs, _, middle, scale = rows.centered(center, scaled)
        rotated = (inputs[:, -len(self.inputs) :] - self.inputs.astype(np.float32)) @ self.vectors.astype(
            np.float32
        )
        for penalty in PENALTIES:
            shrunk = self.rotated / (self.values + penalty * self.size)[:, None]
            yield (rotated @ shrunk.astype(np.float32) + self.outputs.astype(np.float32)) * scale + middle

    def combine(self, penalties: dict[float, float]) -> tuple[np.ndarray, np.ndarray]:
        """Return the weighted sum of the regressions: weights [K, H] and intercept [H]."""
        shrunk = sum(weight / (self.values + penalty * self.size) for penalty, weight in penalties.items())
        weights = self.vectors @ (np.asarray(shrunk)[:, None] * self.rotated)
        return weights, sum(penalties.values()) * self.outputs - self.inputs @ weights
