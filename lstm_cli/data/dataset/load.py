"""Loading of the dataset in a run directory, for all steps but `prepare`; data/build/write.py writes it."""

from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.data.dataset.dataset import FILES, Dataset, Schema, SeriesTable, restore_dataset
from lstm_cli.data.dataset.short_series import NO_SHORT_SERIES, ShortSeries
from lstm_cli.rundir import Run

if TYPE_CHECKING:
    from lstm_cli.data.dataset.dropped_outliers import DroppedOutliers

VALUES, MEASURED, DROPPED = "values.npy", "measured.npy", "outliers.json"
SHORT, SHORT_ROWS = "short_series.json", "short_rows.npy"


def load_outline(run: Run) -> tuple[Schema, SeriesTable]:
    """Return columns and series without their values. Raise MissingArtifact or CorruptArtifact."""
    reader = run.artifact("data")
    schema, series = reader.json("schema.json"), reader.json("series.json")
    with reader.parsing():
        return Schema.from_dict(schema), SeriesTable.from_dict(series)


def load_dataset(run: Run) -> Dataset:
    """Return the prepared data of a run, its values memory-mapped. Raise MissingArtifact or CorruptArtifact."""
    reader = run.artifact("data")
    files = {name: reader.json(name) for name in FILES}
    values, measured = reader.array(VALUES), reader.array(MEASURED)
    with reader.parsing():
        dataset = restore_dataset(files, values, measured)
        _check_shapes(dataset)
    return dataset


def load_dropped_outliers(run: Run) -> "DroppedOutliers":
    """Return the outliers that `prepare` set to missing. Raise MissingArtifact or CorruptArtifact."""
    from lstm_cli.data.dataset.dropped_outliers import NO_DROPPED_OUTLIERS, DroppedOutliers

    reader = run.artifact("data")
    if not reader.has(DROPPED):
        return NO_DROPPED_OUTLIERS
    stored, (schema, _) = reader.json(DROPPED), load_outline(run)
    with reader.parsing(DROPPED):
        return DroppedOutliers.from_dict(stored, columns=len(schema.targets))


def load_short_series(run: Run) -> ShortSeries:
    """Return the series that are too short for training. Raise MissingArtifact or CorruptArtifact."""
    reader = run.artifact("data")
    if not reader.has(SHORT):
        return NO_SHORT_SERIES
    stored = reader.json(SHORT)
    with reader.parsing(SHORT):
        return ShortSeries.from_dict(stored)


def load_short_rows(run: Run) -> ShortSeries:
    """Return the series that are too short for training, with their rows. Raise as `load_short_series`."""
    short, reader = load_short_series(run), run.artifact("data")
    if not short.names:
        return short
    stored = np.array(reader.array(SHORT_ROWS)) if reader.has(SHORT_ROWS) else None
    columns = len(load_outline(run)[0].columns)
    with reader.parsing(SHORT_ROWS):
        return short.with_rows(stored, columns)


def _check_shapes(dataset: Dataset) -> None:
    """Raise ValueError unless the parts of a dataset have matching shapes."""
    table, schema, values = dataset.series, dataset.schema, dataset.values_scaled
    series, columns = len(table.names), len(schema.columns)
    shapes = [array.shape for name, array in vars(table).items() if name not in ("names", "static")]
    matching = (
        values.dtype == np.float32
        and values.ndim == 2
        and values.shape[1] == columns
        and dataset.measured.shape == values.shape
        and all(shape == (series,) for shape in shapes)
        and (() if table.static is None else table.static.shape[1:])
        == ((len(schema.static),) if schema.static else ())
        and (table.static is None or len(table.static) == series)
        and dataset.scaler.center.shape == dataset.scaler.scale.shape == (series, columns)
        and all(array.shape == (series, dataset.targets) for array in vars(dataset.training).values())
    )
    if not matching:
        raise ValueError("the shapes of its files do not match")
    ends = table.offset + table.count + table.ahead
    ordered = (table.train_end >= 0) & (table.train_end <= table.val_end) & (table.val_end <= table.count)
    inside = (table.offset >= 0) & (table.ahead >= 0) & (ends <= len(values)) & ordered
    if not (inside.all() and schema.horizon >= 1 and schema.lookback >= 1):
        raise ValueError("a series lies outside of the values")
