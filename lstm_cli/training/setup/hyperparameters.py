"""Hyperparameters of one training, with every setting resolved."""

import math
from dataclasses import dataclass, replace

from lstm_cli.config import TrainConfig

MIN_EPOCH_STEPS, MAX_EPOCH_STEPS = 100, 330  # optimizer steps between two validations
MANY_ROWS = 100_000  # windows x targets
MAX_SEGMENT_STEPS, MAX_STEPS_MANY_ROWS = 2_000, 1_320  # optimizer steps of a `segment` training, at most
MAX_WEIGHT_CELLS = 6_000_000  # windows x steps x targets that the weights of the parts rest on at most
MAX_WEIGHT_ROWS = 25_000  # windows x targets, the same
SEGMENT_PATIENCE_STEPS = 660  # steps without a better validation after which it stops
# A refit goes on from the best weights: for so large a share of the steps that led to them, at so large a share of the
# rate. Less where the network began to overfit in the first half of its training, more where it learnt to the end.
EARLY_REFIT, LATE_REFIT = (0.25, 0.3), (0.5, 0.5)


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """Settings of one call of `fit`."""

    epochs: int  # at most, and what the schedule reckons with
    stop_after: int  # epochs that are trained at most
    steps_per_epoch: int
    batch_size: int  # windows
    optimizer: str
    lr: float  # at its peak
    weight_decay: float
    schedule: str
    warmup: int  # optimizer steps until the learning rate is at its peak
    clip_norm: float  # 0: not clipped
    clip_value: float | None
    max_norm: float | None  # no unit's weights have a larger norm; None: free
    loss: str
    patience: int  # epochs
    min_delta: float
    bf16: bool  # a step computes in bfloat16 (precision.py)
    averaged: bool  # an exponential moving average of the weights is validated and kept
    seed: int


def make_hyperparameters(config: TrainConfig, *, windows: int, targets: int) -> Hyperparameters:
    """Return the hyperparameters of a training; the model's recipe decides what the config leaves open.

    An epoch is the interval between two validations: one pass over the windows, but at least 100 and at most 330 steps.

    Args:
        config: settings of the training.
        windows: number of training windows.
        targets: number of target columns.
    """
    segment = config.model == "segment"
    # `segment` takes every target of a window as a row of its own, and learns best from about 64 rows a step, or
    # twice as many where there are more than all its steps can see.
    rows, max_steps = (
        (128, MAX_STEPS_MANY_ROWS) if windows * targets >= MANY_ROWS else (64, MAX_SEGMENT_STEPS)
    )
    default_batch_size = max(1, rows // targets) if segment else 64
    batch_size = config.batch_size if isinstance(config.batch_size, int) else default_batch_size
    steps = min(max(math.ceil(windows / batch_size), MIN_EPOCH_STEPS), MAX_EPOCH_STEPS)
    epochs = config.epochs or (round(max_steps / steps) if segment else 100)
    return Hyperparameters(
        epochs=epochs,
        stop_after=epochs,
        steps_per_epoch=steps,
        batch_size=batch_size,
        optimizer=config.optimizer,
        lr=config.lr or (3e-3 if segment and windows >= 4_000 else 1e-3),
        weight_decay=config.weight_decay,
        schedule=config.schedule,
        warmup=min(100, epochs * steps // 10) if segment else 0,
        clip_norm=config.clip_norm or 0.0,
        clip_value=config.clip_value,
        max_norm=config.max_norm,
        loss=config.loss,
        patience=config.patience or (math.ceil(SEGMENT_PATIENCE_STEPS / steps) if segment else 10),
        min_delta=config.min_delta,
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
