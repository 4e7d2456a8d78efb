"""Learning rate range test (Smith 2017, "Cyclical learning rates for training") for every network of a config.

The learning rate grows by a constant factor from step to step. While it is too low the loss stays flat, then it
falls, and beyond what the network tolerates it grows. One tenth of the rate with the lowest loss is a safe peak. The
trained weights are discarded.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from lstm_cli.config import TrainConfig
from lstm_cli.config.train import CHOICES
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.events import Listener, Note, Progressed
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.models.dropout import seed_dropout
from lstm_cli.training.loop.examples import Examples
from lstm_cli.training.loop.fit import divergence_error
from lstm_cli.training.loop.optimizer_step import apply_gradients, backward, make_optimizer, set_learning_rate
from lstm_cli.training.recipes import stacked
from lstm_cli.training.recipes.automatic_choices import TransformedData, choose_transforms
from lstm_cli.training.recipes.parallel import run_in_threads
from lstm_cli.training.recipes.segment import choose_parts
from lstm_cli.training.recipes.segment_networks import (
    new_part_network,
    part_hyperparameters,
    part_windows,
    taken_weights,
    training_context,
)
from lstm_cli.training.recipes.stacked import network_settings, new_network
from lstm_cli.training.setup.device import choose_device
from lstm_cli.training.setup.hyperparameters import Hyperparameters, make_hyperparameters
from lstm_cli.training.setup.precision import choose_precision
from lstm_cli.training.setup.start_weights import StartWeights
from lstm_cli.training.windows.device_windows import DeviceWindows

STEPS = 200
SMOOTHING = 0.9  # weight of earlier losses in the smoothed loss
DIVERGED_FACTOR = 4.0  # multiple of the lowest smoothed loss at which the test stops
FIRST_STEPS = 20  # steps in which the network is still untrained
MIN_FALL = 0.10  # fall of the loss needed for a suggestion; batches alone differ by several percent
SAFE_SHARE = 0.1  # share of the rate with the lowest loss
Network = tuple[
    str, torch.nn.Module, DeviceWindows, Hyperparameters
]  # part, network, windows and hyperparameters
MIN_LR, MAX_LR = 1e-6, 10.0  # learning rates


@dataclass(frozen=True, kw_only=True)
class RangeTest:
    """Losses of one network while the learning rate rises."""

    part: str  # part of the model, or its name if it is trained as a whole
    lr: np.ndarray  # [S] of each step, rising
    loss: np.ndarray  # [S] of its batch
    smoothed: np.ndarray  # [S] exponential moving average of the losses

    @property
    def lowest(self) -> int:
        """Return the step with the lowest smoothed loss; the first steps average too few losses and are skipped."""
        begin = min(FIRST_STEPS, len(self.smoothed) - 1)
        return begin + int(np.argmin(self.smoothed[begin:]))

    @property
    def fall(self) -> float:
        """Return the share by which the smoothed loss fell from the first steps to its minimum."""
        return float(1 - self.smoothed[self.lowest] / self.loss[:FIRST_STEPS].mean())

    @property
    def suggestion(self) -> float | None:
        """Return the learning rate to try; None if the loss fell at no rate."""
        return float(SAFE_SHARE * self.lr[self.lowest]) if self.fall >= MIN_FALL else None


def run_range_test(
    model: nn.Module,
    examples: Examples,
    hparams: Hyperparameters,
    *,
    part: str,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> RangeTest:
    """Train the model while the learning rate rises from MIN_LR to MAX_LR, or until the loss diverges.

    Args:
        model: network to train; its weights are useless afterwards.
        examples: training examples.
        hparams: batch size, loss, clipping, constraint and seed.
        part: name of the network in events and errors.
        listen: receiver of events.
        should_stop: returns the number of a signal to stop at, else None.

    Raises:
        Interrupted: `should_stop` returned a signal.
        TrainingDiverged: the first loss is not finite.
    """
    seed_dropout(model, torch.Generator(examples.device).manual_seed(hparams.seed))
    order = examples.order(hparams.batch_size, torch.Generator().manual_seed(hparams.seed))
    optimizer = make_optimizer(model, hparams)
    rates = np.geomspace(MIN_LR, MAX_LR, STEPS)
    losses: list[float] = []
    smoothed: list[float] = []
    mean, lowest = 0.0, np.inf
    model.train()
    for step, rate in enumerate(rates):
        raise_if_interrupted(should_stop)
        set_learning_rate(optimizer, float(rate))
        measures = backward(model, examples.gather(next(order).to(examples.device)), hparams)
        loss = float(measures[0])
        if not bool(torch.isfinite(measures).all()):
            break
        losses.append(loss)
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        smoothed.append(mean / (1 - SMOOTHING ** (step + 1)))  # bias correction for the start at zero
        lowest = min(lowest, smoothed[-1])
        listen(Progressed(stage=f"trying learning rates on {part}", done=step + 1, total=STEPS, unit="steps"))
        if step > FIRST_STEPS and smoothed[-1] > DIVERGED_FACTOR * lowest:
            break
        apply_gradients(model, optimizer, hparams)
    if not losses:
        raise divergence_error(part, "the loss or its gradient", 1, 1)
    return RangeTest(part=part, lr=rates[: len(losses)], loss=np.array(losses), smoothed=np.array(smoothed))


def run_range_tests(
    dataset: Dataset,
    config: TrainConfig,
    *,
    threads: int,
    listen: Listener,
    should_stop: Callable[[], int | None],
    start: StartWeights | None = None,
) -> list[RangeTest]:
    """Return the range test of each network that the config names, on the training windows only.

    The result depends on the data, the config and the machine, but not on the number of threads.

    Args:
        dataset: scaled data.
        config: settings of the training.
        threads: CPU threads.
        listen: receiver of events.
        should_stop: returns the number of a signal to stop at, else None.
        start: weights at which the networks start; None: random ones.

    Raises:
        DeviceError: the device is missing or its memory is too small.
        DataError: the data do not allow a setting.
        TrainingDiverged: the first loss of a network is not finite.
        Interrupted: `should_stop` returned a signal.
    """
    device = choose_device(config.device)
    config = replace(config, precision=choose_precision(config, device)[0])
    transformed = choose_transforms(dataset, config, workers=threads, should_stop=should_stop, listen=listen)
    for name, reason in transformed.choices.items():
        listen(Note(text=f"{CHOICES.get(name, name)}: {reason}"))
    if config.model == "stacked":
        networks = [_stacked_network(transformed, config, device, start, listen)]
    else:
        networks = _part_networks(transformed, config, device, start, listen, should_stop)
    tasks = [_make_task(network, listen) for network in networks]
    return run_in_threads(tasks, workers=threads if device.type == "cpu" else 1, should_stop=should_stop)


def _stacked_network(
    transformed: TransformedData,
    config: TrainConfig,
    device: torch.device,
    start: StartWeights | None,
    listen: Listener,
) -> Network:
    windows = DeviceWindows.from_windows(split_windows(transformed.dataset, "train"), device)
    settings = network_settings(transformed.dataset, config)
    stacked.taken_weights(settings, config, start, listen)
    network = new_network(settings, config, start).to(device)
    hparams = make_hyperparameters(config, windows=len(windows), targets=transformed.dataset.targets)
    return config.model, network, windows, hparams


def _part_networks(
    transformed: TransformedData,
    config: TrainConfig,
    device: torch.device,
    start: StartWeights | None,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> list[Network]:
    context = training_context(
        transformed, config, device=device, workers=1, listen=listen, should_stop=should_stop, start=start
    )
    parts = [part for part in choose_parts(config) if part != "linear"]
    taken_weights(context, parts)
    return [
        (
            part,
            new_part_network(context, part, transformed.linear, config.seed),
            DeviceWindows.from_windows(part_windows(context, "train", part), device),
            part_hyperparameters(context, part),
        )
        for part in parts
    ]


def _make_task(network: Network, listen: Listener) -> Callable[[Callable[[], int | None]], RangeTest]:
    part, model, windows, hparams = network

    def run(should_stop: Callable[[], int | None]) -> RangeTest:
        return run_range_test(model, windows, hparams, part=part, listen=listen, should_stop=should_stop)

    return run
