"""The networks of the default model: their shapes, and their trainings side by side."""

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
from lstm_cli.events import REFIT, Listener, Progressed
from lstm_cli.linear.model import LinearEnsemble
from lstm_cli.models.linear_layer import LinearForecast
from lstm_cli.models.segment_lstm import AnchoredNetwork, SegmentLSTM, segment_length
from lstm_cli.training.loop.batches import DeviceWindows
from lstm_cli.training.loop.fit import FitResult, announce_training
from lstm_cli.training.loop.out_of_memory import as_device_error, fit_in_memory
from lstm_cli.training.loop.validation import mase_validator
from lstm_cli.training.recipes.automatic_choices import TransformedData
from lstm_cli.training.recipes.parallel import run_in_threads
from lstm_cli.training.setup.checkpoint_state import AGAIN, Checkpoints
from lstm_cli.training.setup.hyperparameters import (
    Hyperparameters,
    make_hyperparameters,
    refit_hyperparameters,
)

JUDGED_ROWS = 4_000  # windows x targets that a network is validated on; every further one costs time
SEEDS = 3  # networks of each part with --effort best
RATES = (1.0, 1 / 3, 1 / 10)  # of the learning rate that --effort best tries
MOST_SEASON = 10_080  # steps that the last season is taken from: a week of minutes


@dataclass(frozen=True, kw_only=True)
class FittedNetwork:
    """One training of one network."""

    part: str
    plan: Hyperparameters
    result: FitResult

    @property
    def loss(self) -> float:
        """On validation; infinite where it was not measured."""
        return float("inf") if self.result.best_loss is None else self.result.best_loss

    @property
    def network_weights(self) -> dict[str, torch.Tensor]:
        """Of the network alone, without the linear forecast that an anchored one is trained with."""
        weights = self.result.weights
        if self.part != "anchored":
            return weights
        prefix = "network."
        return {
            name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)
        }


Training: TypeAlias = Callable[[Callable[[], int | None]], FittedNetwork]
"""One training, ready to run: it is asked with what tells whether to stop."""


@dataclass(frozen=True, kw_only=True)
class TrainingContext:
    """What every training of a part needs."""

    data: TransformedData
    config: TrainConfig
    device: torch.device
    workers: int  # trainings side by side
    listen: Listener
    should_stop: Callable[[], int | None]
    shapes: dict[str, dict[str, Any]]  # part: the arguments of its network
    checkpoints: Checkpoints = field(default_factory=Checkpoints)


def training_context(
    start: TransformedData,
    config: TrainConfig,
    *,
    device: torch.device,
    workers: int,
    listen: Listener,
    should_stop: Callable[[], int | None],
    checkpoints: Checkpoints | None = None,
) -> TrainingContext:
    """The work that a start and a config ask for."""
    return TrainingContext(
        data=start,
        config=config,
        device=device,
        workers=workers,
        listen=listen,
        should_stop=should_stop,
        shapes={part: network_shape(start.dataset, part, config) for part in ("anchored", "free")},
        checkpoints=checkpoints or Checkpoints(),
    )


def network_shape(dataset: Dataset, part: str, config: TrainConfig) -> dict[str, Any]:
    """The arguments of a part's network."""
    schema = dataset.schema
    segment = config.segment or segment_length(season=schema.season, lookback=schema.lookback)
    segment = min(segment, schema.lookback)
    lookback = schema.lookback
    if part == "free" and not schema.lookback_fixed:
        rows = int(np.median(dataset.series.train_end))
        lookback = max(lookback, min(int(FREE_LOOKBACK_FACTOR * lookback), (rows - schema.horizon) // 2))
    return {
        "inputs": len(schema.columns) + len(schema.calendar),
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
    """Return the seasons too long for an automatic lookback, of which a window may still hold the last one."""
    if schema.lookback_fixed:
        return ()
    return tuple(season for season in schema.seasons if MAX_LOOKBACK < season <= MOST_SEASON)


def train_parts(work: TrainingContext, parts: list[str]) -> list[FittedNetwork]:
    """The trainings that are kept: one a part, or several seeds of each."""
    plan = part_plan(work)
    if not parts:
        return []
    rates = RATES if work.config.effort == "best" and work.config.lr is None else (1.0,)
    tried = _train(work, [(part, replace(plan, lr=plan.lr * rate)) for part in parts for rate in rates])
    best = [min((one for one in tried if one.part == part), key=lambda one: one.loss) for part in parts]
    if work.config.effort != "best":
        return best
    more = [
        (one.part, replace(one.plan, seed=one.plan.seed + number))
        for one in best
        for number in range(1, SEEDS)
    ]
    return best + _train(work, more)


def part_plan(work: TrainingContext) -> Hyperparameters:
    """The plan of every part's training."""
    windows = len(part_windows(work, "train", "anchored"))
    return make_hyperparameters(work.config, windows=windows, targets=work.data.dataset.targets)


def _train(work: TrainingContext, wanted: list[tuple[str, Hyperparameters]]) -> list[FittedNetwork]:
    """Trains a network for each part and plan, side by side where there are workers."""
    most = max(1, JUDGED_ROWS // work.data.dataset.targets)
    tasks = []
    for part, plan in wanted:
        network, windows = new_part_network(work, part, work.data.linear, plan.seed), _known(work, part)
        judged = _resident(work, part_windows(work, "val", part).sample(most))
        keep = work.checkpoints.slot(run_name(part, plan))
        announce_training(network, windows, plan, part=part, listen=work.listen, keep=keep)
        validate = mase_validator(
            judged, MaseScale.from_dataset(work.data.dataset), should_stop=work.should_stop
        )
        tasks.append(_task(work, part, plan, network, windows, validate))
    return run_in_threads(tasks, workers=work.workers, should_stop=work.should_stop)


def refit_networks(work: TrainingContext, attempts: list[FittedNetwork]) -> list[FittedNetwork]:
    """Train the networks further from their best weights, on the training rows of `work`, without validation."""
    done, total = itertools.count(1), len(attempts)

    def tell(count: int) -> None:
        work.listen(Progressed(stage=REFIT, done=count, total=total, unit="networks"))

    def counted(task: Training) -> Training:
        def run(should_stop: Callable[[], int | None]) -> FittedNetwork:
            attempt = task(should_stop)
            tell(next(done))
            return attempt

        return run

    tell(0)
    tasks = []
    for one in attempts:
        plan = refit_hyperparameters(one.plan, best_epoch=one.result.best_epoch)
        network = new_part_network(work, one.part, work.data.linear, plan.seed)
        inner = network.network if isinstance(network, AnchoredNetwork) else network
        inner.load_state_dict(one.network_weights)
        tasks.append(counted(_task(work, one.part, plan, network, _known(work, one.part), None)))
    return run_in_threads(tasks, workers=work.workers, should_stop=work.should_stop)


def run_name(part: str, plan: Hyperparameters, *, again: bool = False) -> str:
    """What tells one training of a model from the others; again: it is the refit."""
    return f"{part} lr {plan.lr!r} seed {plan.seed}{AGAIN if again else ''}"


def _known(work: TrainingContext, part: str) -> DeviceWindows:
    """The training windows of a part."""
    return _resident(work, part_windows(work, "train", part))


def _resident(work: TrainingContext, windows: Windows) -> DeviceWindows:
    with as_device_error(f"on {work.device} for the data"):
        return DeviceWindows(windows, work.device)


def _task(
    work: TrainingContext,
    part: str,
    plan: Hyperparameters,
    network: torch.nn.Module,
    windows: DeviceWindows,
    validate: Callable[[torch.nn.Module], float] | None,
) -> Training:
    """One training, ready to run beside others; without `validate`, a refit, all of its epochs are run."""

    def run(should_stop: Callable[[], int | None]) -> FittedNetwork:
        followed, fitted = fit_in_memory(
            network,
            windows,
            validate,
            plan,
            shrink=work.config.batch_size == "auto",
            part=part,
            listen=work.listen,
            should_stop=should_stop,
            keep=work.checkpoints.slot(run_name(part, plan, again=validate is None)),
        )
        return FittedNetwork(part=part, plan=followed, result=fitted)

    return run


def new_part_network(work: TrainingContext, part: str, linear: LinearEnsemble, seed: int) -> torch.nn.Module:
    """A network with random weights that depend on the part and the seed alone."""
    torch.manual_seed(seed)
    network = SegmentLSTM(**work.shapes[part])
    network.unit.copy_(torch.from_numpy(linear.unit))
    whole = AnchoredNetwork(linear_module(linear), network) if part == "anchored" else network
    return whole.to(work.device)


def part_windows(work: TrainingContext, split: str, part: str) -> Windows:
    """The windows of a split, as far back as the part looks."""
    lookback = max(work.shapes[part]["lookback"], *work.shapes[part]["far_seasons"], 0)
    if part == "anchored":
        lookback = max(lookback, work.data.linear.lookback)
    return split_windows(work.data.dataset, split, lookback)


def linear_module(linear: LinearEnsemble) -> LinearForecast:
    """The linear forecast as a module."""
    module = LinearForecast(
        targets=len(linear.unit),
        horizon=len(linear.bias),
        reach=len(linear.last_weights),
        window=linear.window,
        share=linear.share,
        response=len(linear.response),
    )
    module.load_state_dict({name: torch.from_numpy(array) for name, array in linear.arrays().items()})
    return module
