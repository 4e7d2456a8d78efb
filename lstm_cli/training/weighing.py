"""Which parts a combination has, and what each weighs, from their validation forecasts."""

import numpy as np
import torch

from lstm_cli.baselines import naive, seasonal_naive
from lstm_cli.data.dataset import Dataset
from lstm_cli.data.windows import split_windows
from lstm_cli.data.yardstick import Yardstick
from lstm_cli.linear.blocks import held
from lstm_cli.linear.forecast import Linear
from lstm_cli.models.combined import Combined
from lstm_cli.training.combination import combination

PRIOR = {"linear": 2.0, "anchored": 1.0, "free": 1.0, "simple": 0.0}  # shares without any evidence
JUDGED_ROWS = 8_000  # windows x targets that the simple forecasts are compared on
WEIGHED_CELLS = 6_000_000  # windows x steps x targets that the weights rest on


def simple_part(dataset: Dataset, linear: Linear) -> int | None:
    """The season of the simple forecast that beats the linear one on the validation rows (1: the last value).

    None where none does, which is usual: as a permanent part it would cost accuracy.
    """
    seasons = (1, *dataset.schema.seasons)
    windows = split_windows(dataset, "val", max(linear.lookback, *seasons))
    yardstick, targets = Yardstick.of(dataset), dataset.targets
    totals = dict.fromkeys((0, *seasons), 0.0)  # 0 stands for the linear forecast
    for batch in windows.every(max(1, JUDGED_ROWS // targets)).batches(512):
        truth = yardstick.measured(batch.target, batch.series)
        horizon = batch.target.shape[1]
        forecasts = {0: linear(batch.past, batch.future, batch.mask), 1: naive(batch.past, horizon, targets)}
        for season in dataset.schema.seasons:
            forecasts[season] = seasonal_naive(batch.past, batch.mask, horizon, targets, season)
        for season, forecast in forecasts.items():
            error = np.abs(yardstick.measured(forecast, batch.series) - truth)
            totals[season] += float(error[batch.observed].sum())
    best = min(totals, key=lambda season: totals[season])
    return best or None


def part_weights(dataset: Dataset, network: Combined, device: torch.device) -> np.ndarray:
    """[H, P] float32, from the validation forecasts of the parts."""
    schema, parts = dataset.schema, network.parts
    windows = split_windows(dataset, "val", network.lookback)
    windows = windows.every(max(1, WEIGHED_CELLS // (schema.horizon * dataset.targets)))
    yardstick = Yardstick.of(dataset)
    forecasts, truths, observed = [], [], []
    network.to(device)
    for batch in windows.batches(512):
        inputs = (torch.from_numpy(side).to(device) for side in (batch.past, batch.future, batch.mask))
        each = network.each(*inputs).cpu().numpy()
        sides = [yardstick.measured(each[..., place], batch.series) for place in range(len(parts))]
        forecasts.append(np.stack(sides, axis=-1).astype(np.float32))
        truths.append(yardstick.measured(batch.target, batch.series).astype(np.float32))
        observed.append(batch.observed)
    network.cpu()
    prior = np.array([PRIOR[part] for part in parts])
    weights = combination(
        np.concatenate(forecasts),
        np.concatenate(truths),
        np.concatenate(observed),
        prior=prior / prior.sum(),
        horizons=held(dataset),
    )
    return weights.astype(np.float32)
