"""A dataset in a run directory: written by `prepare`, read by every later step."""

from collections.abc import Iterator

import numpy as np

from lstm_cli.data.assemble import Assembled
from lstm_cli.data.dataset import FILES, Dataset, Schema, SeriesTable, describe, restore
from lstm_cli.data.scaled import ScaledValues
from lstm_cli.data.table import Table
from lstm_cli.events import Listener, Progressed
from lstm_cli.rundir import Folder, Run

VALUES, MEASURED = "values.npy", "measured.npy"


def store_dataset(found: Assembled, table: Table, folder: Folder, listen: Listener) -> None:
    """Scales and fills the values and writes the dataset into a new folder of the run, never whole in memory.

    table: what it was assembled from. Raises DataError where a column is too large for 32-bit floats.
    """
    scaled = ScaledValues(found.grid, found.series, found.schema, found.scaler, table)
    rows, columns = found.grid.rows, len(found.schema.columns)

    def heard() -> Iterator[np.ndarray]:
        done = 0
        for piece in scaled.pieces():
            yield piece
            done += len(piece)
            listen(Progressed(stage="writing", done=done, total=rows, unit="rows"))

    folder.write_pieces(VALUES, heard(), shape=(rows, columns), dtype=np.float32)
    folder.write_array(MEASURED, scaled.measured())
    for name, content in describe(found).items():
        folder.write_json(name, content)


def load_outline(run: Run) -> tuple[Schema, SeriesTable]:
    """Columns and series alone, without their values. Raises MissingArtifact or CorruptArtifact."""
    reader = run.artifact("data")
    schema, series = reader.json("schema.json"), reader.json("series.json")
    with reader.parsing():
        return Schema.from_dict(schema), SeriesTable.from_dict(series)


def load_dataset(run: Run) -> Dataset:
    """The run's prepared data, its values memory-mapped. Raises MissingArtifact or CorruptArtifact."""
    reader = run.artifact("data")
    files = {name: reader.json(name) for name in FILES}
    values, measured = reader.array(VALUES), reader.array(MEASURED)
    with reader.parsing():
        dataset = restore(files, values, measured)
        _require_fitting(dataset)
    return dataset


def _require_fitting(dataset: Dataset) -> None:
    """Raise ValueError unless the parts of a dataset are of one size."""
    table, schema, values = dataset.series, dataset.schema, dataset.values_scaled
    series, columns = len(table.names), len(schema.columns)
    shapes = [array.shape for name, array in vars(table).items() if name != "names"]
    fitting = (
        values.dtype == np.float32
        and values.ndim == 2
        and values.shape[1] == columns
        and dataset.measured.shape == values.shape
        and all(shape == (series,) for shape in shapes)
        and dataset.scaler.center.shape == dataset.scaler.scale.shape == (series, columns)
        and all(array.shape == (series, dataset.targets) for array in vars(dataset.training).values())
    )
    if not fitting:
        raise ValueError("its files are not of one size")
    ends = table.offset + table.count + table.ahead
    ordered = (table.train_end >= 0) & (table.train_end <= table.val_end) & (table.val_end <= table.count)
    inside = (table.offset >= 0) & (table.ahead >= 0) & (ends <= len(values)) & ordered
    if not (inside.all() and schema.horizon >= 1 and schema.lookback >= 1):
        raise ValueError("a series lies outside of the values")
