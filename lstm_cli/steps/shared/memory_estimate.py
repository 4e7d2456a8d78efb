"""Estimate of the memory that a step needs, and the check of it before the work starts.

The estimate is low, so it never refuses work that fits in memory. If the kernel kills a process that needs more, the
run stays unchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from lstm_cli.training.loop.torchrun import world_size

if TYPE_CHECKING:
    from lstm_cli.config import PrepareConfig, TrainConfig

# Bytes of a process with the libraries of a step and a small data set (measured: benchmarks/README.md).
PREPARING = 45_000_000
BULK = 110_000_000  # pyarrow, which reads large files
FITTING = 270_000_000  # torch and NumPy, while the linear forecast is fitted
TRAINING = 360_000_000  # torch with an optimizer, onnx and ONNX Runtime
SCORING = 105_000_000  # ONNX Runtime, and plots
FORECASTING = 65_000_000
MAPPED = 600_000_000  # address space that torch maps in addition; `ulimit -v` counts it
HEAD = 1 << 16  # bytes at the start of a file in which lines are counted
CELL = 16  # bytes of a cell during reading: the number and its scaled copy
ROW = 170  # bytes of a row during season detection: the value, moving means and residuals
PARTS = 3  # of the default model
FORECAST_ROWS = 4_000  # windows x targets of a validation batch of a network
ALL_WINDOWS = 1 << 30  # windows, for scoring a whole split
SHORTER = "prepare with a shorter --lookback or fewer columns"


@dataclass(frozen=True, kw_only=True)
class MemoryNeed:
    """Memory need in bytes, its largest part, and a hint with the flag that lowers it."""

    size: int
    largest_part: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class CellCount:
    """Estimated rows and columns of text files."""

    size: int  # bytes
    rows: int
    width: int  # cells of a row
    sample: tuple[str, ...]  # cells of the second line


def require_prepare(paths: Sequence[str], config: "PrepareConfig") -> None:
    """Raise DeviceError if the used columns do not fit in memory."""
    need = prepare_need(paths, config)
    if need is not None:
        require_memory_need(need, f"reading {dataset_name(paths)}")


def require_train(run: Run, config: "TrainConfig", *, doing: str = "training") -> None:
    """Raise DeviceError if training on the run's data needs more memory than is free. Loads no torch.

    Under `torchrun`, it is the memory of one process.

    Args:
        run: run with prepared data.
        config: settings of the model and its training.
        doing: phrase for the work in the message.
    """
    need = train_need(*load_outline(run), config, processes=world_size())
    require_memory_need(need, doing, mapped=MAPPED)


def require_scoring(run: Run, model: TrainedModel, *, windows: int, doing: str) -> None:
    """Raise DeviceError if forecasts of the run's data need more memory than is free.

    Args:
        run: run with prepared data.
        model: trained model.
        windows: number of windows to forecast.
        doing: phrase for the work in the message.
    """
    require_memory_need(scoring_need(*load_outline(run), model, windows=windows), doing)


def require_forecast(model: TrainedModel, *, steps: int, quantiles: int, doing: str) -> None:
    """Raise DeviceError if forecasts of one window of each series need more memory than is free.

    Args:
        model: trained model.
        steps: steps of the forecast.
        quantiles: number of quantiles of each forecast value.
        doing: phrase for the work in the message.
    """
    require_memory_need(forecast_need(model, steps=steps, quantiles=quantiles), doing)


def require_samples(schema: Schema, series: int, *, steps: int, samples: int) -> None:
    """Raise DeviceError if the sample paths of all series need more memory than is free.

    Args:
        schema: schema of the forecast data.
        series: number of the forecast series.
        steps: steps of the forecast.
        samples: sample paths of each series.
    """
    size = array_sizes.sample_bytes(series * samples * steps, targets=len(schema.targets))
    hint = "use a smaller --samples or --horizon, or --only or --shard with fewer series"
    need = MemoryNeed(size=size, largest_part=f"{samples:,} samples", hint=hint)
    require_memory_need(need, "drawing sample paths")


def prepare_need(paths: Sequence[str], config: "PrepareConfig") -> MemoryNeed | None:
    """Return the memory need of `prepare`, from the file sizes and the length of the first lines.

    None: the number of rows is unknown (standard input, compressed or Parquet files). Columns beyond the limit of
    memory are buffered in files, so the need is limited.
    """
    from lstm_cli.config.prepare import ALL_NUMERIC
    from lstm_cli.data.quality.seasonality import MAX_SEASON_ROWS
    from lstm_cli.data.reading.column_buffers import MAX_MEMORY_BYTES
    from lstm_cli.data.reading.csv_fast import BULK_MIN_BYTES

    counted = count_cells(paths)
    if counted is None:
        return None
    width, size = counted.width, counted.size
    rows = counted.rows * (width if config.wide else 1)
    targets = width if ALL_NUMERIC in config.target else max(1, len(config.target))
    covariates = len(config.past) + len(config.future) + len(config.static)
    columns = 1 + len(config.series) + targets + covariates
    cells = min(rows * columns * CELL, MAX_MEMORY_BYTES)
    detection = 0 if config.series or config.season != "auto" else min(rows, MAX_SEASON_ROWS) * ROW
    temporary = max(detection, BULK if size >= BULK_MIN_BYTES else 0)
    return MemoryNeed(
        size=PREPARING + cells + temporary,
        largest_part=f"about {rows:,} rows",
        hint="use fewer rows: --start, --end",
    )


def count_cells(paths: Sequence[str]) -> CellCount | None:
    """Return the rows and columns of text files, from their sizes and the length of the first lines.

    None: they are unknown, because the data are standard input, compressed or Parquet files.
    """
    from lstm_cli.data.reading.source import STDIN, is_packed

    try:
        if STDIN in paths or not all(Path(path).is_file() for path in paths):
            return None
        size = sum(Path(path).stat().st_size for path in paths)
        with Path(paths[0]).open("rb") as file:
            head = file.read(HEAD)
    except OSError:  # reading reports it later
        return None
    lines = head.count(b"\n")
    if is_packed(head) or head.startswith(b"PAR1") or lines < 2:
        return None
    mark = max((b",", b";", b"\t"), key=head.count)
    width = 1 + head.count(mark) // lines  # cells of a line
    sample = tuple(cell.strip() for cell in head.split(b"\n")[1].decode("latin-1").split(mark.decode()))
    return CellCount(size=size, rows=size * lines // len(head), width=width, sample=sample)


def train_need(
    schema: Schema, series: SeriesTable, config: "TrainConfig", *, processes: int = 1
) -> MemoryNeed:
    """Return the memory need of the largest stage of a training; on a GPU, without the network.

    Args:
        schema: schema of the prepared data.
        series: table of its series.
        config: settings of the model and its training.
        processes: processes that share each batch.
    """
    from lstm_cli.training.setup.hyperparameters import make_hyperparameters

    sizes = TrainingSizes.from_schema(schema, series)
    plan = make_hyperparameters(config, windows=max(1, sizes.train), targets=sizes.targets)
    batch = 1 if config.batch_size == "auto" else plan.batch_size  # auto: halved until it fits
    stored = (array_sizes.dataset_bytes(sizes, copies=0), SHORTER)
    networks = _network_bytes(sizes, config, -(-batch // processes))
    windows = _batch_bytes(sizes, sizes.reach, windows=max(sizes.val, 1))
    copies = (
        array_sizes.dataset_bytes(sizes, copies=2 * (PARTS - 1)) - stored[0] + array_sizes.matrix_bytes(sizes)
    )
    more = "use a machine with more memory, or stop other programs"
    fitting = {
        "torch": (FITTING, more),
        "the data": stored,
        "the linear forecast": (array_sizes.linear_bytes(sizes), SHORTER),
    }
    training = {
        "torch": (TRAINING, more),
        "the data": (stored[0] + copies, SHORTER),
        "the network": (networks, f"use a --batch-size below {batch}, or {SHORTER}"),
        "the windows": (max(windows, array_sizes.weighting_bytes(sizes, parts=PARTS)), SHORTER),
    }
    stage = max((fitting, training), key=lambda parts: sum(size for size, _ in parts.values()))
    name, (_, hint) = max(stage.items(), key=lambda part: part[1][0])
    return MemoryNeed(size=sum(size for size, _ in stage.values()), largest_part=name, hint=hint)


def _network_bytes(sizes: TrainingSizes, config: "TrainConfig", batch: int) -> int:
    """Return the bytes that the networks keep during a training step or a validation batch."""
    if config.device.startswith("cuda"):
        return 0
    if config.model == "stacked":
        width = sum(config.sizes) * (2 if config.bidirectional else 1)
        return (
            array_sizes.FLOAT * batch * sizes.lookback * (sizes.inputs + array_sizes.TRAINING_FLOATS * width)
        )
    validated = max(1, min(FORECAST_ROWS // sizes.targets, sizes.batch_size(sizes.reach), sizes.val))
    hidden = config.sizes[0]
    return array_sizes.WORKERS * max(
        array_sizes.network_bytes(sizes, windows=batch, hidden=hidden, kept=array_sizes.TRAINING_FLOATS),
        array_sizes.network_bytes(sizes, windows=validated, hidden=hidden, kept=array_sizes.FORECAST_FLOATS),
    )


def _batch_bytes(sizes: ArraySizes, reach: int, *, windows: int) -> int:
    """Return the bytes of a batch of windows during scoring."""
    return array_sizes.batch_bytes(sizes, windows=min(windows, sizes.batch_size(reach)), reach=reach)


def scoring_need(schema: Schema, series: SeriesTable, model: TrainedModel, *, windows: int) -> MemoryNeed:
    """Return the memory need of forecasts in batches, for `evaluate`, `quantize` and `predict`.

    Args:
        schema: schema of the data.
        series: table of its series.
        model: trained model.
        windows: number of windows to forecast.
    """
    sizes = ArraySizes.from_schema(schema, series)
    batch_size = min(windows, sizes.batch_size(model.lookback))
    if model.name == "stacked":
        width = sum(model.settings["hidden"]) * (2 if model.settings["bidirectional"] else 1)
        network = array_sizes.FLOAT * batch_size * model.lookback * 3 * width
    else:
        hidden = int(model.settings["hidden"])
        kept = 2 * array_sizes.FORECAST_FLOATS  # ONNX Runtime keeps the memory of both networks
        network = array_sizes.network_bytes(sizes, windows=batch_size, hidden=hidden, kept=kept)
    size = (
        array_sizes.dataset_bytes(sizes, copies=0)
        + network
        + _batch_bytes(sizes, model.lookback, windows=batch_size)
    )
    size += (
        FORECASTING if windows < ALL_WINDOWS else SCORING + array_sizes.score_bytes(sizes, len(series.names))
    )
    return MemoryNeed(size=size, largest_part="the windows" if windows else "the data", hint=SHORTER)


def forecast_need(model: TrainedModel, *, steps: int, quantiles: int) -> MemoryNeed:
    """Return the memory need of a forecast of each series.

    Args:
        model: trained model.
        steps: steps of the forecast.
        quantiles: number of quantiles of each forecast value.
    """
    schema, series = model.schema, model.series
    need = scoring_need(schema, series, model, windows=len(series.names))
    inputs = array_sizes.FLOAT * (len(schema.future) + len(schema.derived))
    forecast = (
        len(series.names) * steps * (array_sizes.DOUBLE * (1 + quantiles) * len(schema.targets) + inputs)
    )
    if forecast <= need.size:
        return replace(need, size=need.size + forecast)
    hint = "use a shorter --horizon, or --only with fewer series"
    return MemoryNeed(size=need.size + forecast, largest_part=f"{steps:,} steps", hint=hint)


def require_memory_need(need: MemoryNeed, doing: str, *, mapped: int = 0) -> None:
    """Raise DeviceError if a need is larger than the free memory.

    Args:
        need: memory need.
        doing: phrase for the work in the message.
        mapped: bytes of address space that the work maps in addition.
    """
    system_memory.require_memory(
        need.size, doing=f"{doing} (mostly for {need.largest_part})", hint=need.hint, mapped=mapped
    )
