"""The settings of the verbs as frozen dataclasses; a rule about a value lives in `__post_init__`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from lstm_cli.errors import UsageError

SCALERS = ("standard", "minmax", "robust", "none")
MISSING = ("interpolate", "last", "season", "refuse")
MODELS = ("segment", "stacked")
OPTIMIZERS = ("adamw", "adam", "sgd", "rmsprop")
SCHEDULES = ("cosine", "plateau", "constant")
HIDDEN = {"segment": (128,), "stacked": (64, 64)}  # sizes of the LSTM layers where none are given
INITS = ("xavier", "he", "orthogonal")
HIGHEST_LR = 1e30  # a weight of 32 bits holds 3e38
HEADS = ("last", "mean", "attention", "seq2seq")
PARTS = ("linear", "anchored", "free")
EFFORTS = ("fast", "default", "best")
LOGS = ("auto", "on", "off")
LOSSES = ("mae", "mse", "huber")
SPLITS = ("val", "test")
PRECISIONS = ("fp32", "fp16", "int8")
STEP_PRECISIONS = ("auto", "fp32", "bf16")
FORMATS = ("csv", "json", "parquet")
METHODS = ("random", "grid", "bayes")
EXPORTS = ("onnx", "torchscript", "pt2", "keras", "h5", "safetensors", "npz")


@dataclass(frozen=True, kw_only=True)
class PrepareConfig:
    """Settings of `lstm prepare`."""

    target: tuple[str, ...] = ()  # columns to forecast; empty: the only numeric one
    past: tuple[str, ...] = ()  # covariates known up to the forecast's origin
    future: tuple[str, ...] = ()  # covariates known ahead, over the horizon too
    calendar: bool = False  # hour, weekday, month and the like as known-ahead inputs
    time: str | None = None  # the time column; None: the first that reads as times
    series: str | None = None  # the column that names the series of a panel
    freq: str | None = None  # the time step, e.g. 1h, 15min, D, B, W, MS, ME, QS; None: found
    lookback: int | None = None  # steps that a window looks back; None: `auto`, a rule of the data
    horizon: int | None = None  # steps to forecast; None: one season, else 1
    season: tuple[int, ...] | str = "auto"  # steps in a season, one number or several; or `auto`, `none`
    val: str = "0.1"  # validation rows: a fraction, a number of steps, or the first date
    test: str = "0.2"  # test rows, likewise
    start: str | None = None  # first row used: a time, or row:N counted from 1
    end: str | None = None  # last row used (included)
    scaler: str = "standard"  # as scikit-learn defines it, fitted on the training rows
    missing: str = "interpolate"  # how missing cells and holes are filled
    pad: bool = False  # pad windows shorter than an explicit lookback at the front
    encoding: str | None = None  # of the text; None: UTF-8, or UTF-16 with its mark
    delimiter: str | None = None  # between cells; None: the comma

    def __post_init__(self) -> None:
        _one_of("--scaler", self.scaler, SCALERS)
        _one_of("--missing", self.missing, MISSING)
        _at_least("--lookback", self.lookback, 1)
        _at_least("--horizon", self.horizon, 1)
        if isinstance(self.season, str):
            _one_of("--season", self.season, ("auto", "none"))
        elif not self.season:
            raise UsageError("--season names none", hint="give numbers of steps, as --season 24,168, or none")
        else:
            _at_least("--season", min(self.season), 1)
        roles: dict[str, str] = {}
        for flag, names in (("--target", self.target), ("--past", self.past), ("--future", self.future)):
            for name in names:
                if name in roles:
                    raise UsageError(
                        f"column '{name}' is named by {roles[name]} and by {flag}",
                        hint="name each column once",
                    )
                roles[name] = flag
        for flag, named in (("--time", self.time), ("--series", self.series)):
            if named is not None and named in roles:
                raise UsageError(
                    f"column '{named}' is named by {roles[named]} and by {flag}", hint="name each column once"
                )
        if self.time is not None and self.time == self.series:
            raise UsageError(f"column '{self.time}' is named by --time and by --series")
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise UsageError(
                f"--delimiter '{self.delimiter}' is not one character", hint="e.g. ';', and $'\\t' for a tab"
            )


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of `lstm train`. None: the model's own default, see `models.defaults`."""

    model: str = "segment"  # segment or stacked
    effort: str = "default"  # of segment: fast, default or best
    parts: tuple[str, ...] = ()  # of segment: linear, anchored, free; empty: as the effort says
    refit: bool | None = (
        None  # fitted again on training and validation rows; None: as the model and effort say
    )
    logs: str = "auto"  # the logarithm of the targets is forecast: auto, on or off
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
        _one_of("--model", self.model, MODELS)
        _one_of("--effort", self.effort, EFFORTS)
        _one_of("--logs", self.logs, LOGS)
        _at_least("--segment", self.segment, 1)
        for part in self.parts:
            _one_of("--parts", part, PARTS)
        self._check_network()
        _one_of("--optimizer", self.optimizer, OPTIMIZERS)
        _one_of("--schedule", self.schedule, SCHEDULES)
        _one_of("--loss", self.loss, LOSSES)
        _one_of("--precision", self.precision, STEP_PRECISIONS)
        for flag, whole in (
            ("--epochs", self.epochs),
            ("--patience", self.patience),
        ):
            _at_least(flag, whole, 1)
        if isinstance(self.batch_size, str):
            _one_of("--batch-size", self.batch_size, ("auto",))
        else:
            _at_least("--batch-size", self.batch_size, 1)
        _at_least("--threads", self.threads, 1)
        _at_least("--seed", self.seed, 0)
        _at_least("--min-delta", self.min_delta, 0)
        _at_least("--weight-decay", self.weight_decay, 0)
        _at_least("--clip-norm", self.clip_norm, 0)
        for flag, number in (
            ("--lr", self.lr),
            ("--clip-value", self.clip_value),
            ("--max-norm", self.max_norm),
        ):
            if number is not None and not number > 0:
                raise UsageError(f"{flag} {number:g} is not above 0")
        if self.lr is not None and self.lr > HIGHEST_LR:
            raise UsageError(f"--lr {self.lr:g} is above {HIGHEST_LR:g}", hint="usual rates are 1e-4 to 1e-2")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise UsageError(f"--dropout {self.dropout:g} is not within 0 and 1 (1 excluded)")
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", self.device):
            raise UsageError(f"--device '{self.device}' is none of auto, cpu, cuda, cuda:N")
        if isinstance(self.min, str):
            _one_of("--min", self.min, ("auto", "none"))
        elif self.max is not None and self.min >= self.max:
            raise UsageError(f"--min {self.min:g} is not below --max {self.max:g}")

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
                )
        for size in self.hidden or ():
            _at_least("--hidden", size, 1)
        if self.hidden is not None and not self.hidden:
            raise UsageError("--hidden names no layer", hint="give sizes, as --hidden 64,32")
        if self.model == "segment" and self.hidden is not None and len(self.hidden) != 1:
            raise UsageError(
                "--hidden takes one size with --model segment", hint="use --model stacked for more layers"
            )
        _one_of("--head", self.head, HEADS)
        if self.init is not None:
            _one_of("--init", self.init, INITS)
        if self.batch_norm and self.layer_norm:
            raise UsageError("--batch-norm and --layer-norm exclude each other", hint="choose one of them")
        _at_least("--attention", self.attention, 0)
        width = self.sizes[-1] * (2 if self.bidirectional else 1)
        if self.attention and width % self.attention:
            both = " in both directions" if self.bidirectional else ""
            fitting = [heads for heads in range(1, width + 1) if width % heads == 0]
            near = min(fitting, key=lambda heads: abs(heads - self.attention))
            raise UsageError(
                f"--attention {self.attention} heads do not divide the {width} outputs of the LSTM{both}",
                hint=f"use --attention {near}, or a last size in --hidden that they divide",
            )


@dataclass(frozen=True, kw_only=True)
class TuneConfig:
    """Settings of `lstm tune`, beside those of `lstm train` that every trial has in common."""

    method: str = "random"  # how settings are proposed: random, grid or bayes
    trials: int | None = None  # trainings at most; None: 20, or the whole grid
    time: float | None = None  # seconds after which no further trial begins; None: no limit
    jobs: int | None = None  # trials side by side; None: 1, or all workers of `dask`
    space: tuple[str, ...] = ()  # NAME=A..B[:log] or NAME=A|B each; empty: the model's own
    dask: str | None = None  # address of a Dask scheduler whose workers run the trials
    storage: str | None = None  # address of an Optuna storage that several searches share

    def __post_init__(self) -> None:
        _one_of("--method", self.method, METHODS)
        _at_least("--trials", self.trials, 1)
        _at_least("--jobs", self.jobs, 1)
        if self.time is not None and not self.time > 0:
            raise UsageError(f"--time {self.time:g} is not above 0")
        if self.storage is not None and self.method != "bayes":
            raise UsageError("--storage is a setting of --method bayes", hint="add --method bayes")


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """Settings of `lstm evaluate`."""

    split: str = "test"  # the rows that are scored: val or test
    precision: str = "fp32"  # the model that is scored
    fail_if: tuple[str, ...] = ()  # conditions that end in exit 5, e.g. mase>=1
    backtest: int | None = None  # cut-offs of a rolling-origin backtest; None: none
    reuse: bool = False  # the backtest scores the model there is, instead of training anew at each cut-off
    jobs: int = 1  # cut-offs trained side by side
    threads: int | None = None  # CPU threads; None: all cores

    def __post_init__(self) -> None:
        _one_of("--split", self.split, SPLITS)
        _at_least("--backtest", self.backtest, 1)
        _at_least("--jobs", self.jobs, 1)
        for flag, given in (("--reuse", self.reuse), ("--jobs", self.jobs > 1)):
            if given and self.backtest is None:
                raise UsageError(f"{flag} is a setting of --backtest", hint="add --backtest 5")
        _one_of("--precision", self.precision, PRECISIONS)
        _at_least("--threads", self.threads, 1)


@dataclass(frozen=True, kw_only=True)
class QuantizeConfig:
    """Settings of `lstm quantize`."""

    to: str = "int8"  # int8 or fp16
    max_loss: float = 0.01  # the error may grow by this share, e.g. 1%

    def __post_init__(self) -> None:
        _one_of("--to", self.to, ("int8", "fp16"))
        _at_least("--max-loss", self.max_loss, 0)


@dataclass(frozen=True, kw_only=True)
class PredictConfig:
    """Settings of `lstm predict`."""

    output: str = "-"  # where the forecast goes; -: standard output
    format: str | None = None  # csv, json or parquet; None: by the output's ending, else csv
    precision: str = "auto"  # auto: the quantised model where there is a fresh one
    encoding: str | None = None  # of the new data's text
    delimiter: str | None = None  # between the new data's cells; None: as the training file
    intervals: bool = True  # write the ends of the 80 % and 95 % interval after each target
    threads: int | None = None  # CPU threads; None: all cores

    def __post_init__(self) -> None:
        _one_of("--precision", self.precision, ("auto", *PRECISIONS))
        if self.format is not None:
            _one_of("--format", self.format, FORMATS)
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise UsageError(
                f"--delimiter '{self.delimiter}' is not one character", hint="e.g. ';', and $'\\t' for a tab"
            )
        _at_least("--threads", self.threads, 1)


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """Settings of `lstm export`."""

    to: str = "onnx"  # the format of the file
    output: str | None = None  # where the file goes; None: into `exports/` of the run

    def __post_init__(self) -> None:
        _one_of("--to", self.to, EXPORTS)


Settings = TypeVar("Settings")


def restored(kind: type[Settings], stored: Mapping[str, Any]) -> Settings:
    """Settings from the JSON that a run keeps of them."""
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    return kind(**values)


def _one_of(flag: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"{flag} '{value}' is none of {', '.join(allowed)}")


def _at_least(flag: str, value: Any, least: float) -> None:
    if value is not None and not value >= least:
        raise UsageError(f"{flag} {value:g} is not {least:g} or more")
