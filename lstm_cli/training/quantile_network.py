"""Training of the network that corrects quantiles for the window (`evaluation.quantiles.network`)."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from lstm_cli.evaluation.quantiles.calibrate_intervals import Calibration, SampledCells, cell_weights
from lstm_cli.evaluation.quantiles.learned import KNOTS, MEDIAN, LearnedQuantiles
from lstm_cli.evaluation.quantiles.network import LIMIT, MAX_LOG, QuantileNetwork
from lstm_cli.training.loop.ema import ExponentialMovingAverage

WIDTH = 32
BATCH_CELLS = 512
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1.0  # strong, because neighbouring windows have nearly the same errors
WARM_UP = 25  # steps
CHECKED_EVERY = 25  # steps between two scores on the validation cells
MAX_STEPS = 300
PATIENCE = 4  # scores without a better one
# Shares of the correction that are tried. Few validation horizons cannot tell luck from skill, so only a half then.
SHARES, SHARES_OF_FEW = (0.5, 1.0), (0.5,)
MANY_HORIZONS = 80.0  # validation horizons times targets
MAX_CHECKED_CELLS = 15_000
MIN_HORIZONS = 5.0  # validation horizons; with fewer, there is no network


@dataclass(frozen=True)
class _Choice:
    """Number of training steps and share of the correction that score best on the validation cells."""

    loss: float
    steps: int
    share: float


class _Network(nn.Module):
    """Twin of `QuantileNetwork` in torch, with the knots as parameters. It begins without a correction."""

    mean: Tensor  # [F] of the features
    deviation: Tensor  # [F]

    def __init__(self, features: np.ndarray, knots: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(features.mean(axis=0)))
        self.register_buffer("deviation", torch.from_numpy(features.std(axis=0) + np.float32(1e-3)))
        self.first, self.second = nn.Linear(features.shape[1], WIDTH), nn.Linear(WIDTH, WIDTH)
        self.output, self.direct = (
            nn.Linear(WIDTH, 3, bias=False),
            nn.Linear(features.shape[1], 3, bias=False),
        )
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.direct.weight)
        gaps = np.maximum(np.diff(knots), 1e-6)
        self.median = nn.Parameter(torch.tensor(knots[MEDIAN], dtype=torch.float32))
        self.log_gaps = nn.Parameter(torch.tensor(np.log(gaps), dtype=torch.float32))

    def forward(self, features: Tensor, share: float = 1.0) -> Tensor:
        """Return the quantiles [n, K] of cells with features [n, F]."""
        inputs = ((features - self.mean) / self.deviation).clamp(-LIMIT, LIMIT)
        hidden = nn.functional.silu(self.second(nn.functional.silu(self.first(inputs))))
        outputs = self.output(hidden) + self.direct(inputs)
        shift = share * outputs[:, :1]
        low, high = (
            torch.exp(share * side.clamp(-MAX_LOG, MAX_LOG)) for side in outputs[:, 1:].split(1, dim=1)
        )
        knots = self.knots() - self.median
        return self.median + shift + torch.cat([low * knots[:MEDIAN], high * knots[MEDIAN:]], dim=1)

    def knots(self) -> Tensor:
        """Return the knots [K], ascending."""
        gaps = torch.exp(self.log_gaps)
        below = -torch.flip(torch.cumsum(torch.flip(gaps[:MEDIAN], [0]), 0), [0])
        return self.median + torch.cat([below, torch.zeros(1), torch.cumsum(gaps[MEDIAN:], 0)])

    def arrays(self) -> QuantileNetwork:
        """Return the weights for NumPy."""

        def array(tensor: Tensor) -> np.ndarray:
            return np.ascontiguousarray(tensor.detach().numpy().T)

        return QuantileNetwork(
            mean=array(self.mean),
            deviation=array(self.deviation),
            first=array(self.first.weight),
            first_bias=array(self.first.bias),
            second=array(self.second.weight),
            second_bias=array(self.second.bias),
            output=array(self.output.weight),
            direct=array(self.direct.weight),
        )


def fit_quantiles(
    calibration: Calibration,
    *,
    seed: int,
    check: Callable[[], None] = lambda: None,
) -> LearnedQuantiles:
    """Return the quantiles with a network, or those without one if the validation cells are not better with it.

    The network is trained on the training cells. The validation cells choose the number of steps and the share of the
    correction. Then it is trained for as many steps on both.

    Args:
        calibration: calibrated quantiles and cells.
        seed: seed of the weights and batches.
        check: called between steps; may raise Interrupted.
    """
    plain, cells, horizons = calibration.quantiles, calibration.cells, calibration.validation_horizons
    if horizons < MIN_HORIZONS or not all(len(split.errors) for split in cells.values()):
        return plain
    with torch.random.fork_rng(devices=[]):
        many = horizons * plain.series_scale.shape[1] >= MANY_HORIZONS
        choice = _choose(plain.knots, cells, seed, SHARES if many else SHARES_OF_FEW, check)
        if choice.steps == 0:
            return plain
        average = _start(plain.knots, cells, seed)
        for _ in _training(average, cells, calibration.weights, seed, choice.steps, check):
            pass
    averaged = _averaged(average)
    knots = averaged.knots().detach().numpy().astype(np.float64)
    return replace(plain, network=averaged.arrays(), share=choice.share, knots=knots)


def _choose(
    knots: np.ndarray,
    cells: dict[str, SampledCells],
    seed: int,
    shares: tuple[float, ...],
    check: Callable[[], None],
) -> _Choice:
    """Return the best number of training steps and share; 0 steps if nothing is better than the knots alone.

    Args:
        knots: knots of all windows.
        cells: cells of both splits.
        seed: seed of the weights and batches.
        shares: shares of the correction to try.
        check: called between steps; may raise Interrupted.
    """
    stride = -(-len(cells["val"].errors) // MAX_CHECKED_CELLS)
    features = torch.from_numpy(cells["val"].features[::stride])
    errors = torch.from_numpy(cells["val"].errors[::stride])
    average = _start(knots, {"train": cells["train"]}, seed)

    def loss(share: float) -> float:
        with torch.no_grad():
            return float(_pinball(_averaged(average)(features, share), errors))

    best = _Choice(loss(0.0), 0, 0.0)
    for step in _training(average, {"train": cells["train"]}, {"train": 1.0}, seed, MAX_STEPS, check):
        if step % CHECKED_EVERY:
            continue
        best = min(best, *(_Choice(loss(share), step, share) for share in shares), key=lambda each: each.loss)
        if step - best.steps >= PATIENCE * CHECKED_EVERY:
            break
    return best


def _start(knots: np.ndarray, cells: dict[str, SampledCells], seed: int) -> ExponentialMovingAverage:
    """Return the moving average of a new network, with the mean and deviation of the features of the cells."""
    torch.manual_seed(seed)
    features = np.concatenate([split.features for split in cells.values()])
    return ExponentialMovingAverage(_Network(features, knots))


def _averaged(average: ExponentialMovingAverage) -> _Network:
    assert isinstance(average.model, _Network)
    return average.model


def _training(
    average: ExponentialMovingAverage,
    cells: dict[str, SampledCells],
    weights: dict[str, float],
    seed: int,
    steps: int,
    check: Callable[[], None],
) -> Iterator[int]:
    """Train a copy of the averaged network, update the average, and yield the number of each step.

    Args:
        average: moving average of the weights.
        cells: cells of each split.
        weights: weight of each split.
        seed: seed of the batches.
        steps: number of steps.
        check: called before each step; may raise Interrupted.
    """
    features = torch.from_numpy(np.concatenate([split.features for split in cells.values()]))
    errors = torch.from_numpy(np.concatenate([split.errors for split in cells.values()]))
    weight = cell_weights(cells, weights)
    cumulative = np.cumsum(weight) / weight.sum()
    rng = np.random.default_rng(seed)
    network = copy.deepcopy(average.model).requires_grad_(True)
    decayed = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in network.parameters() if parameter.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}],
        lr=LEARNING_RATE,
    )
    for step in range(1, steps + 1):
        check()
        drawn = np.minimum(np.searchsorted(cumulative, rng.random(BATCH_CELLS)), len(cumulative) - 1)
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, step / WARM_UP)
        optimizer.zero_grad()
        _pinball(network(features[drawn]), errors[drawn]).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average.set_step(step)
        average.update(network)
        yield step


def _pinball(quantiles: Tensor, errors: Tensor) -> Tensor:
    """Return the mean pinball loss of quantiles [n, K] for errors [n]."""
    probabilities = torch.tensor(KNOTS)
    excess = errors[:, None] - quantiles
    return torch.maximum(probabilities * excess, (probabilities - 1) * excess).mean()
