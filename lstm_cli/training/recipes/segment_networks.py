"""Networks of the default model: their shapes, and their training in parallel."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import torch

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.dataset import Dataset, Schema
from lstm_cli.data.dataset.mase_scale import MaseScale
from lstm_cli.data.dataset.windows import FREE_LOOKBACK_FACTOR, MAX_LOOKBACK, Windows, split_windows
from lstm_cli.events import REFIT, Listener, Note, Progressed
from lstm_cli.linear.model import LinearEnsemble
from lstm_cli.models.linear_layer import LinearForecast
from lstm_cli.models.registry import Architecture
from lstm_cli.models.segment_lstm import AnchoredNetwork, SegmentLSTM, segment_length
from lstm_cli.training.loop.fit import FitResult, announce_training
from lstm_cli.training.loop.out_of_memory import as_device_error, fit_in_memory
from lstm_cli.training.recipes.automatic_choices import TransformedData
from lstm_cli.training.recipes.parallel import run_in_threads
from lstm_cli.training.setup.checkpoint_state import REFIT_SUFFIX, Checkpoints
from lstm_cli.training.setup.hyperparameters import (
    Hyperparameters,
    make_hyperparameters,
    refit_hyperparameters,
)
from lstm_cli.training.setup.start_weights import StartWeights, TakenWeights
from lstm_cli.training.windows.device_windows import DeviceWindows
from lstm_cli.training.windows.validation import mase_validator

MAX_VALIDATION_ROWS = 4_000  # windows x targets of a validation; more of them cost time
SEEDS = 3  # networks per part with --effort best
LR_FACTORS = (1.0, 1 / 3, 1 / 10)  # factors of the learning rate that --effort best tries
MAX_SEASON = 10_080  # steps, a week of minutes; longer seasons are not used


@dataclass(frozen=True, kw_only=True)
class FittedNetwork:
    """Result of one training of one network."""

    part: str
    hparams: Hyperparameters
    result: FitResult

    @property
    def loss(self) -> float:
        """Return the validation loss; infinite if it was not computed."""
        return float("inf") if self.result.best_loss is None else self.result.best_loss

    @property
    def network_weights(self) -> dict[str, torch.Tensor]:
        """Return the weights of the network only, without the linear forecast inside an anchored one."""
        weights = self.result.weights
        if self.part != "anchored":
            return weights
        prefix = "network."
        return {
            name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)
        }


Training: TypeAlias = Callable[[Callable[[], int | None]], FittedNetwork]
"""Function that runs one training; its argument returns the number of a signal to stop at, else None."""


@dataclass(frozen=True, kw_only=True)
class TrainingContext:
    """Settings and data shared by the trainings of all parts."""

    data: TransformedData
    config: TrainConfig
    device: torch.device
    workers: int  # parallel trainings
    listen: Listener
    should_stop: Callable[[], int | None]
    shapes: dict[str, dict[str, Any]]  # part: arguments of its network
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    start: StartWeights | None = None  # weights at which the networks start; None: random ones


def training_context(
    transformed: TransformedData,
    config: TrainConfig,
    *,
    device: torch.device,
    workers: int,
    listen: Listener,
    should_stop: Callable[[], int | None],
    checkpoints: Checkpoints | None = None,
    start: StartWeights | None = None,
) -> TrainingContext:
    """Return the context of a training.

    Args:
        transformed: data and linear forecast to start from.
        config: settings of the training.
        device: device of the networks.
        workers: networks that train in parallel.
        listen: receiver of events.
        should_stop: returns the number of a signal to stop at, else None.
        checkpoints: stored states to resume from, and where new ones are saved.
        start: weights at which the networks start.
    """
    return TrainingContext(
        data=transformed,
        config=config,
        device=device,
        workers=workers,
        listen=listen,
        should_stop=should_stop,
        shapes={part: network_shape(transformed.dataset, part, config) for part in ("anchored", "free")},
        checkpoints=checkpoints or Checkpoints(),
        start=start,
    )


def network_shape(dataset: Dataset, part: str, config: TrainConfig) -> dict[str, Any]:
    """Return the arguments of a part's network.

    Args:
        dataset: scaled data.
        part: `anchored` or `free`.
        config: settings of the training.
    """
    schema = dataset.schema
    segment = config.segment or segment_length(season=schema.season, lookback=schema.lookback)
    segment = min(segment, schema.lookback)
    lookback = schema.lookback
    if part == "free" and not schema.lookback_fixed:
        rows = int(np.median(dataset.series.train_end))
        lookback = max(lookback, min(int(FREE_LOOKBACK_FACTOR * lookback), (rows - schema.horizon) // 2))
    return {
        "inputs": len(schema.inputs),
        "targets": dataset.targets,
        "known_ahead": schema.known_ahead,
        "lookback": lookback // segment * segment,
        "horizon": schema.horizon,
        "segment": segment,
        "seasons": schema.seasons,
        "hidden": config.sizes[0],
        "dropout": 0.2 if config.dropout is None else config.dropout,
        "anchored": part == "anchored",
        "attention": config.attention,
        "far_seasons": distant_seasons(schema),
    }


def distant_seasons(schema: Schema) -> tuple[int, ...]:
    """Return the seasons that are too long for an automatic lookback but may repeat within a longer window."""
    if schema.lookback_fixed:
        return ()
    return tuple(season for season in schema.seasons if MAX_LOOKBACK < season <= MAX_SEASON)


def train_parts(context: TrainingContext, parts: list[str]) -> list[FittedNetwork]:
    """Train the parts and return the networks that are kept: one per part, or several seeds of each."""
    if not parts:
        return []
    factors = LR_FACTORS if context.config.effort == "best" and context.config.lr is None else (1.0,)
    attempts = _train(
        context,
        [
            (part, replace(hparams, lr=hparams.lr * factor))
            for part in parts
            for hparams in [part_hyperparameters(context, part)]
            for factor in factors
        ],
    )
    best = [
        min((attempt for attempt in attempts if attempt.part == part), key=lambda attempt: attempt.loss)
        for part in parts
    ]
    if context.config.effort != "best":
        return best
    seeds = [
        (attempt.part, replace(attempt.hparams, seed=attempt.hparams.seed + number))
        for attempt in best
        for number in range(1, SEEDS)
    ]
    return best + _train(context, seeds)


def part_hyperparameters(context: TrainingContext, part: str) -> Hyperparameters:
    """Return the hyperparameters of a part's training."""
    windows = len(part_windows(context, "train", "anchored"))
    return make_hyperparameters(
        context.config,
        windows=windows,
        targets=context.data.dataset.targets,
        warm=context.start is not None and not _taken_weights(context, part).left,
    )


def _train(context: TrainingContext, requests: list[tuple[str, Hyperparameters]]) -> list[FittedNetwork]:
    """Train a network for each part and hyperparameters, in parallel if there are workers."""
    max_windows = max(1, MAX_VALIDATION_ROWS // context.data.dataset.targets)
    tasks = []
    for part, hparams in requests:
        network, windows = (
            new_part_network(context, part, context.data.linear, hparams.seed),
            _training_windows(context, part),
        )
        val_windows = _to_device(context, part_windows(context, "val", part).sample(max_windows))
        slot = context.checkpoints.slot(run_name(part, hparams))
        announce_training(network, windows, hparams, part=part, listen=context.listen, slot=slot)
        validate = mase_validator(
            val_windows, MaseScale.from_dataset(context.data.dataset), should_stop=context.should_stop
        )
        tasks.append(_make_task(context, part, hparams, network, windows, validate))
    return run_in_threads(tasks, workers=context.workers, should_stop=context.should_stop)


def refit_networks(context: TrainingContext, attempts: list[FittedNetwork]) -> list[FittedNetwork]:
    """Continue from the best weights on the training rows of the context, without validation."""
    done, total = itertools.count(1), len(attempts)

    def report(count: int) -> None:
        context.listen(Progressed(stage=REFIT, done=count, total=total, unit="networks"))

    def count_finished(training: Training) -> Training:
        def run(should_stop: Callable[[], int | None]) -> FittedNetwork:
            attempt = training(should_stop)
            report(next(done))
            return attempt

        return run

    report(0)
    tasks = []
    for attempt in attempts:
        hparams = refit_hyperparameters(attempt.hparams, best_epoch=attempt.result.best_epoch)
        network = new_part_network(context, attempt.part, context.data.linear, hparams.seed)
        inner = network.network if isinstance(network, AnchoredNetwork) else network
        inner.load_state_dict(attempt.network_weights)
        tasks.append(
            count_finished(
                _make_task(
                    context, attempt.part, hparams, network, _training_windows(context, attempt.part), None
                )
            )
        )
    return run_in_threads(tasks, workers=context.workers, should_stop=context.should_stop)


def run_name(part: str, hparams: Hyperparameters, *, refit: bool = False) -> str:
    """Return the name of one training among those of a model.

    Args:
        part: part of the model.
        hparams: settings of the training.
        refit: return the name of its refit.
    """
    return f"{part} lr {hparams.lr!r} seed {hparams.seed}{REFIT_SUFFIX if refit else ''}"


def _training_windows(context: TrainingContext, part: str) -> DeviceWindows:
    """Return the training windows of a part on the device."""
    return _to_device(context, part_windows(context, "train", part))


def _to_device(context: TrainingContext, windows: Windows) -> DeviceWindows:
    with as_device_error(f"on {context.device} while loading the data"):
        return DeviceWindows.from_windows(windows, context.device)


def _make_task(
    context: TrainingContext,
    part: str,
    hparams: Hyperparameters,
    network: torch.nn.Module,
    windows: DeviceWindows,
    validate: Callable[[torch.nn.Module], float] | None,
) -> Training:
    """Return one training as a task for a thread; without `validate` it is a refit, and all epochs run."""

    def run(should_stop: Callable[[], int | None]) -> FittedNetwork:
        used, fitted = fit_in_memory(
            network,
            windows,
            validate,
            hparams,
            architecture=architecture(context, part),
            shrink=context.config.batch_size == "auto",
            part=part,
            listen=context.listen,
            should_stop=should_stop,
            slot=context.checkpoints.slot(run_name(part, hparams, refit=validate is None)),
        )
        return FittedNetwork(part=part, hparams=used, result=fitted)

    return run


def new_part_network(
    context: TrainingContext, part: str, linear: LinearEnsemble, seed: int
) -> torch.nn.Module:
    """Return a network with random weights that depend only on the part and the seed, or with those of the start.

    Args:
        context: settings of the training.
        part: `anchored` or `free`.
        linear: linear forecast inside an anchored network.
        seed: random seed.
    """
    torch.manual_seed(seed)
    module = architecture(context, part).build()
    network = module.network if isinstance(module, AnchoredNetwork) else module
    assert isinstance(network, SegmentLSTM)
    if context.start is not None:
        number = seed - context.config.seed
        context.start.take(network, part, number=number, settings=context.shapes[part])
    network.unit.copy_(torch.from_numpy(linear.unit))
    if isinstance(module, AnchoredNetwork):
        module.linear = linear_module(linear)
    return module.to(context.device)


def taken_weights(context: TrainingContext, parts: list[str]) -> tuple[TakenWeights, ...]:
    """Return which layers of each part start with given weights, and send a note about it."""
    if context.start is None:
        return ()
    taken = tuple(_taken_weights(context, part) for part in parts)
    for each in taken:
        context.listen(Note(text=f"warm start: {each}"))
    return taken


def _taken_weights(context: TrainingContext, part: str) -> TakenWeights:
    assert context.start is not None
    module = architecture(context, part).build()
    network = module.network if isinstance(module, AnchoredNetwork) else module
    return context.start.take(network, part, settings=context.shapes[part])


def architecture(context: TrainingContext, part: str) -> Architecture:
    """Return the architecture of a part's network."""
    linear = linear_sizes(context.data.linear) if part == "anchored" else None
    return Architecture(name=part, settings=context.shapes[part], linear=linear)


def part_windows(context: TrainingContext, split: str, part: str) -> Windows:
    """Return the windows of a split with the lookback of a part.

    Args:
        context: settings of the training.
        split: `train`, `val` or `test`.
        part: `anchored` or `free`.
    """
    lookback = max(context.shapes[part]["lookback"], *context.shapes[part]["far_seasons"], 0)
    if part == "anchored":
        lookback = max(lookback, context.data.linear.lookback)
    return split_windows(context.data.dataset, split, lookback)


def linear_module(linear: LinearEnsemble) -> LinearForecast:
    """Return the linear forecast as a torch module."""
    module = LinearForecast(**linear_sizes(linear))
    module.load_state_dict({name: torch.from_numpy(array) for name, array in linear.arrays().items()})
    return module


def linear_sizes(linear: LinearEnsemble) -> dict[str, Any]:
    """Return the arguments of the module of a linear forecast."""
    return {
        "targets": len(linear.unit),
        "horizon": len(linear.bias),
        "reach": len(linear.last_weights),
        "window": linear.window,
        "share": linear.share,
        "response": len(linear.response),
    }
