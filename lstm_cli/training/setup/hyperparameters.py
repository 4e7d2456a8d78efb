"""Hyperparameters of one training, with every setting resolved."""

import math
from dataclasses import dataclass, replace

from lstm_cli.config import TrainConfig

MIN_EPOCH_STEPS, MAX_EPOCH_STEPS = 100, 330  # optimizer steps between two validations
MANY_ROWS = 100_000  # windows x targets
MAX_SEGMENT_STEPS, MAX_STEPS_MANY_ROWS = (
    2_000,
    1_320,
)  # optimizer steps of a `segment` training; fewer with MANY_ROWS
MAX_WEIGHT_CELLS = 6_000_000  # windows x steps x targets for the weights of the parts
MAX_WEIGHT_ROWS = 25_000  # windows x targets for the weights of the parts
SEGMENT_PATIENCE_STEPS = 660  # patience of `segment` in optimizer steps
# A warm start begins near its goal. With the learning rate of random weights it first gets worse (benchmarks/year.md).
WARM_LR_SHARE = 0.1
WARM_STEPS, WARM_PATIENCE_STEPS = 500, 200
# A refit continues from the best weights. The pair is its share of the steps until the best epoch, and its share of the
# learning rate: small if the network began to overfit in the first half of its training, larger if it learned longer.
EARLY_REFIT, LATE_REFIT = (0.25, 0.3), (0.5, 0.5)


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """Settings of one call of `fit`."""

    epochs: int  # largest number of epochs, and the length of the schedule
    stop_after: int  # largest number of epochs that are run
    steps_per_epoch: int
    batch_size: int  # windows
    optimizer: str
    lr: float  # peak learning rate
    weight_decay: float
    schedule: str
    warmup: int  # optimizer steps until the peak learning rate
    clip_norm: float  # 0: no clipping
    clip_value: float | None
    max_norm: float | None  # largest norm of the weights into a unit; None: no limit
    loss: str
    patience: int  # epochs
    min_delta: float
    bf16: bool  # compute in bfloat16 (precision.py)
    averaged: bool  # validate and keep an exponential moving average of the weights
    seed: int


def make_hyperparameters(
    config: TrainConfig, *, windows: int, targets: int, warm: bool = False
) -> Hyperparameters:
    """Return the hyperparameters of a training; the model's recipe decides what the config leaves open.

    An epoch is the interval between two validations: one pass over the windows, but at least 100 and at most 330 steps.
    A warm start has a tenth of the learning rate, and fewer epochs.

    Args:
        config: settings of the training.
        windows: number of training windows.
        targets: number of target columns.
        warm: all layers start with the weights of another model.
    """
    segment = config.model == "segment"
    # `segment` treats each target of a window as a row. It learns best from about 64 rows per step, or from 128
    # if there are more rows than its steps can cover.
    rows, max_steps = (
        (128, MAX_STEPS_MANY_ROWS) if windows * targets >= MANY_ROWS else (64, MAX_SEGMENT_STEPS)
    )
    default_batch_size = max(1, rows // targets) if segment else 64
    batch_size = config.batch_size if isinstance(config.batch_size, int) else default_batch_size
    steps = min(max(math.ceil(windows / batch_size), MIN_EPOCH_STEPS), MAX_EPOCH_STEPS)
    epochs, patience = (
        (round(max_steps / steps), math.ceil(SEGMENT_PATIENCE_STEPS / steps)) if segment else (100, 10)
    )
    lr = 3e-3 if segment and windows >= 4_000 else 1e-3
    if warm:
        epochs, patience = math.ceil(WARM_STEPS / steps), math.ceil(WARM_PATIENCE_STEPS / steps)
        lr *= WARM_LR_SHARE
    epochs = config.epochs or epochs
    return Hyperparameters(
        epochs=epochs,
        stop_after=epochs,
        steps_per_epoch=steps,
        batch_size=batch_size,
        optimizer=config.optimizer,
        lr=config.lr or lr,
        weight_decay=config.weight_decay,
        schedule=config.schedule,
        warmup=min(100, epochs * steps // 10) if segment else 0,
        clip_norm=config.clip_norm or 0.0,
        clip_value=config.clip_value,
        max_norm=config.max_norm,
        loss=config.loss,
        patience=config.patience or patience,
        min_delta=config.min_delta or 0.0,
        bf16=config.precision == "bf16",
        averaged=segment,
        seed=config.seed,
    )


def refit_hyperparameters(hparams: Hyperparameters, *, best_epoch: int) -> Hyperparameters:
    """Return the hyperparameters of a refit: it continues from the best weights, on training and validation rows.

    A refit has no validation, so it is one epoch. It has no step if the best weights were those of the start.
    """
    share, lr_share = LATE_REFIT if 2 * best_epoch > hparams.epochs else EARLY_REFIT
    steps = round(share * best_epoch * hparams.steps_per_epoch)
    return replace(
        hparams,
        epochs=1,
        stop_after=min(1, steps),
        steps_per_epoch=steps,
        lr=lr_share * hparams.lr,
        warmup=steps // 10,
        schedule="cosine",
    )


def learning_rate_share(hparams: Hyperparameters, step: int) -> float:
    """Return the share of the peak learning rate at a step, by warm-up and cosine (plateau: see `fit`)."""
    if step < hparams.warmup:
        return (step + 1) / hparams.warmup
    if hparams.schedule != "cosine":
        return 1.0
    total = hparams.epochs * hparams.steps_per_epoch
    progress = (step - hparams.warmup) / max(1, total - hparams.warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
