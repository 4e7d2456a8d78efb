"""The weights that combine the parts of a forecast, from their validation forecasts."""

from itertools import pairwise

import numpy as np

BLOCKS = 4  # of the horizon; a weight is interpolated between the blocks' centres
ROUNDS = 20  # of the greedy choice
POWER = 6  # of the error, in the weights by error alone
DOUBT = 3.0  # horizons of validation rows at which weights and prior count alike


def combination(
    forecasts: np.ndarray, truth: np.ndarray, observed: np.ndarray, *, prior: np.ndarray, horizons: float
) -> np.ndarray:
    """The weight of each part at each step ahead: [H, P], each row sums to 1.

    forecasts [N, H, C, P] and truth [N, H, C], in units in which errors may be compared; observed [N, H, C];
    prior [P]: the weights without any evidence; horizons: how many horizons the validation rows hold. Half of
    a block's weights are a greedy ensemble (Caruana et al. 2004, "Ensemble selection from libraries of
    models"), half follow the errors' inverse powers; both are pulled towards the prior, the more the fewer
    rows they rest on.
    """
    horizon, parts = forecasts.shape[1], forecasts.shape[3]
    edges = np.linspace(0, horizon, min(BLOCKS, horizon) + 1).round().astype(int)
    blocks = []
    for first, after in pairwise(edges):
        seen = observed[:, first:after]
        if not seen.any():
            blocks.append(prior)
            continue
        wanted = truth[:, first:after][seen]
        offered = forecasts[:, first:after][seen]
        blocks.append((greedy_weights(offered, wanted) + inverse_weights(offered, wanted)) / 2)
    centres = (edges[:-1] + edges[1:] - 1) / 2
    table = np.stack(blocks)
    steps = np.arange(horizon)
    weights = np.stack([np.interp(steps, centres, table[:, part]) for part in range(parts)], axis=1)
    trust = horizons / (horizons + DOUBT)
    return trust * weights + (1 - trust) * prior


def greedy_weights(forecasts: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """[P]: how often each part is taken when parts are added one by one, each time the one that helps most.

    forecasts [M, P], truth [M].
    """
    taken = np.zeros(forecasts.shape[1])
    total = np.zeros_like(truth)
    for count in range(1, ROUNDS + 1):
        errors = [np.abs((total + offered) / count - truth).mean() for offered in forecasts.T]
        best = int(np.argmin(errors))
        taken[best] += 1
        total += forecasts[:, best]
    return taken / ROUNDS


def inverse_weights(forecasts: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """[P]: proportional to the mean absolute error to the power of -6. forecasts [M, P], truth [M]."""
    errors = np.abs(forecasts - truth[:, None]).mean(axis=0)
    if (errors == 0).any():
        return (errors == 0) / (errors == 0).sum()
    raw = (errors / errors.min()) ** -POWER
    return np.asarray(raw / raw.sum())
