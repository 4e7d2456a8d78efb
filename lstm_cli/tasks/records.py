"""Records of the tasks. `prepare` settles the task of a run, and every other step looks up what it needs here.

No other module compares tasks; `tests/tasks/test_no_task_is_compared.py` checks this.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

TS_ENDING = ".ts"  # of a file of the UEA and UCR archives
TXT_ENDING = ".txt"  # of a file that may be a table or a text
PACKED_ENDINGS = (".gz", ".bz2", ".xz", ".zst", ".zip")  # after that of the content
# Settings of tasks with tables, which a text does not have.
OF_CELLS = (
    *("delimiter", "no_header", "names", "skip_rows", "decimal", "thousands", "units", "na_value"),
    *("time_format", "dayfirst"),
)
OF_TABLES = (*OF_CELLS, "time", "scaler", "missing")
OF_LAYERS = (
    "bidirectional",
    "batch_norm",
    "layer_norm",
    "attention",
)  # of a network that reads a whole window


@dataclass(frozen=True, kw_only=True)
class Task:
    """Purpose of a run. The names are those of files, settings, metrics and inputs of the ONNX graph."""

    name: str
    title: str  # in messages
    files: Mapping[str, tuple[str, ...]]  # artifact -> files that only this task has
    options: Mapping[str, frozenset[str]]  # verb -> settings that this task has, and not every task
    purpose: str  # of `predict`, as a phrase
    output: str  # file of `predict` in messages
    settled_by: str = ""  # options of `prepare` that choose the task, for hints
    excluded: frozenset[str] = field(default=frozenset())  # verbs that the task does not have
    graph: tuple[tuple[str, ...], tuple[str, ...]]  # names of the inputs and outputs of the ONNX graph
    only_model: str = ""  # --model of a task with one network
    losses: tuple[str, ...]  # of the training
    metrics: tuple[str, ...]  # of `evaluate`, the one that is shown first in front
    baselines: tuple[str, ...]  # that `evaluate` compares with


FORECAST = Task(
    name="forecast",
    title="a forecast",
    purpose="to forecast",
    output="forecast.csv",
    files={
        "data": ("measured.npy", "series.json", "training.json"),
        "model": ("series.json", "training.json", "linear.safetensors", "intervals.json"),
        "scores": ("per_step.csv", "per_target.csv", "per_series.csv", "origin_errors.npy", "forecasts.png"),
    },
    options={
        "prepare": frozenset(
            (
                *("target", "past", "future", "static", "calendar", "holidays", "series", "wide"),
                *("lookback", "horizon", "season", "start", "end", "outliers", "pad"),
                *("tz", "freq", "resample", "gaps", "duplicates"),
                *OF_TABLES,
            )
        ),
        "train": frozenset(
            (
                *("effort", "parts", "refit", "log_transform", "segment", "loss", "min", "max", "precision"),
                *OF_LAYERS,
            )
        ),
        "evaluate": frozenset(("backtest", "reuse", "jobs", "forecasts", "stride")),
        "predict": frozenset(
            (
                *("horizon", "origin", "future_data", "only", "shard", "plot", "level", "quantiles"),
                *("samples", "seed", "record", "intervals", "ended", "keep_days"),
                *OF_CELLS,
            )
        ),
    },
    graph=(("past", "future", "mask"), ("forecast",)),
    losses=("mae", "mse", "huber"),
    metrics=("mase", "mae", "rmse", "smape", "mse_scaled", "mae_scaled"),
    baselines=("naive", "seasonal_naive", "linear"),
)
CLASSIFY = Task(
    name="classify",
    title="labelled sequences",
    purpose="to classify the sequences",
    output="classes.csv",
    files={
        "data": ("sequences.json",),
        "model": ("simple.json",),
        "scores": ("per_class.csv", "confusion.csv", "confusion.png"),
    },
    options={
        "prepare": frozenset(
            (
                *("sequence", "text", "label", "value", "group", "max_length"),
                *("tokens", "vocabulary_size"),
                *OF_TABLES,
            )
        ),
        "train": frozenset(("pooling", "class_weights", *OF_LAYERS)),
        "predict": frozenset(OF_CELLS),
    },
    settled_by="--label COLUMN to classify sequences",
    excluded=frozenset(("score", "refresh")),
    graph=(("values", "lengths"), ("probabilities", "simple")),
    only_model="stacked",
    losses=("log_loss",),
    metrics=("accuracy", "macro_f1", "log_loss", "calibration_error"),
    baselines=("majority", "simple"),
)
GENERATE = Task(
    name="generate",
    title="text",
    purpose="to write text",
    output="text.txt",
    files={
        "data": ("tokens.npy", "text.json"),
        "model": ("vocabulary.json",),
        "scores": ("losses.csv", "losses.png"),
    },
    options={
        "prepare": frozenset(("tokens", "vocabulary_size")),
        "train": frozenset(["bptt"]),
        "predict": frozenset(
            (
                *("prompt", "length", "temperature", "top_k", "top_p"),
                *("samples", "seed"),
            )
        ),
    },
    settled_by="--task generate to learn a text",
    excluded=frozenset(("check", "tune", "score", "refresh", "report", "serve", "train --find-lr")),
    graph=(("tokens", "state"), ("logits", "next_state")),
    only_model="stacked",
    losses=("cross_entropy",),
    metrics=("bpc", "bpb", "perplexity", "loss"),
    baselines=("n_gram", "xz"),
)
TASKS: Mapping[str, Task] = {task.name: task for task in (FORECAST, CLASSIFY, GENERATE)}
