"""The settings of `lstm train`."""

import re
from dataclasses import dataclass

from lstm_cli.config.validators import at_least, one_of
from lstm_cli.errors import UsageError

MODELS = ("segment", "stacked")
OPTIMIZERS = ("adamw", "adam", "sgd", "rmsprop")
SCHEDULES = ("cosine", "plateau", "constant")
HIDDEN = {"segment": (128,), "stacked": (64, 64)}  # sizes of the LSTM layers where none are given
INITS = ("xavier", "he", "orthogonal")
HIGHEST_LR = 1e30  # a weight of 32 bits holds 3e38
HEADS = ("last", "mean", "attention", "seq2seq")
PARTS = ("linear", "anchored", "free")
EFFORTS = ("fast", "default", "best")
LOG_TRANSFORMS = ("auto", "on", "off")
CHOICES = {"logs": "log transform"}  # what a choice that the data settle is called, where not by its key
LOSSES = ("mae", "mse", "huber")
STEP_PRECISIONS = ("auto", "fp32", "bf16")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of `lstm train`. None: the model's own default, see `models.defaults`."""

    model: str = "segment"  # segment or stacked
    effort: str = "default"  # of segment: fast, default or best
    parts: tuple[str, ...] = ()  # of segment: linear, anchored, free; empty: as the effort says
    refit: bool | None = (
        None  # fitted again on training and validation rows; None: as the model and effort say
    )
    log_transform: str = "auto"  # forecast the logarithm of the targets: auto, on or off
    segment: int | None = None  # steps in one segment; None: by rule, about a season
    hidden: tuple[int, ...] | None = None  # sizes of the LSTM layers
    dropout: float | None = None  # share of activations dropped while training
    bidirectional: bool = False  # of stacked: every layer reads backwards too
    batch_norm: bool = False  # of stacked: batch normalisation after each layer
    layer_norm: bool = False  # of stacked: layer normalisation after each layer
    attention: int = 0  # heads of self-attention over the outputs of the LSTM; 0: none
    head: str = "last"  # of stacked: from the outputs to the forecast
    init: str | None = None  # of stacked: xavier, he or orthogonal; None: as torch draws weights
    forget_bias: bool = False  # of stacked: the bias of forget gates begins at 1
    epochs: int | None = None  # at most so many intervals between two validations
    patience: int | None = None  # epochs without a better validation loss before training stops
    min_delta: float = 0.0  # a validation loss is better when it is lower by more than this
    batch_size: int | str | None = (
        None  # windows in one optimizer step; auto: the model's own, or fewer where memory does not suffice
    )
    optimizer: str = "adamw"
    lr: float | None = None  # learning rate at its peak
    weight_decay: float = 1e-4
    max_norm: float | None = None  # no unit's incoming weights have a larger norm; None: free
    schedule: str = "cosine"  # of the learning rate
    clip_norm: float | None = 1.0  # the gradient's norm is held at or below this; 0: not clipped
    clip_value: float | None = None  # each gradient entry is held within +-this
    loss: str = "mae"
    seed: int = 0
    device: str = "auto"  # auto, cpu, cuda or cuda:N
    precision: str = "auto"  # of a training step: fp32, bf16, or auto: bf16 where it was measured to pay
    threads: int | None = None  # CPU threads; None: all cores
    min: float | str = "auto"  # no forecast below this; auto: 0 where no training value is negative; or none
    max: float | None = None  # no forecast above this

    def __post_init__(self) -> None:
        one_of("--model", self.model, MODELS)
        one_of("--effort", self.effort, EFFORTS)
        one_of("--log-transform", self.log_transform, LOG_TRANSFORMS)
        at_least("--segment", self.segment, 1)
        for part in self.parts:
            one_of("--parts", part, PARTS)
        self._check_network()
        one_of("--optimizer", self.optimizer, OPTIMIZERS)
        one_of("--schedule", self.schedule, SCHEDULES)
        one_of("--loss", self.loss, LOSSES)
        one_of("--precision", self.precision, STEP_PRECISIONS)
        for flag, whole in (
            ("--epochs", self.epochs),
            ("--patience", self.patience),
        ):
            at_least(flag, whole, 1)
        if isinstance(self.batch_size, str):
            one_of("--batch-size", self.batch_size, ("auto",))
        else:
            at_least("--batch-size", self.batch_size, 1)
        at_least("--threads", self.threads, 1)
        at_least("--seed", self.seed, 0)
        at_least("--min-delta", self.min_delta, 0)
        at_least("--weight-decay", self.weight_decay, 0)
        at_least("--clip-norm", self.clip_norm, 0)
        for flag, number in (
            ("--lr", self.lr),
            ("--clip-value", self.clip_value),
            ("--max-norm", self.max_norm),
        ):
            if number is not None and not number > 0:
                raise UsageError(f"{flag} {number:g} is not above 0", flag=flag)
        if self.lr is not None and self.lr > HIGHEST_LR:
            raise UsageError(
                f"--lr {self.lr:g} is above {HIGHEST_LR:g}", hint="usual rates are 1e-4 to 1e-2", flag="--lr"
            )
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise UsageError(
                f"--dropout {self.dropout:g} is not within 0 and 1 (1 excluded)", flag="--dropout"
            )
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", self.device):
            raise UsageError(f"--device '{self.device}' is none of auto, cpu, cuda, cuda:N", flag="--device")
        if isinstance(self.min, str):
            one_of("--min", self.min, ("auto", "none"))
        elif self.max is not None and self.min >= self.max:
            raise UsageError(f"--min {self.min:g} is not below --max {self.max:g}", flag="--min")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of the LSTM layers: as given, else the model's own."""
        return self.hidden or HIDDEN[self.model]

    def _check_network(self) -> None:
        """What belongs to the model, and what fits together."""
        for flag, model, given in (
            ("--effort", "segment", self.effort != "default"),
            ("--parts", "segment", self.parts),
            ("--segment", "segment", self.segment),
            ("--bidirectional", "stacked", self.bidirectional),
            ("--batch-norm", "stacked", self.batch_norm),
            ("--layer-norm", "stacked", self.layer_norm),
            ("--head", "stacked", self.head != "last"),
            ("--init", "stacked", self.init),
            ("--forget-bias", "stacked", self.forget_bias),
        ):
            if given and self.model != model:
                raise UsageError(
                    f"{flag} is a setting of --model {model}, not of {self.model}",
                    hint=f"add --model {model}",
                    flag=flag,
                )
        for size in self.hidden or ():
            at_least("--hidden", size, 1)
        if self.hidden is not None and not self.hidden:
            raise UsageError("--hidden names no layer", hint="give sizes, as --hidden 64,32", flag="--hidden")
        if self.model == "segment" and self.hidden is not None and len(self.hidden) != 1:
            raise UsageError(
                "--hidden takes one size with --model segment",
                hint="use --model stacked for more layers",
                flag="--hidden",
            )
        one_of("--head", self.head, HEADS)
        if self.init is not None:
            one_of("--init", self.init, INITS)
        if self.batch_norm and self.layer_norm:
            raise UsageError(
                "--batch-norm and --layer-norm exclude each other",
                hint="choose one of them",
                flag="--batch-norm",
            )
        at_least("--attention", self.attention, 0)
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
