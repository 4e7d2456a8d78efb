"""Settings of `lstm train`."""

import re
from dataclasses import dataclass

from lstm_cli.config.setting import HARDWARE_PANEL, require_bounds, setting, threads_setting
from lstm_cli.config.validators import require_at_least
from lstm_cli.errors import UsageError

MODELS = ("segment", "stacked")
HIDDEN = {"segment": (128,), "stacked": (64, 64)}  # default sizes of the LSTM layers
MAX_LR = 1e30  # a 32-bit weight holds at most 3e38
KEEP_MODELS, MAX_KEEP = 3, 100  # models that `train` keeps by default, with the new one; limit of --keep
PARTS = ("linear", "anchored", "free")
CHOICES = {"logs": "log transform"}  # titles of automatic choices, if they differ from the key
BY_MODEL = "depends on --model"
MODEL_PANEL, TRAINING_PANEL = "Model", "Training"


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of `lstm train` and of each trial of `lstm tune`; None is the default of the model."""

    model: str = setting(
        "segment",
        "Model architecture: segment (linear forecast and LSTM) or stacked (plain LSTM).",
        choices=MODELS,
        panel=MODEL_PANEL,
    )
    effort: str = setting(
        "default",
        "Training effort; fast: linear and anchored parts, no refit; best: several seeds and learning rates.",
        choices=("fast", "default", "best"),
        model="segment",
    )
    parts: tuple[str, ...] = setting(
        (),
        "Part to train, without the others (repeatable).",
        choices=PARTS,
        default_text="by --effort",
        model="segment",
    )
    refit: bool | None = setting(
        None,
        "Final training of the selected model on training and validation rows.",
        flag="--refit/--no-refit",
        default_text="on for segment with enough rows, off for stacked",
        panel=MODEL_PANEL,
    )
    log_transform: str = setting(
        "auto",
        "Log transform of the targets; auto: on if validation improves.",
        choices=("auto", "on", "off"),
        panel=MODEL_PANEL,
    )
    segment: int | None = setting(
        None,
        "Segment length in steps.",
        "N",
        kind="whole",
        default_text="about one season",
        model="segment",
        minimum=1,
    )
    hidden: tuple[int, ...] | None = setting(
        None, "LSTM layer sizes.", "N,N", kind="sizes", default_text=BY_MODEL, panel=MODEL_PANEL, minimum=1
    )
    dropout: float | None = setting(
        None,
        "Dropout rate.",
        "X|N%",
        kind="share",
        default_text=BY_MODEL,
        panel=MODEL_PANEL,
        minimum=0,
        below=1,
    )
    bidirectional: bool = setting(False, "Bidirectional LSTM layers.", model="stacked")
    batch_norm: bool = setting(False, "Batch normalization after each layer.", model="stacked")
    layer_norm: bool = setting(False, "Layer normalization after each layer.", model="stacked")
    attention: int = setting(
        0,
        "Number of self-attention heads over the LSTM outputs.",
        "HEADS",
        kind="whole",
        default_text="none",
        panel=MODEL_PANEL,
        minimum=0,
    )
    head: str = setting(
        "last",
        "Output head: last state, mean output, attention pooling, or seq2seq decoder.",
        choices=("last", "mean", "attention", "seq2seq"),
        model="stacked",
    )
    init: str | None = setting(
        None,
        "Weight initialization of the input weights; recurrent weights are then orthogonal.",
        choices=("xavier", "he", "orthogonal"),
        default_text="PyTorch default",
        model="stacked",
    )
    forget_bias: bool = setting(False, "Initial forget-gate bias of 1.", model="stacked")
    epochs: int | None = setting(
        None,
        "Maximum number of epochs, each followed by a validation.",
        "N",
        kind="whole",
        default_text=BY_MODEL,
        panel=TRAINING_PANEL,
        minimum=1,
    )
    patience: int | None = setting(
        None,
        "Patience of early stopping: epochs without improvement.",
        "N",
        kind="whole",
        default_text=BY_MODEL,
        panel=TRAINING_PANEL,
        minimum=1,
    )
    min_delta: float | None = setting(
        None,
        "Smallest drop in validation loss that counts as an improvement.",
        "X",
        kind="number",
        default_text="0; 0.001 for labelled sequences",
        panel=TRAINING_PANEL,
        minimum=0,
    )
    batch_size: int | str | None = setting(
        None,
        "Batch size in windows; auto: reduced if memory runs out.",
        "N|auto",
        kind="batch",
        default_text=BY_MODEL,
        panel=TRAINING_PANEL,
        words=("auto",),
        minimum=1,
    )
    optimizer: str = setting(
        "adamw", "Optimizer.", choices=("adamw", "adam", "sgd", "rmsprop"), panel=TRAINING_PANEL
    )
    lr: float | None = setting(
        None, "Peak learning rate.", "X", kind="number", default_text=BY_MODEL, panel=TRAINING_PANEL, above=0
    )
    weight_decay: float = setting(1e-4, "Weight decay.", "X", kind="number", panel=TRAINING_PANEL, minimum=0)
    max_norm: float | None = setting(
        None,
        "Max-norm constraint on each unit's incoming weights.",
        "X",
        kind="number",
        default_text="off",
        panel=TRAINING_PANEL,
        above=0,
    )
    schedule: str = setting(
        "cosine",
        "Learning rate schedule.",
        choices=("cosine", "plateau", "constant"),
        panel=TRAINING_PANEL,
    )
    clip_norm: float | None = setting(
        1.0,
        "Gradient clipping: maximum norm of the gradient; 0: off.",
        "X",
        kind="number",
        panel=TRAINING_PANEL,
        minimum=0,
    )
    clip_value: float | None = setting(
        None,
        "Gradient clipping: maximum size of each gradient entry.",
        "X",
        kind="number",
        default_text="off",
        panel=TRAINING_PANEL,
        above=0,
    )
    loss: str = setting("mae", "Training loss.", choices=("mae", "mse", "huber"), panel=TRAINING_PANEL)
    seed: int = setting(
        0,
        "Random seed; the same seed gives the same result on the same machine.",
        "N",
        kind="whole",
        panel=TRAINING_PANEL,
        minimum=0,
    )
    device: str = setting("auto", "Device for training.", "auto|cpu|cuda[:N]", panel=HARDWARE_PANEL)
    precision: str = setting(
        "auto",
        "Training precision; auto: bf16 where it was measured to be faster and as accurate.",
        choices=("auto", "fp32", "bf16"),
        panel=HARDWARE_PANEL,
    )
    threads: int | None = threads_setting()
    min: float | str = setting(
        "auto",
        "Lower bound of forecasts, in the file's units; auto: 0 if no training value is negative.",
        "X|auto|none",
        kind="lower bound",
        panel=MODEL_PANEL,
        words=("auto", "none"),
    )
    max: float | None = setting(
        None,
        "Upper bound of forecasts, in the file's units.",
        "X|none",
        kind="upper bound",
        default_text="none",
        panel=MODEL_PANEL,
    )

    def __post_init__(self) -> None:
        require_bounds(self)
        if self.lr is not None and self.lr > MAX_LR:
            raise UsageError(
                f"--lr {self.lr:g} is too large: the maximum is {MAX_LR:g}",
                hint="usual learning rates are 1e-4 to 1e-2",
                flag="--lr",
            )
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", self.device):
            raise UsageError(
                f"--device '{self.device}' is invalid: use auto, cpu, cuda or cuda:N", flag="--device"
            )
        if not isinstance(self.min, str) and self.max is not None and self.min >= self.max:
            raise UsageError(f"--min {self.min:g} is not below --max {self.max:g}", flag="--min")
        self._check_network()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Return the sizes of the LSTM layers, given by --hidden or by the default of the model."""
        return self.hidden or HIDDEN[self.model]

    def _check_network(self) -> None:
        """Raise UsageError for settings that do not fit the model or each other."""
        if self.hidden is not None and not self.hidden:
            raise UsageError("--hidden is empty", hint="give layer sizes: --hidden 64,32", flag="--hidden")
        if self.model == "segment" and self.hidden is not None and len(self.hidden) != 1:
            raise UsageError(
                f"--hidden has {len(self.hidden)} sizes, but --model segment has one LSTM layer",
                hint="use --model stacked for more layers",
                flag="--hidden",
            )
        if self.batch_norm and self.layer_norm:
            raise UsageError(
                "--batch-norm and --layer-norm cannot be combined",
                hint="choose one of them",
                flag="--batch-norm",
            )
        width = self.sizes[-1] * (2 if self.bidirectional else 1)
        if self.attention and width % self.attention:
            directions = " (both directions)" if self.bidirectional else ""
            divisors = [heads for heads in range(1, width + 1) if width % heads == 0]
            nearest = min(divisors, key=lambda heads: abs(heads - self.attention))
            raise UsageError(
                f"--attention {self.attention} does not divide the {width} outputs of the LSTM{directions}",
                hint=f"use --attention {nearest}, or a last --hidden size divisible by {self.attention}",
                flag="--attention",
            )


def require_keep(keep: int) -> None:
    """Raise UsageError for a number of models that cannot be kept."""
    require_at_least("--keep", keep, 1)
    if keep > MAX_KEEP:
        raise UsageError(
            f"--keep {keep} is too large: the maximum is {MAX_KEEP}", hint="use --keep 5", flag="--keep"
        )
