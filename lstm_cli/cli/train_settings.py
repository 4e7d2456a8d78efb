"""The options that settle what is trained and how, which `train` and `tune` have in common."""

from typing import Annotated, Any

from lstm_cli.cli import values
from lstm_cli.cli.options import ThreadsOption, option, switch
from lstm_cli.config.train import (
    EFFORTS,
    HEADS,
    INITS,
    LOGS,
    LOSSES,
    MODELS,
    OPTIMIZERS,
    PARTS,
    SCHEDULES,
    STEP_PRECISIONS,
    TrainConfig,
)

DEFAULTS = TrainConfig()
OWN = "the model's own"


def train_settings(
    model: Annotated[
        str,
        option(
            "--model", "segment: a linear forecast and an LSTM; stacked: the textbook LSTM.", choices=MODELS
        ),
    ] = DEFAULTS.model,
    effort: Annotated[
        str,
        option(
            "--effort",
            "Of segment. fast: linear and anchored parts, no refit; best: several seeds and learning rates.",
            choices=EFFORTS,
        ),
    ] = DEFAULTS.effort,
    parts: Annotated[
        list[str] | None,
        option(
            "--parts", "Train just this part of segment (repeatable).", choices=PARTS, default="by effort"
        ),
    ] = None,
    refit: Annotated[
        bool | None,
        option(
            "--refit/--no-refit",
            "Fit what validation chose again on training and validation rows.",
            default="on for segment unless the rows are too few, off for stacked",
        ),
    ] = DEFAULTS.refit,
    logs: Annotated[
        str,
        option("--logs", "Forecast the logarithm of the targets; auto: as validation says.", choices=LOGS),
    ] = DEFAULTS.logs,
    segment: Annotated[
        int | None,
        option("--segment", "Steps in one segment.", "N", parse=values.whole, default="about a season"),
    ] = DEFAULTS.segment,
    hidden: Annotated[
        Any, option("--hidden", "Sizes of the LSTM layers.", "N,N", parse=values.sizes, default=OWN)
    ] = DEFAULTS.hidden,
    dropout: Annotated[
        float | None,
        option(
            "--dropout",
            "Share of activations dropped while training.",
            "X|N%",
            parse=values.share,
            default=OWN,
        ),
    ] = DEFAULTS.dropout,
    bidirectional: Annotated[
        bool, switch("--bidirectional", "Of stacked: every layer reads backwards too.")
    ] = DEFAULTS.bidirectional,
    batch_norm: Annotated[
        bool, switch("--batch-norm", "Of stacked: batch normalisation after each layer.")
    ] = DEFAULTS.batch_norm,
    layer_norm: Annotated[
        bool, switch("--layer-norm", "Of stacked: layer normalisation after each layer.")
    ] = DEFAULTS.layer_norm,
    attention: Annotated[
        int,
        option(
            "--attention",
            "Self-attention with so many heads over the LSTM's outputs.",
            "HEADS",
            parse=values.whole,
            default="none",
        ),
    ] = DEFAULTS.attention,
    head: Annotated[
        str,
        option(
            "--head",
            "Of stacked: forecast from the last state, the mean output, a learned mean, or by a decoder.",
            choices=HEADS,
        ),
    ] = DEFAULTS.head,
    init: Annotated[
        str | None,
        option(
            "--init",
            "Of stacked: how weights begin; recurrent ones are then orthogonal.",
            choices=INITS,
            default="as torch does",
        ),
    ] = DEFAULTS.init,
    forget_bias: Annotated[
        bool, switch("--forget-bias", "Of stacked: forget gates begin open, with a bias of 1.")
    ] = DEFAULTS.forget_bias,
    epochs: Annotated[
        int | None,
        option(
            "--epochs",
            "At most so many epochs, with a validation after each.",
            "N",
            parse=values.whole,
            default=OWN,
        ),
    ] = DEFAULTS.epochs,
    patience: Annotated[
        int | None,
        option(
            "--patience",
            "Stop after so many epochs without a better one.",
            "N",
            parse=values.whole,
            default=OWN,
        ),
    ] = DEFAULTS.patience,
    min_delta: Annotated[
        float,
        option(
            "--min-delta", "Better is a validation loss lower by more than this.", "X", parse=values.number
        ),
    ] = DEFAULTS.min_delta,
    batch_size: Annotated[
        Any,
        option(
            "--batch-size",
            "Windows in one optimizer step; auto: fewer of them where memory does not suffice.",
            "N|auto",
            parse=values.batch,
            default=OWN,
        ),
    ] = DEFAULTS.batch_size,
    optimizer: Annotated[
        str, option("--optimizer", "How weights are moved.", choices=OPTIMIZERS)
    ] = DEFAULTS.optimizer,
    lr: Annotated[
        float | None, option("--lr", "Learning rate at its peak.", "X", parse=values.number, default=OWN)
    ] = DEFAULTS.lr,
    weight_decay: Annotated[
        float, option("--weight-decay", "Pull of the weights towards 0.", "X", parse=values.number)
    ] = DEFAULTS.weight_decay,
    max_norm: Annotated[
        float | None,
        option(
            "--max-norm",
            "Hold the norm of the weights into each unit at or below this.",
            "X",
            parse=values.number,
            default="not held",
        ),
    ] = DEFAULTS.max_norm,
    schedule: Annotated[
        str, option("--schedule", "How the learning rate falls.", choices=SCHEDULES)
    ] = DEFAULTS.schedule,
    clip_norm: Annotated[
        float | None,
        option(
            "--clip-norm",
            "Hold the gradient's norm at or below this; 0: not clipped.",
            "X",
            parse=values.number,
        ),
    ] = DEFAULTS.clip_norm,
    clip_value: Annotated[
        float | None,
        option(
            "--clip-value",
            "Hold each entry of the gradient within +-X.",
            "X",
            parse=values.number,
            default="not held",
        ),
    ] = DEFAULTS.clip_value,
    loss: Annotated[str, option("--loss", "What training minimises.", choices=LOSSES)] = DEFAULTS.loss,
    seed: Annotated[
        int, option("--seed", "Of all chance: same seed, same machine, same result.", "N", parse=values.whole)
    ] = DEFAULTS.seed,
    device: Annotated[str, option("--device", "Where to train.", "auto|cpu|cuda[:N]")] = DEFAULTS.device,
    precision: Annotated[
        str,
        option(
            "--precision",
            "Of the training steps; auto: bf16 where that was measured to be faster and as good.",
            choices=STEP_PRECISIONS,
        ),
    ] = DEFAULTS.precision,
    threads: ThreadsOption = DEFAULTS.threads,
    min: Annotated[
        Any,
        option(
            "--min",
            "No forecast below this, in the file's units; auto: 0 where no training value is negative.",
            "X|auto|none",
            parse=values.lower_bound,
        ),
    ] = DEFAULTS.min,
    max: Annotated[
        Any,
        option(
            "--max",
            "No forecast above this, in the file's units.",
            "X|none",
            parse=values.upper_bound,
            default="none",
        ),
    ] = DEFAULTS.max,
) -> None:
    """Stands for its parameters, one a field of TrainConfig; see `with_options_of`."""
