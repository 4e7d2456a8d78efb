"""The options that settle what is trained and how, which `train` and `tune` have in common."""

from typing import Annotated, Any

from lstm_cli.cli import option_values
from lstm_cli.cli.options import MACHINE, ThreadsOption, option, switch
from lstm_cli.config.train import (
    EFFORTS,
    HEADS,
    INITS,
    LOG_TRANSFORMS,
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
MODEL, SEGMENT, STACKED, TRAINING = "Model", "Model segment", "Model stacked", "Training"  # panels


def train_settings(
    model: Annotated[
        str,
        option(
            "--model",
            "segment: a linear forecast and an LSTM; stacked: the textbook LSTM.",
            choices=MODELS,
            panel=MODEL,
        ),
    ] = DEFAULTS.model,
    effort: Annotated[
        str,
        option(
            "--effort",
            "fast: linear and anchored parts, no refit; best: several seeds and learning rates.",
            choices=EFFORTS,
            panel=SEGMENT,
        ),
    ] = DEFAULTS.effort,
    parts: Annotated[
        list[str] | None,
        option(
            "--parts",
            "Train just this part; repeat for several.",
            choices=PARTS,
            default="by effort",
            panel=SEGMENT,
        ),
    ] = None,
    refit: Annotated[
        bool | None,
        option(
            "--refit/--no-refit",
            "Fit what validation chose again on training and validation rows.",
            default="on for segment unless the rows are too few, off for stacked",
            panel=MODEL,
        ),
    ] = DEFAULTS.refit,
    log_transform: Annotated[
        str,
        option(
            "--log-transform",
            "Forecast the logarithm of the targets; auto: where validation is better with it.",
            choices=LOG_TRANSFORMS,
            panel=MODEL,
        ),
    ] = DEFAULTS.log_transform,
    segment: Annotated[
        int | None,
        option(
            "--segment",
            "Steps in one segment.",
            "N",
            parse=option_values.whole,
            default="about a season",
            panel=SEGMENT,
        ),
    ] = DEFAULTS.segment,
    hidden: Annotated[
        Any,
        option(
            "--hidden",
            "Sizes of the LSTM layers.",
            "N,N",
            parse=option_values.sizes,
            default=OWN,
            panel=MODEL,
        ),
    ] = DEFAULTS.hidden,
    dropout: Annotated[
        float | None,
        option(
            "--dropout",
            "Share of activations dropped while training.",
            "X|N%",
            parse=option_values.share,
            default=OWN,
            panel=MODEL,
        ),
    ] = DEFAULTS.dropout,
    bidirectional: Annotated[
        bool, switch("--bidirectional", "Every layer reads backwards too.", panel=STACKED)
    ] = DEFAULTS.bidirectional,
    batch_norm: Annotated[
        bool, switch("--batch-norm", "Batch normalisation after each layer.", panel=STACKED)
    ] = DEFAULTS.batch_norm,
    layer_norm: Annotated[
        bool, switch("--layer-norm", "Layer normalisation after each layer.", panel=STACKED)
    ] = DEFAULTS.layer_norm,
    attention: Annotated[
        int,
        option(
            "--attention",
            "Self-attention with so many heads over the LSTM's outputs.",
            "HEADS",
            parse=option_values.whole,
            default="none",
            panel=MODEL,
        ),
    ] = DEFAULTS.attention,
    head: Annotated[
        str,
        option(
            "--head",
            "Forecast from the last state, the mean output, a learned mean, or by a decoder.",
            choices=HEADS,
            panel=STACKED,
        ),
    ] = DEFAULTS.head,
    init: Annotated[
        str | None,
        option(
            "--init",
            "How weights begin; recurrent ones are then orthogonal.",
            choices=INITS,
            default="as torch does",
            panel=STACKED,
        ),
    ] = DEFAULTS.init,
    forget_bias: Annotated[
        bool, switch("--forget-bias", "Forget gates begin open, with a bias of 1.", panel=STACKED)
    ] = DEFAULTS.forget_bias,
    epochs: Annotated[
        int | None,
        option(
            "--epochs",
            "At most so many epochs, with a validation after each.",
            "N",
            parse=option_values.whole,
            default=OWN,
            panel=TRAINING,
        ),
    ] = DEFAULTS.epochs,
    patience: Annotated[
        int | None,
        option(
            "--patience",
            "Stop after so many epochs without a better one.",
            "N",
            parse=option_values.whole,
            default=OWN,
            panel=TRAINING,
        ),
    ] = DEFAULTS.patience,
    min_delta: Annotated[
        float,
        option(
            "--min-delta",
            "Better is a validation loss lower by more than this.",
            "X",
            parse=option_values.number,
            panel=TRAINING,
        ),
    ] = DEFAULTS.min_delta,
    batch_size: Annotated[
        Any,
        option(
            "--batch-size",
            "Windows in one optimizer step; auto: fewer of them where memory does not suffice.",
            "N|auto",
            parse=option_values.batch,
            default=OWN,
            panel=TRAINING,
        ),
    ] = DEFAULTS.batch_size,
    optimizer: Annotated[
        str, option("--optimizer", "How weights are moved.", choices=OPTIMIZERS, panel=TRAINING)
    ] = DEFAULTS.optimizer,
    lr: Annotated[
        float | None,
        option(
            "--lr", "Learning rate at its peak.", "X", parse=option_values.number, default=OWN, panel=TRAINING
        ),
    ] = DEFAULTS.lr,
    weight_decay: Annotated[
        float,
        option(
            "--weight-decay",
            "Pull of the weights towards 0.",
            "X",
            parse=option_values.number,
            panel=TRAINING,
        ),
    ] = DEFAULTS.weight_decay,
    max_norm: Annotated[
        float | None,
        option(
            "--max-norm",
            "Hold the norm of the weights into each unit at or below this.",
            "X",
            parse=option_values.number,
            default="not held",
            panel=TRAINING,
        ),
    ] = DEFAULTS.max_norm,
    schedule: Annotated[
        str, option("--schedule", "How the learning rate falls.", choices=SCHEDULES, panel=TRAINING)
    ] = DEFAULTS.schedule,
    clip_norm: Annotated[
        float | None,
        option(
            "--clip-norm",
            "Hold the gradient's norm at or below this; 0: not clipped.",
            "X",
            parse=option_values.number,
            panel=TRAINING,
        ),
    ] = DEFAULTS.clip_norm,
    clip_value: Annotated[
        float | None,
        option(
            "--clip-value",
            "Hold each entry of the gradient within +-X.",
            "X",
            parse=option_values.number,
            default="not held",
            panel=TRAINING,
        ),
    ] = DEFAULTS.clip_value,
    loss: Annotated[
        str, option("--loss", "What training minimises.", choices=LOSSES, panel=TRAINING)
    ] = DEFAULTS.loss,
    seed: Annotated[
        int,
        option(
            "--seed",
            "Of all chance: same seed, same machine, same result.",
            "N",
            parse=option_values.whole,
            panel=TRAINING,
        ),
    ] = DEFAULTS.seed,
    device: Annotated[
        str, option("--device", "Where to train.", "auto|cpu|cuda[:N]", panel=MACHINE)
    ] = DEFAULTS.device,
    precision: Annotated[
        str,
        option(
            "--precision",
            "Of the training steps; auto: bf16 where that was measured to be faster and as good.",
            choices=STEP_PRECISIONS,
            panel=MACHINE,
        ),
    ] = DEFAULTS.precision,
    threads: ThreadsOption = DEFAULTS.threads,
    min: Annotated[
        Any,
        option(
            "--min",
            "No forecast below this, in the file's units; auto: 0 where no training value is negative.",
            "X|auto|none",
            parse=option_values.lower_bound,
            panel=MODEL,
        ),
    ] = DEFAULTS.min,
    max: Annotated[
        Any,
        option(
            "--max",
            "No forecast above this, in the file's units.",
            "X|none",
            parse=option_values.upper_bound,
            default="none",
            panel=MODEL,
        ),
    ] = DEFAULTS.max,
) -> None:
    """Stands for its parameters, one a field of TrainConfig; see `with_options_of`."""
