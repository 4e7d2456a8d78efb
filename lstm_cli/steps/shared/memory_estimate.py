"""What a step needs in memory, reckoned from sizes before the work starts, and refused where it is not there.

An estimate refuses work that could not be done; it is kept low, so that what could be done is not refused. Of what
remains, a kernel that ends the process leaves the run as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lstm_cli import system_memory
from lstm_cli.data.dataset.dataset import Schema, SeriesTable
from lstm_cli.data.dataset.load import load_outline
from lstm_cli.data.locations import dataset_name
from lstm_cli.inference.trained_model import TrainedModel
from lstm_cli.rundir import Run
from lstm_cli.steps.shared import array_sizes
from lstm_cli.steps.shared.array_sizes import ArraySizes, TrainingSizes

if TYPE_CHECKING:
    from lstm_cli.config import PrepareConfig, TrainConfig

# Bytes of a process that has loaded what a step needs and works on some rows (measured: benchmarks/README.md).
PREPARING = 45_000_000
BULK = 110_000_000  # the same of pyarrow, which reads large files
FITTING = 270_000_000  # torch and NumPy, while the linear forecast is fitted
EXPORTING = 480_000_000  # torch and its exporter
SCORING = 105_000_000  # ONNX Runtime, and pictures
FORECASTING = 65_000_000
MAPPED = 600_000_000  # addresses that torch takes beside its memory, which `ulimit -v` counts
HEAD = 1 << 16  # bytes of a file whose lines are counted
CELL = 16  # bytes of a cell while it is read: the number, and the scaled one beside others
ROW = 170  # bytes of a row that a season is looked for in: the value, and what is left of it beside moving means
PARTS = 3  # of the default model
FORECAST_ROWS = 4_000  # windows x targets that a network is validated on at a time
MANY = 1 << 30  # windows: of a split that is scored whole
SHORTER = "prepare with a shorter --lookback or fewer columns"


@dataclass(frozen=True, kw_only=True)
class MemoryNeed:
    """Bytes, what takes most of them, and the flag that lowers it."""

    size: int
    most: str
    hint: str


def require_prepare(paths: Sequence[str], config: "PrepareConfig") -> None:
    """Raise DeviceError where the columns that are used could not be held."""
    need = prepare_need(paths, config)
    if need is not None:
        _require(need, f"reading {dataset_name(paths)}")


def require_train(run: Run, config: "TrainConfig", *, doing: str = "training") -> None:
    """Raise DeviceError where training on the run's data needs more memory than there is. Loads no torch."""
    _require(train_need(*load_outline(run), config), doing, mapped=MAPPED)


def require_scoring(run: Run, model: TrainedModel, *, windows: int, doing: str) -> None:
    """Raise DeviceError where forecasts of so many windows need more memory than there is."""
    _require(scoring_need(*load_outline(run), model, windows=windows), doing)


def require_forecast(model: TrainedModel, *, doing: str) -> None:
    """Raise DeviceError where one window of each series of the model needs more memory than there is."""
    need = scoring_need(model.schema, model.series, model, windows=len(model.series.names))
    _require(need, doing)


def prepare_need(paths: Sequence[str], config: "PrepareConfig") -> MemoryNeed | None:
    """Of the cells that are held, by the length of the first lines; None for what tells no number of lines.

    A table that is too large for memory lies in files.
    """
    from lstm_cli.data.quality.seasonality import MAX_SEASON_ROWS
    from lstm_cli.data.reading.column_buffers import MAX_MEMORY_BYTES
    from lstm_cli.data.reading.csv_fast import BULK_MIN_BYTES
    from lstm_cli.data.reading.source import STDIN

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
    columns = (
        1 + (config.series is not None) + max(1, len(config.target)) + len(config.past) + len(config.future)
    )
    held = min(rows * columns * CELL, MAX_MEMORY_BYTES)
    judged = 0 if config.series is not None or config.season != "auto" else min(rows, MAX_SEASON_ROWS) * ROW
    beside = max(judged, BULK if size >= BULK_MIN_BYTES else 0)
    return MemoryNeed(
        size=PREPARING + held + beside, most=f"some {rows:,} rows", hint="use fewer rows: --start, --end"
    )


def train_need(schema: Schema, series: SeriesTable, config: "TrainConfig") -> MemoryNeed:
    """Of a training on the CPU, at its hungriest stage; on a GPU the network lies there, and the rest here."""
    from lstm_cli.training.setup.hyperparameters import make_hyperparameters

    sizes = TrainingSizes.from_schema(schema, series)
    plan = make_hyperparameters(config, windows=max(1, sizes.train), targets=sizes.targets)
    batch = 1 if config.batch_size == "auto" else plan.batch_size  # auto: one that fits is found
    stored = (array_sizes.data(sizes, copies=0), SHORTER)
    networks = _networks(sizes, config, batch)
    windows = _scored(sizes, sizes.reach, windows=max(sizes.val, 1))
    beside = array_sizes.data(sizes, copies=2 * (PARTS - 1)) - stored[0] + array_sizes.maps(sizes)
    more = "run it where there is more memory, or stop other programs"
    fitting = {
        "torch itself": (FITTING, more),
        "the data": stored,
        "the linear forecast": (array_sizes.linear(sizes), SHORTER),
    }
    training = {
        "torch itself": (EXPORTING, more),
        "the data": (stored[0] + beside, SHORTER),
        "the network": (networks, f"use a --batch-size below {batch}, or {SHORTER}"),
        "the windows": (max(windows, array_sizes.weighing(sizes, parts=PARTS)), SHORTER),
    }
    stage = max((fitting, training), key=lambda parts: sum(size for size, _ in parts.values()))
    name, (_, hint) = max(stage.items(), key=lambda part: part[1][0])
    return MemoryNeed(size=sum(size for size, _ in stage.values()), most=name, hint=hint)


def _networks(sizes: TrainingSizes, config: "TrainConfig", batch: int) -> int:
    """Return what the networks keep of a training step, or of the forecasts that they are validated on."""
    if config.device.startswith("cuda"):
        return 0
    if config.model == "stacked":
        width = sum(config.sizes) * (2 if config.bidirectional else 1)
        return array_sizes.FLOAT * batch * sizes.lookback * (sizes.inputs + array_sizes.KEPT * width)
    judged = max(1, min(FORECAST_ROWS // sizes.targets, sizes.batch_size(sizes.reach), sizes.val))
    hidden = config.sizes[0]
    return array_sizes.WORKERS * max(
        array_sizes.network_rows(sizes, windows=batch, hidden=hidden, kept=array_sizes.KEPT),
        array_sizes.network_rows(sizes, windows=judged, hidden=hidden, kept=array_sizes.GATES),
    )


def _scored(sizes: ArraySizes, reach: int, *, windows: int) -> int:
    """Return the windows that are forecast at a time."""
    return array_sizes.gathered(sizes, windows=min(windows, sizes.batch_size(reach)), reach=reach)


def scoring_need(schema: Schema, series: SeriesTable, model: TrainedModel, *, windows: int) -> MemoryNeed:
    """Of forecasts in batches, as `evaluate`, `quantize` and `predict` make them."""
    sizes = ArraySizes.from_schema(schema, series)
    at_once = min(windows, sizes.batch_size(model.lookback))
    if model.name == "stacked":
        width = sum(model.settings["hidden"]) * (2 if model.settings["bidirectional"] else 1)
        network = array_sizes.FLOAT * at_once * model.lookback * 3 * width
    else:
        hidden = int(model.settings["hidden"])
        kept = 2 * array_sizes.GATES  # ONNX Runtime keeps what both networks took
        network = array_sizes.network_rows(sizes, windows=at_once, hidden=hidden, kept=kept)
    size = array_sizes.data(sizes, copies=0) + network + _scored(sizes, model.lookback, windows=at_once)
    size += SCORING if windows == MANY else FORECASTING
    return MemoryNeed(size=size, most="the windows" if windows else "the data", hint=SHORTER)


def _require(need: MemoryNeed, doing: str, *, mapped: int = 0) -> None:
    system_memory.require_memory(
        need.size, doing=f"{doing} (most for {need.most})", hint=need.hint, mapped=mapped
    )
