"""Weights of the parts of a mixture, from their validation forecasts."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.mase_scale import MaseScale
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.evaluation.baselines import naive, seasonal_naive
from lstm_cli.linear.ensemble import refit_linear
from lstm_cli.linear.model import LinearEnsemble
from lstm_cli.linear.validation_blocks import earlier_splits, validation_horizons
from lstm_cli.models.mixture import Mixture
from lstm_cli.training.setup.hyperparameters import MAX_WEIGHT_CELLS, MAX_WEIGHT_ROWS

BLOCKS = 4  # blocks of the horizon; weights are interpolated between their centres
GREEDY_ROUNDS = 20  # rounds of the greedy ensemble
ERROR_POWER = 6  # exponent of the error in `inverse_weights`
PRIOR_HORIZONS = 3.0  # validation horizons at which weights and prior count equally
PRIOR = {"linear": 2.0, "anchored": 1.0, "free": 1.0, "simple": 0.0}  # relative weights without any evidence
LINEAR_KEY = 0  # key of the linear forecast among the seasons of simple forecasts
MAX_EARLIER_BLOCKS = 3  # earlier blocks on which a simple forecast must also be better
MAX_ROWS = 8_000  # windows x targets of the comparison
MAX_CELLS = 6_000_000  # windows x targets x steps, a limit of time for long horizons


def mixture_weights(
    forecasts: np.ndarray, truth: np.ndarray, observed: np.ndarray, *, prior: np.ndarray, horizons: float
) -> np.ndarray:
    """Return the weight of each part at each step ahead, [H, P]; each row sums to 1.

    Half of the weights of a block are a greedy ensemble (Caruana et al. 2004, "Ensemble selection from libraries of
    models"). The other half are inverse powers of the errors. Both are shrunk towards the prior, more so with fewer
    rows.

    Args:
        forecasts: [N, H, C, P], in units in which errors can be compared.
        truth: [N, H, C], in these units.
        observed: [N, H, C] bool, False for missing values.
        prior: [P] weights without any evidence.
        horizons: length of the validation rows in horizons.
    """
    horizon, parts = forecasts.shape[1], forecasts.shape[3]
    edges = np.linspace(0, horizon, min(BLOCKS, horizon) + 1).round().astype(int)
    blocks = []
    for first, after in pairwise(edges):
        measured = observed[:, first:after]
        if not measured.any():
            blocks.append(prior)
            continue
        targets = truth[:, first:after][measured]
        candidates = forecasts[:, first:after][measured]
        blocks.append((greedy_weights(candidates, targets) + inverse_weights(candidates, targets)) / 2)
    centres = (edges[:-1] + edges[1:] - 1) / 2
    table = np.stack(blocks)
    steps = np.arange(horizon)
    weights = np.stack([np.interp(steps, centres, table[:, part]) for part in range(parts)], axis=1)
    trust = horizons / (horizons + PRIOR_HORIZONS)
    return trust * weights + (1 - trust) * prior


def greedy_weights(forecasts: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the share [P] of each part in a greedy ensemble: each round adds the part that lowers the error most.

    forecasts [M, P], truth [M].
    """
    counts = np.zeros(forecasts.shape[1])
    total = np.zeros_like(truth)
    for count in range(1, GREEDY_ROUNDS + 1):
        errors = [np.abs((total + candidate) / count - truth).mean() for candidate in forecasts.T]
        best = int(np.argmin(errors))
        counts[best] += 1
        total += forecasts[:, best]
    return counts / GREEDY_ROUNDS


def inverse_weights(forecasts: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return weights [P] proportional to the mean absolute error to the power of -6.

    forecasts [M, P], truth [M].
    """
    errors = np.abs(forecasts - truth[:, None]).mean(axis=0)
    if (errors == 0).any():
        return (errors == 0) / (errors == 0).sum()
    raw = (errors / errors.min()) ** -ERROR_POWER
    return np.asarray(raw / raw.sum())


def seasonal_naive_part(
    dataset: Dataset,
    linear: LinearEnsemble,
    *,
    workers: int,
    should_stop: Callable[[], int | None] = lambda: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int | None:
    """Return the season of the simple forecast that beats the linear forecast wherever both can be compared; else None.

    1 stands for the last value. The comparison covers the validation rows and several earlier blocks of rows. For each
    block the linear forecast is fitted on the rows before the block. None is the usual result. Validation rows alone
    are not enough, because they may be calm (a timetable without a holiday).

    Args:
        dataset: scaled data.
        linear: linear forecast.
        workers: CPU threads; they do not change the result.
        should_stop: returns the number of a signal to stop at, else None.
        progress: called with the number of finished comparisons and the total.

    Raises:
        Interrupted: `should_stop` returned a signal.
    """
    blocks = earlier_splits(dataset, horizons=np.inf, max_blocks=MAX_EARLIER_BLOCKS)
    errors = _baseline_errors(dataset, linear)
    progress(1, 1 + len(blocks))
    best = min(errors, key=lambda season: errors[season])
    if best == LINEAR_KEY:
        return None
    for done, block in enumerate(blocks, start=2):
        errors = _baseline_errors(
            block, refit_linear(block, linear, workers=workers, should_stop=should_stop)
        )
        progress(done, 1 + len(blocks))
        if errors[best] >= errors[LINEAR_KEY]:
            return None
    return best


def _baseline_errors(dataset: Dataset, linear: LinearEnsemble) -> dict[int, float]:
    """Return the summed validation error of each simple forecast, by season, and of the linear forecast."""
    seasons = (1, *dataset.schema.seasons)
    windows = split_windows(dataset, "val", max(linear.lookback, *seasons))
    mase_scale, targets = MaseScale.from_dataset(dataset), dataset.targets
    totals = dict.fromkeys((LINEAR_KEY, *seasons), 0.0)
    max_rows = min(MAX_ROWS, MAX_CELLS // dataset.schema.horizon)
    sampled = windows.sample(max(1, max_rows // targets))
    for batch in sampled.batches(sampled.batch_size):
        truth = mase_scale.mase_terms(batch.target, batch.series)
        horizon = batch.target.shape[1]
        forecasts = {
            LINEAR_KEY: linear(batch.past, batch.future, batch.mask),
            1: naive(batch.past, horizon, targets),
        }
        for season in dataset.schema.seasons:
            forecasts[season] = seasonal_naive(batch.past, batch.mask, horizon, targets, season)
        for season, forecast in forecasts.items():
            error = np.abs(mase_scale.mase_terms(forecast, batch.series) - truth)
            totals[season] += float(error[batch.observed].sum())
    return totals


def part_weights(dataset: Dataset, network: Mixture, device: torch.device) -> np.ndarray:
    """Return the weights of the parts, [H, P] float32, from their validation forecasts.

    Args:
        dataset: scaled data.
        network: mixture with trained parts.
        device: device that computes the forecasts.
    """
    schema, parts = dataset.schema, network.parts
    windows = split_windows(dataset, "val", network.lookback)
    max_windows = min(MAX_WEIGHT_ROWS, MAX_WEIGHT_CELLS // schema.horizon) // dataset.targets
    windows = windows.sample(max(1, max_windows))
    mase_scale = MaseScale.from_dataset(dataset)
    forecasts, truths, observed = [], [], []
    network.to(device)
    for batch in windows.batches(windows.batch_size):
        inputs = (torch.from_numpy(side).to(device) for side in (batch.past, batch.future, batch.mask))
        part_forecasts = network.part_forecasts(*inputs).cpu().numpy()
        terms = [
            mase_scale.mase_terms(part_forecasts[..., index], batch.series) for index in range(len(parts))
        ]
        forecasts.append(np.stack(terms, axis=-1).astype(np.float32))
        truths.append(mase_scale.mase_terms(batch.target, batch.series).astype(np.float32))
        observed.append(batch.observed)
    network.cpu()
    prior = np.array([PRIOR[part] for part in parts])
    weights = mixture_weights(
        np.concatenate(forecasts),
        np.concatenate(truths),
        np.concatenate(observed),
        prior=prior / prior.sum(),
        horizons=validation_horizons(dataset),
    )
    return weights.astype(np.float32)
