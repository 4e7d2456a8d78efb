"""Estimate of the memory that steps on labelled sequences need. It is low, as that of `memory_estimate.py`."""

from collections.abc import Sequence

from lstm_cli.config import TrainConfig
from lstm_cli.config.classify import ClassifyPrepareConfig
from lstm_cli.data.locations import dataset_name
from lstm_cli.rundir import Run
from lstm_cli.sequences.store import VALUES, load_description
from lstm_cli.steps.shared.array_sizes import FLOAT, FORECAST_FLOATS, TRAINING_FLOATS
from lstm_cli.steps.shared.memory_estimate import (
    MAPPED,
    PREPARING,
    SCORING,
    TRAINING,
    MemoryNeed,
    count_cells,
    require_memory_need,
)
from lstm_cli.tasks.records import TS_ENDING
from lstm_cli.wording import is_number

PREPARED_CELL = (
    32  # bytes of a value while it is scaled: as read, joined, centered and divided, 64-bit floats
)
ROW = 24  # bytes of a step: its sequence, line and time
# Bytes of a byte of documents: the text, and its tokens before and after they are joined. A byte pair is a token of
# about four bytes.
OF_TEXT = {"characters": 9, "bytes": 9, "bpe": 3}
TEXT = 3  # copies of a `.ts` file in memory: bytes, text and lines
COPIES = 3  # of the values on the device: training, validation, and the choice of the weights
BATCH = 16  # sequences in the smallest batch without --batch-size
VALIDATED_STEPS, CLASSIFIED_STEPS = 100_000, 200_000  # steps of a batch in torch and in ONNX Runtime
SHORTER = "prepare with a smaller --max-length or fewer columns with --value"


def sequence_prepare_need(paths: Sequence[str], config: ClassifyPrepareConfig) -> MemoryNeed | None:
    """Return the memory need of reading and scaling sequences; None if the number of rows is not known.

    Args:
        paths: data files.
        config: settings of `prepare`.
    """
    counted = count_cells(paths)
    if counted is None:
        return None
    if all(str(path).lower().endswith(TS_ENDING) for path in paths):
        cells = counted.rows * counted.width
        size = max(TEXT * counted.size + 8 * cells, PREPARED_CELL * cells)
        return _need(size, f"about {cells:,} values", "use fewer sequences")
    if config.text is not None:
        size = counted.size * OF_TEXT[config.tokens]
        return _need(size, f"about {counted.size / 1e6:,.0f} MB of documents", "use fewer documents")
    columns = len(config.value) or max(1, _numeric(counted.sample) - 1 - len(config.time))
    size = counted.rows * (ROW + columns * PREPARED_CELL)
    return _need(size, f"about {counted.rows:,} steps", "use fewer sequences, or fewer columns with --value")


def require_sequence_prepare(paths: Sequence[str], config: ClassifyPrepareConfig) -> None:
    """Raise DeviceError if the sequences of the files do not fit in memory."""
    need = sequence_prepare_need(paths, config)
    if need is not None:
        require_memory_need(need, f"reading {dataset_name(paths)}")


def sequence_train_need(run: Run, config: TrainConfig) -> MemoryNeed:
    """Return the memory need of training a classifier; on a GPU, without the network.

    Args:
        run: run with prepared sequences.
        config: settings of the model and its training.
    """
    schema, _ = load_description(run.artifact("data"))
    stored = _values(run) * (1 + COPIES)
    width = sum(config.sizes) * (2 if config.bidirectional else 1)
    batch = config.batch_size if isinstance(config.batch_size, int) else BATCH
    trained = batch * schema.max_length * (len(schema.columns) + TRAINING_FLOATS * width)
    validated = min(VALIDATED_STEPS, _values(run) // (FLOAT * len(schema.columns))) * FORECAST_FLOATS * width
    network = 0 if config.device.startswith("cuda") else FLOAT * max(trained, validated)
    parts = {
        "torch": (TRAINING, "use a machine with more memory, or stop other programs"),
        "the sequences": (stored, "prepare with fewer sequences, or a smaller --max-length"),
        "the network": (network, f"use a --batch-size below {batch}, a smaller --hidden, or {SHORTER}"),
    }
    name, (_, hint) = max(parts.items(), key=lambda part: part[1][0])
    return MemoryNeed(size=sum(size for size, _ in parts.values()), largest_part=name, hint=hint)


def require_sequence_train(run: Run, config: TrainConfig, *, doing: str = "training") -> None:
    """Raise DeviceError if training a classifier needs more memory than is free. Loads no torch.

    Args:
        run: run with prepared sequences.
        config: settings of the model and its training.
        doing: phrase for the work in the message.
    """
    require_memory_need(sequence_train_need(run, config), doing, mapped=MAPPED)


def sequence_scoring_need(run: Run) -> MemoryNeed:
    """Return the memory need of classifying the sequences of a run."""
    schema, _ = load_description(run.artifact("model"))
    values = _values(run) if run.has("data") else 0
    padded = FLOAT * max(min(CLASSIFIED_STEPS, values // FLOAT), schema.max_length) * len(schema.columns)
    return MemoryNeed(size=SCORING + 2 * values + padded, largest_part="the sequences", hint=SHORTER)


def require_sequence_scoring(run: Run, *, doing: str) -> None:
    """Raise DeviceError if classifying the sequences of a run needs more memory than is free.

    Args:
        run: run with a classifier.
        doing: phrase for the work in the message.
    """
    require_memory_need(sequence_scoring_need(run), doing)


def _values(run: Run) -> int:
    """Return the bytes of the prepared values."""
    return int(run.artifact("data").files[VALUES]["size"])


def _need(size: int, part: str, hint: str) -> MemoryNeed:
    return MemoryNeed(size=PREPARING + size, largest_part=part, hint=hint)


def _numeric(cells: Sequence[str]) -> int:
    return sum(map(is_number, cells))
