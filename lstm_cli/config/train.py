"""The settings of `lstm train`."""

import re
from dataclasses import dataclass

from lstm_cli.config.setting import MACHINE, require_bounds, setting, threads_setting
from lstm_cli.errors import UsageError

MODELS = ("segment", "stacked")
HIDDEN = {"segment": (128,), "stacked": (64, 64)}  # sizes of the LSTM layers where none are given
HIGHEST_LR = 1e30  # a weight of 32 bits holds 3e38
PARTS = ("linear", "anchored", "free")
CHOICES = {"logs": "log transform"}  # what a choice that the data settle is called, where not by its key
OWN = "the model's own"
MODEL, TRAINING = "Model", "Training"  # panels


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of `lstm train`, which every trial of `lstm tune` has too. None: the model's own default."""

    model: str = setting(
        "segment",
        "segment: a linear forecast and an LSTM; stacked: the textbook LSTM.",
        choices=MODELS,
        panel=MODEL,
    )
    effort: str = setting(
        "default",
        "fast: linear and anchored parts, no refit; best: several seeds and learning rates.",
        choices=("fast", "default", "best"),
        model="segment",
    )
    parts: tuple[str, ...] = setting(
        (),
        "Train just this part; repeat for several.",
        choices=PARTS,
        default_text="by effort",
        model="segment",
    )
    refit: bool | None = setting(
        None,
        "Fit what validation chose again on training and validation rows.",
        flag="--refit/--no-refit",
        default_text="on for segment unless the rows are too few, off for stacked",
        panel=MODEL,
    )
    log_transform: str = setting(
        "auto",
        "Forecast the logarithm of the targets; auto: where validation is better with it.",
        choices=("auto", "on", "off"),
        panel=MODEL,
    )
    segment: int | None = setting(
        None,
        "Steps in one segment.",
        "N",
        kind="whole",
        default_text="about a season",
        model="segment",
        least=1,
    )
    hidden: tuple[int, ...] | None = setting(
        None, "Sizes of the LSTM layers.", "N,N", kind="sizes", default_text=OWN, panel=MODEL, least=1
    )
    dropout: float | None = setting(
        None,
        "Share of activations dropped while training.",
        "X|N%",
        kind="share",
        default_text=OWN,
        panel=MODEL,
        least=0,
        below=1,
    )
    bidirectional: bool = setting(False, "Every layer reads backwards too.", model="stacked")
    batch_norm: bool = setting(False, "Batch normalisation after each layer.", model="stacked")
    layer_norm: bool = setting(False, "Layer normalisation after each layer.", model="stacked")
    attention: int = setting(
        0,
        "Self-attention with so many heads over the LSTM's outputs.",
        "HEADS",
        kind="whole",
        default_text="none",
        panel=MODEL,
        least=0,
    )
    head: str = setting(
        "last",
        "Forecast from the last state, the mean output, a learned mean, or by a decoder.",
        choices=("last", "mean", "attention", "seq2seq"),
        model="stacked",
    )
    init: str | None = setting(
        None,
        "How weights begin; recurrent ones are then orthogonal.",
        choices=("xavier", "he", "orthogonal"),
        default_text="as torch does",
        model="stacked",
    )
    forget_bias: bool = setting(False, "Forget gates begin open, with a bias of 1.", model="stacked")
    epochs: int | None = setting(
        None,
        "At most so many epochs, with a validation after each.",
        "N",
        kind="whole",
        default_text=OWN,
        panel=TRAINING,
        least=1,
    )
    patience: int | None = setting(
        None,
        "Stop after so many epochs without a better one.",
        "N",
        kind="whole",
        default_text=OWN,
        panel=TRAINING,
        least=1,
    )
    min_delta: float = setting(
        0.0,
        "Better is a validation loss lower by more than this.",
        "X",
        kind="number",
        panel=TRAINING,
        least=0,
    )
    batch_size: int | str | None = setting(
        None,
        "Windows in one optimizer step; auto: fewer of them where memory does not suffice.",
        "N|auto",
        kind="batch",
        default_text=OWN,
        panel=TRAINING,
        words=("auto",),
        least=1,
    )
    optimizer: str = setting(
        "adamw", "How weights are moved.", choices=("adamw", "adam", "sgd", "rmsprop"), panel=TRAINING
    )
    lr: float | None = setting(
        None, "Learning rate at its peak.", "X", kind="number", default_text=OWN, panel=TRAINING, above=0
    )
    weight_decay: float = setting(
        1e-4, "Pull of the weights towards 0.", "X", kind="number", panel=TRAINING, least=0
    )
    max_norm: float | None = setting(
        None,
        "Hold the norm of the weights into each unit at or below this.",
        "X",
        kind="number",
        default_text="not held",
        panel=TRAINING,
        above=0,
    )
    schedule: str = setting(
        "cosine",
        "How the learning rate falls.",
        choices=("cosine", "plateau", "constant"),
        panel=TRAINING,
    )
    clip_norm: float | None = setting(
        1.0,
        "Hold the gradient's norm at or below this; 0: not clipped.",
        "X",
        kind="number",
        panel=TRAINING,
        least=0,
    )
    clip_value: float | None = setting(
        None,
        "Hold each entry of the gradient within +-X.",
        "X",
        kind="number",
        default_text="not held",
        panel=TRAINING,
        above=0,
    )
    loss: str = setting("mae", "What training minimises.", choices=("mae", "mse", "huber"), panel=TRAINING)
    seed: int = setting(
        0,
        "Of all chance: same seed, same machine, same result.",
        "N",
        kind="whole",
        panel=TRAINING,
        least=0,
    )
    device: str = setting("auto", "Where to train.", "auto|cpu|cuda[:N]", panel=MACHINE)
    precision: str = setting(
        "auto",
        "Of the training steps; auto: bf16 where that was measured to be faster and as good.",
        choices=("auto", "fp32", "bf16"),
        panel=MACHINE,
    )
    threads: int | None = threads_setting()
    min: float | str = setting(
        "auto",
        "No forecast below this, in the file's units; auto: 0 where no training value is negative.",
        "X|auto|none",
        kind="lower bound",
        panel=MODEL,
        words=("auto", "none"),
    )
    max: float | None = setting(
        None,
        "No forecast above this, in the file's units.",
        "X|none",
        kind="upper bound",
        default_text="none",
        panel=MODEL,
    )

    def __post_init__(self) -> None:
        require_bounds(self)
        if self.lr is not None and self.lr > HIGHEST_LR:
            raise UsageError(
                f"--lr {self.lr:g} is above {HIGHEST_LR:g}", hint="usual rates are 1e-4 to 1e-2", flag="--lr"
            )
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", self.device):
            raise UsageError(f"--device '{self.device}' is none of auto, cpu, cuda, cuda:N", flag="--device")
        if not isinstance(self.min, str) and self.max is not None and self.min >= self.max:
            raise UsageError(f"--min {self.min:g} is not below --max {self.max:g}", flag="--min")
        self._check_network()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of the LSTM layers: as given, else the model's own."""
        return self.hidden or HIDDEN[self.model]

    def _check_network(self) -> None:
        """What belongs to the model, and what fits together."""
        if self.hidden is not None and not self.hidden:
            raise UsageError("--hidden names no layer", hint="give sizes, as --hidden 64,32", flag="--hidden")
        if self.model == "segment" and self.hidden is not None and len(self.hidden) != 1:
            raise UsageError(
                "--hidden takes one size with --model segment",
                hint="use --model stacked for more layers",
                flag="--hidden",
            )
        if self.batch_norm and self.layer_norm:
            raise UsageError(
                "--batch-norm and --layer-norm exclude each other",
                hint="choose one of them",
                flag="--batch-norm",
            )
        width = self.sizes[-1] * (2 if self.bidirectional else 1)
        if self.attention and width % self.attention:
            both = " in both directions" if self.bidirectional else ""
            fitting = [heads for heads in range(1, width + 1) if width % heads == 0]
            near = min(fitting, key=lambda heads: abs(heads - self.attention))
            raise UsageError(
                f"--attention {self.attention} heads do not divide the {width} outputs of the LSTM{both}",
                hint=f"use --attention {near}, or a last size in --hidden that they divide",
                flag="--attention",
            )
