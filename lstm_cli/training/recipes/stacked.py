"""Recipe of the stacked LSTM, which is trained as a whole."""

from collections.abc import Callable
from typing import Any

import torch

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.dataset import Dataset, merge_validation_into_train
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.events import Listener, Note
from lstm_cli.models.initialization import init_forget_gate_bias, initialize_weights
from lstm_cli.models.registry import Architecture
from lstm_cli.models.stacked_lstm import StackedLSTM
from lstm_cli.training.loop.fit import FitResult, announce_training
from lstm_cli.training.loop.out_of_memory import as_device_error, fit_in_memory
from lstm_cli.training.loop.state import State
from lstm_cli.training.recipes.automatic_choices import TransformedData, choose_refit
from lstm_cli.training.recipes.linear_checkpoint import resumable_refit
from lstm_cli.training.recipes.result import ModelVersion, PartResult, TrainingResult
from lstm_cli.training.setup.checkpoint_state import REFIT_SUFFIX, Checkpoints
from lstm_cli.training.setup.hyperparameters import (
    Hyperparameters,
    make_hyperparameters,
    refit_hyperparameters,
)
from lstm_cli.training.setup.start_weights import StartWeights, TakenWeights
from lstm_cli.training.windows.device_windows import DeviceWindows
from lstm_cli.training.windows.validation import loss_validator


def train_stacked(
    transformed: TransformedData,
    config: TrainConfig,
    *,
    device: torch.device,
    listen: Listener,
    should_stop: Callable[[], int | None],
    checkpoints: Checkpoints,
    start: StartWeights | None = None,
) -> TrainingResult:
    """Train the network; with `refit`, continue from its best weights on training and validation rows.

    Args:
        transformed: data and linear forecast to start from.
        config: settings of the training.
        device: device of the network.
        listen: receiver of events.
        should_stop: returns the number of a signal to stop at, else None.
        checkpoints: stored states to resume from, and where new ones are saved.
        start: weights at which the network starts.

    Raises:
        TrainingDiverged: a loss, gradient or weight is not finite.
        DeviceError: memory ran out.
        Interrupted: `should_stop` returned a signal.
        IncompatibleState: the checkpoints belong to another training.
    """
    dataset, settings = transformed.dataset, network_settings(transformed.dataset, config)
    windows = _device_windows(dataset, "train", device)
    taken = taken_weights(settings, config, start, listen)
    hparams = make_hyperparameters(
        config,
        windows=len(windows),
        targets=dataset.targets,
        warm=bool(taken) and not taken[0].left,
    )

    def train(
        windows: DeviceWindows,
        hparams: Hyperparameters,
        val_windows: DeviceWindows | None,
        initial_weights: State | None = None,
    ) -> tuple[StackedLSTM, Hyperparameters, FitResult]:
        network = new_network(settings, config, start)
        if initial_weights is not None:
            network.load_state_dict(initial_weights)
        network.to(device)
        slot = checkpoints.slot(config.model if val_windows is not None else config.model + REFIT_SUFFIX)
        announce_training(network, windows, hparams, part=config.model, listen=listen, slot=slot)
        used, fitted = fit_in_memory(
            network,
            windows,
            None
            if val_windows is None
            else loss_validator(val_windows, config.loss, should_stop=should_stop),
            hparams,
            architecture=architecture(settings),
            shrink=config.batch_size == "auto",
            part=config.model,
            listen=listen,
            should_stop=should_stop,
            slot=slot,
        )
        network.cpu().load_state_dict(fitted.weights)
        return network.requires_grad_(False).eval(), used, fitted

    network, hparams, fitted = train(windows, hparams, _device_windows(dataset, "val", device))
    validated = shipped = ModelVersion(network=network, linear=transformed.linear)
    refit, reason = choose_refit(config, rows=len(windows) * dataset.targets, linear=transformed.linear)
    if refit:
        listen(Note(text="refitting on the training and validation rows"))
        merged = merge_validation_into_train(dataset)
        refit_hparams = refit_hyperparameters(hparams, best_epoch=fitted.best_epoch)
        refitted_network, _, _ = train(
            _device_windows(merged, "train", device), refit_hparams, None, initial_weights=fitted.weights
        )
        linear = resumable_refit(
            merged, transformed.linear, should_stop=should_stop, checkpoints=checkpoints, listen=listen
        )
        shipped = ModelVersion(network=refitted_network, linear=linear)
    return TrainingResult(
        dataset=dataset,
        settings=settings,
        shipped=shipped,
        validated=validated,
        parts=(PartResult.from_fit(config.model, hparams, fitted),),
        weights={},
        choices=transformed.choices | {"refit": reason},
        history=fitted.history,
        taken=taken,
        seconds=0.0,  # set by `train_model`
    )


def new_network(
    settings: dict[str, Any], config: TrainConfig, start: StartWeights | None = None
) -> StackedLSTM:
    """Return the network with random weights that depend only on the seed, or with those of the start.

    Args:
        settings: arguments of the network.
        config: settings of the training.
        start: weights at which the network starts.
    """
    torch.manual_seed(config.seed)
    network = architecture(settings).build()
    assert isinstance(network, StackedLSTM)
    if config.init is not None:
        initialize_weights(network, config.init)
    if config.forget_bias:
        init_forget_gate_bias(network)
    if start is not None:
        start.take(network, config.model, settings=settings)
    return network


def taken_weights(
    settings: dict[str, Any], config: TrainConfig, start: StartWeights | None, listen: Listener
) -> tuple[TakenWeights, ...]:
    """Return which layers start with given weights, and send a note about it.

    Args:
        settings: arguments of the network.
        config: settings of the training.
        start: weights at which the network starts.
        listen: receiver of events.
    """
    if start is None:
        return ()
    taken = start.take(architecture(settings).build(), config.model, settings=settings)
    listen(Note(text=f"warm start: {taken}"))
    return (taken,)


def architecture(settings: dict[str, Any]) -> Architecture:
    """Return the architecture of the network with these settings."""
    return Architecture(name="stacked", settings=settings)


def _device_windows(dataset: Dataset, split: str, device: torch.device) -> DeviceWindows:
    with as_device_error(f"on {device} while loading the data"):
        return DeviceWindows.from_windows(split_windows(dataset, split), device)


def network_settings(dataset: Dataset, config: TrainConfig) -> dict[str, Any]:
    """Return the arguments of the network's class."""
    schema = dataset.schema
    return {
        "inputs": len(schema.inputs),
        "targets": dataset.targets,
        "known_ahead": schema.known_ahead,
        "horizon": schema.horizon,
        "lookback": schema.lookback,
        "hidden": list(config.sizes),
        "dropout": 0.2 if config.dropout is None else config.dropout,
        "bidirectional": config.bidirectional,
        "batch_norm": config.batch_norm,
        "layer_norm": config.layer_norm,
        "attention": config.attention,
        "head": config.head,
    }
