"""What a step needs in memory, reckoned from sizes before the work starts, and refused where it is not there.

An estimate refuses work that could not be done; it is kept low, so that what could be done is not refused. Of what
remains, a kernel that ends the process leaves the run as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli import memory
from lstm_cli.data.dataset import Schema, SeriesTable
from lstm_cli.data.stored import load_outline
from lstm_cli.data.windows import BATCH
from lstm_cli.data.wording import name_of
from lstm_cli.rundir import Run
from lstm_cli.shipped import Model

if TYPE_CHECKING:
    from lstm_cli.config import PrepareConfig, TrainConfig

FLOAT = 4  # bytes
TORCH = 220_000_000  # bytes: of torch once it is loaded
MAPPED = 600_000_000  # addresses that it takes beside them, which `ulimit -v` counts
KEPT = (
    12  # floats that a training keeps for each output of an LSTM layer (measured: forward 8.6, backward 12.2)
)
HEAD = 1 << 16  # bytes of a file whose lines are counted
CELL = 16  # bytes of a cell while it is read: the number, and the scaled one beside others
HELD = 3  # floats that a forecast keeps for each
KINDS = 8  # of regressions, for each lookback
MANY = 1 << 30  # windows: of a split that is scored whole
SHORTER = "prepare with a shorter --lookback or fewer columns"


@dataclass(frozen=True, kw_only=True)
class Need:
    """Bytes, what takes most of them, and the flag that lowers it."""

    size: int
    most: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class _Sizes:
    rows: int  # T
    inputs: int  # F
    targets: int  # C
    lookback: int  # L
    train: int  # windows at most
    val: int


def require_prepare(paths: Sequence[str], config: "PrepareConfig") -> None:
    """Raise DeviceError where the columns that are used could not be held."""
    need = prepare_need(paths, config)
    if need is not None:
        _require(need, f"reading {name_of(paths)}")


def require_train(run: Run, config: "TrainConfig", *, doing: str = "training") -> None:
    """Raise DeviceError where training on the run's data needs more memory than there is. Loads no torch."""
    _require(train_need(*load_outline(run), config), doing, mapped=MAPPED)


def require_scoring(run: Run, model: Model, *, windows: int, doing: str) -> None:
    """Raise DeviceError where forecasts of so many windows need more memory than there is."""
    _require(scoring_need(*load_outline(run), model, windows=windows), doing)


def require_forecast(model: Model, *, doing: str) -> None:
    """Raise DeviceError where one window of each series of the model needs more memory than there is."""
    need = scoring_need(model.schema, model.series, model, windows=len(model.series.names))
    _require(need, doing)


def prepare_need(paths: Sequence[str], config: "PrepareConfig") -> Need | None:
    """Of the cells that are held, by the length of the first lines; None for what tells no number of lines.

    A table that is too large for memory lies in files.
    """
    from lstm_cli.data.held import IN_MEMORY
    from lstm_cli.data.source import STDIN

    try:
        if STDIN in paths or not all(Path(path).is_file() for path in paths):
            return None
        size = sum(Path(path).stat().st_size for path in paths)
        with Path(paths[0]).open("rb") as file:
            head = file.read(HEAD)
    except OSError:  # told by who reads it
        return None
    lines = head.count(b"\n")
    if head.startswith((b"\x1f\x8b", b"PAR1")) or lines < 2:
        return None
    rows = size * lines // len(head)
    columns = 1 + max(1, len(config.target)) + len(config.past) + len(config.future)
    held = min(rows * columns * CELL, IN_MEMORY)
    return Need(size=held, most=f"some {rows:,} rows", hint="use fewer rows: --start, --end")


def train_need(schema: Schema, series: SeriesTable, config: "TrainConfig") -> Need:
    """Of a training on the CPU; on a GPU the network lies there, and the rest here."""
    from lstm_cli.training.plan import plan_training  # a forecast asks for its needs too, without all this

    sizes = _sizes(schema, series)
    parts = {
        "torch itself": (TORCH, "run it where there is more memory, or stop other programs"),
        "the data": (_data(sizes, calendar=bool(schema.calendar)), SHORTER),
        "the linear forecast": (_linear(sizes, schema, series), SHORTER),
    }
    plan = plan_training(config, windows=max(1, sizes.train), targets=sizes.targets)
    batch = 1 if config.batch_size == "auto" else plan.batch_size  # auto: one that fits is found
    if config.model == "stacked" and not config.device.startswith("cuda"):
        width = sum(config.sizes) * (2 if config.bidirectional else 1)
        network = FLOAT * batch * sizes.lookback * (sizes.inputs + KEPT * width)
        parts["the network"] = (network, f"use a --batch-size below {batch}, or {SHORTER}")
    windows = min(BATCH, max(sizes.val, 1)) * sizes.lookback * sizes.inputs * FLOAT
    parts["windows"] = (windows, SHORTER)
    name, (_, hint) = max(parts.items(), key=lambda part: part[1][0])
    return Need(size=sum(size for size, _ in parts.values()), most=name, hint=hint)


def scoring_need(schema: Schema, series: SeriesTable, model: Model, *, windows: int) -> Need:
    """Of forecasts in batches, as `evaluate`, `quantize` and `predict` make them."""
    sizes = _sizes(schema, series)
    width = 0  # outputs of LSTM layers at each step; those of `segment` have one for many steps
    if model.name == "stacked":
        width = sum(model.settings["hidden"]) * (2 if model.settings["bidirectional"] else 1)
    each = FLOAT * model.lookback * (2 * sizes.inputs + HELD * width)
    size = _data(sizes, calendar=bool(schema.calendar)) + min(BATCH, windows) * each
    return Need(size=size, most="the windows" if windows else "the data", hint=SHORTER)


def _require(need: Need, doing: str, *, mapped: int = 0) -> None:
    memory.require(need.size, doing=f"{doing} (most for {need.most})", hint=need.hint, mapped=mapped)


def _sizes(schema: Schema, series: SeriesTable) -> _Sizes:
    columns = len(schema.columns) + len(schema.calendar)
    needed = (
        schema.lookback if schema.lookback_fixed and not schema.pad else 0
    )  # rows before the first window
    return _Sizes(
        rows=int((series.count + series.ahead).sum()),
        inputs=columns,
        targets=len(schema.targets),
        lookback=schema.lookback,
        train=int(np.maximum(series.train_end - needed, 0).sum()),
        val=int((series.val_end - series.train_end).sum()),
    )


def _data(sizes: _Sizes, *, calendar: bool) -> int:
    """The values, in memory once for training and once more with the calendar's columns, and their mask."""
    return sizes.rows * sizes.inputs * (FLOAT * (2 if calendar else 1) + 1)


def _linear(sizes: _Sizes, schema: Schema, series: SeriesTable) -> int:
    """Windows as rows, twice while they are put together; and the regressions that are solved."""
    from lstm_cli.linear.blocks import FITTED_ROWS, SCORED_CELLS
    from lstm_cli.linear.ensemble import linear_lookbacks

    lookbacks = linear_lookbacks(
        lookback=schema.lookback,
        rows=int(np.median(series.train_end)),
        horizon=schema.horizon,
        season=schema.season,
        fixed=schema.lookback_fixed,
    )
    longest = max(lookbacks)
    fitted = min(FITTED_ROWS, sizes.train * sizes.targets)
    judged = min(SCORED_CELLS // schema.horizon, sizes.val * sizes.targets)
    windows = 2 * (fitted + judged) * longest * (FLOAT + 1)
    return windows + 8 * (KINDS * sum(steps**2 for steps in lookbacks) + 4 * longest**2)
