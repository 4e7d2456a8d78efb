"""Training of a language model: its size, its hyperparameters, and the call of the training loop."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from lstm_cli.config.generate import GenerateTrainConfig
from lstm_cli.events import Listener
from lstm_cli.models.initialization import init_forget_gate_bias, initialize_weights
from lstm_cli.models.language_model import LanguageModel
from lstm_cli.text.dataset import TextData
from lstm_cli.training.loop.fit import FitResult, announce_training, fit
from lstm_cli.training.loop.out_of_memory import as_device_error
from lstm_cli.training.setup.checkpoint_state import CheckpointSlot
from lstm_cli.training.setup.device import choose_device
from lstm_cli.training.setup.hyperparameters import Hyperparameters, make_hyperparameters
from lstm_cli.training.text.device_text import DeviceText, in_lanes, loss_validator, pieces_of

PART = "language model"  # name of the network in events, and of its state in a checkpoint
HIDDEN, DROPOUT = (256, 256), 0.1
LANES, PIECE = 32, 64  # largest number of lanes, and tokens of truncated backpropagation
PIECES = 16  # pieces of a lane, at least, unless --batch-size says otherwise
LR, WARMUP = 3e-3, 50
MIN_EPOCH_STEPS, MAX_EPOCH_STEPS = 50, 1_000  # optimizer steps between two validations
PASSES = 12  # over the text, but within these numbers of steps
MIN_STEPS, MAX_STEPS = 2_000, 30_000
PATIENCE_SHARE = 0.2  # of the epochs


@dataclass(frozen=True, kw_only=True)
class TrainedLanguageModel:
    """Result of a training."""

    model: LanguageModel
    settings: dict[str, Any]  # arguments of the network
    hparams: Hyperparameters
    piece: int
    fitted: FitResult
    seconds: float


def train_language_model(
    data: TextData,
    config: GenerateTrainConfig,
    *,
    threads: int,
    listen: Listener,
    should_stop: Callable[[], int | None],
    slot: CheckpointSlot,
) -> TrainedLanguageModel:
    """Train a language model with truncated backpropagation.

    Args:
        data: text of all splits.
        config: settings of the training.
        threads: CPU threads.
        listen: receiver of events.
        should_stop: returns the number of a signal to stop at, else None.
        slot: stored state to resume from, and where new ones are saved.

    Raises:
        DeviceError: the device is missing or its memory is too small.
        TrainingDiverged: a loss, gradient or weight is not finite.
        Interrupted: `should_stop` returned a signal.
        IncompatibleState: the checkpoint belongs to another training.
    """
    started = time.monotonic()
    device = choose_device(config.device)
    torch.set_num_threads(threads)
    settings = network_settings(data.vocabulary.size, config)
    network = new_network(settings, config).to(device)
    tokens = data.split("train")
    piece = config.bptt or PIECE
    hparams = text_hyperparameters(config, len(tokens))
    with as_device_error(
        f"on {device} while training", hint="use a smaller --batch-size, --bptt or --hidden"
    ):
        train = DeviceText(
            lanes=torch.from_numpy(in_lanes(tokens, hparams.batch_size).astype("int32")).to(device),
            piece=piece,
            steps_per_epoch=hparams.steps_per_epoch,
        )
        announce_training(network, train, hparams, part=PART, listen=listen, slot=slot)
        fitted = fit(
            network,
            train,
            loss_validator(data.split("val"), device, should_stop=should_stop),
            hparams,
            part=PART,
            listen=listen,
            should_stop=should_stop,
            slot=slot,
        )
    network.cpu().load_state_dict(fitted.weights)
    return TrainedLanguageModel(
        model=network.requires_grad_(False).eval(),
        settings=settings,
        hparams=hparams,
        piece=piece,
        fitted=fitted,
        seconds=time.monotonic() - started,
    )


def network_settings(vocabulary: int, config: GenerateTrainConfig) -> dict[str, Any]:
    """Return the arguments of the network for a vocabulary of this size."""
    return {
        "vocabulary": vocabulary,
        "hidden": list(config.hidden or HIDDEN),
        "dropout": DROPOUT if config.dropout is None else config.dropout,
    }


def new_network(settings: dict[str, Any], config: GenerateTrainConfig) -> LanguageModel:
    """Return the network with random weights that depend only on the seed."""
    torch.manual_seed(config.seed)
    network = LanguageModel(**{**settings, "hidden": tuple(settings["hidden"])})
    if config.init is not None:
        initialize_weights(network, config.init)
        init_forget_gate_bias(network)
    return network


def text_hyperparameters(config: GenerateTrainConfig, tokens: int) -> Hyperparameters:
    """Return the hyperparameters of a training on a number of tokens. An epoch is a pass, or a part or several of them.

    Args:
        config: settings of the training.
        tokens: number of training tokens.
    """
    piece = config.bptt or PIECE
    lanes = config.batch_size if isinstance(config.batch_size, int) else LANES
    if not isinstance(config.batch_size, int):
        lanes = max(1, min(LANES, tokens // (PIECES * piece)))
    lanes = min(lanes, tokens - 1)
    steps_of_pass = pieces_of((tokens - 1) // lanes, piece)
    per_epoch = min(max(steps_of_pass, MIN_EPOCH_STEPS), MAX_EPOCH_STEPS)
    steps = min(max(PASSES * steps_of_pass, MIN_STEPS), MAX_STEPS)
    epochs = config.epochs or -(-steps // per_epoch)
    hparams = make_hyperparameters(replace(config, batch_size=lanes), windows=tokens, targets=1)
    return replace(
        hparams,
        epochs=epochs,
        stop_after=epochs,
        steps_per_epoch=per_epoch,
        lr=config.lr or LR,
        warmup=min(WARMUP, epochs * per_epoch // 10),
        patience=config.patience or max(3, round(PATIENCE_SHARE * epochs)),
    )
