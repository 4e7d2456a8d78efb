"""Rows of `refresh`: those of the run and of the new file, read as `predict` reads new data, and stored in the run."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, BinaryIO

import numpy as np

from lstm_cli.config import PrepareConfig, RefreshConfig, restore_settings
from lstm_cli.data.build.merge_rows import MergedRows, merge_rows
from lstm_cli.data.build.new_rows import check_changes, check_new_times
from lstm_cli.data.dataset.dataset import Dataset, SeriesTable, describe_dataset, pack_mask
from lstm_cli.data.dataset.load import (
    DROPPED,
    MEASURED,
    SHORT,
    SHORT_ROWS,
    VALUES,
    load_dataset,
    load_dropped_outliers,
    load_short_rows,
)
from lstm_cli.data.dataset.windows import SPLITS, count_windows
from lstm_cli.data.forecast.new_data import ModelSchema, read_new_data
from lstm_cli.data.reading.source import InMemory, is_pipe
from lstm_cli.data.times.formats import iso_time
from lstm_cli.findings import Finding
from lstm_cli.inference.trained_model import TrainedModel
from lstm_cli.rundir import Run, Writer, reading_manifest
from lstm_cli.steps.predict.data import source_name

# Both are about a forecast of the file alone. The rows of the run come before those of the file.
IRRELEVANT = ("D513", "D602")


def prepare_settings(run: Run) -> PrepareConfig:
    """Return the settings of the run's data. A run of `refresh` has no last row, because the data grow."""
    with reading_manifest(run.path):
        config = restore_settings(PrepareConfig, run.entry("prepare")["config"])
    return replace(config, end=None)


def read_and_merge(
    source: str, run: Run, config: RefreshConfig, stdin: BinaryIO | None, warn: Callable[[Finding], None]
) -> MergedRows:
    """Return the rows of the run with those of the file.

    Args:
        source: file, `-` for standard input.
        run: run with data.
        config: settings of `refresh`.
        stdin: stream behind `-`.
        warn: receives findings.

    Raises:
        DataError: the file does not fit the run.
    """
    own = load_dataset(run)
    # A file may have only the newest row of a series, so it needs no lookback.
    schema = replace(own.schema, horizon=0, lookback=1, lookback_fixed=True, pad=False)
    known = ModelSchema(
        schema=schema, series=own.series, scaler=own.scaler, training=own.training, rows_read=1
    )
    read = read_new_data(source, known, text=config.text_settings, stdin=stdin)
    for finding in read.findings:
        if finding.rule not in IRRELEVANT:
            warn(finding)
    name, accept = source_name(source), config.accept_changes
    for finding in check_new_times(own, read.dataset, name, accept=accept):
        warn(finding)
    merged = merge_rows(own, read.dataset, load_dropped_outliers(run), load_short_rows(run))
    for finding in check_changes(own.schema, merged.counts, name, accept=accept):
        warn(finding)
    return merged


def validation_rows(run: Run) -> int:
    """Return the number of validation rows of the run's data, in steps."""
    table = load_dataset(run).series
    return max(1, int((table.val_end - table.train_end).max()))


def learnt_rows(merged: MergedRows, model: TrainedModel) -> np.ndarray:
    """Return the first row [S] of each series after the rows that the model has learnt.

    The newest time that the model has learnt counts for all series, also for those that it does not know. Without
    times, a series has its own newest row, and all rows of a new series count as learnt.
    """
    table, theirs, step = merged.table, model.series, merged.schema.step
    last = step.times(theirs.val_end - 1, theirs.origin_us)
    if merged.schema.time_name is not None:
        newest = dict.fromkeys(table.names, int(last.max()))
    else:
        newest = dict(zip(theirs.names, last.tolist(), strict=True))
    first = table.count.copy()
    for index, name in enumerate(table.names):
        if name in newest:
            place = step.index(np.array([newest[name]]), int(table.origin_us[index]))[0][0]
            first[index] = int(np.clip(place + 1, 0, table.count[index]))
    return first


def count_unlearnt(merged: MergedRows, learnt: np.ndarray, *, after_us: int | None = None) -> int:
    """Return the number of times with a measured target after the rows that the model has learnt.

    Args:
        merged: rows of the run and of the file.
        learnt: [S] first row of each series after those that the model has learnt.
        after_us: only times after this one count; None: all.
    """
    table, step, width = merged.table, merged.schema.step, len(merged.schema.targets)
    times = []
    for index, rows in enumerate(merged.rows):
        begin = int(learnt[index])
        measured = ~np.isnan(rows[begin : table.count[index], :width]).all(axis=1)
        times.append(step.times(begin + np.flatnonzero(measured), int(table.origin_us[index])))
    unlearnt = np.unique(np.concatenate(times))
    return len(unlearnt) if after_us is None else int((unlearnt > after_us).sum())


def newest_time(table: SeriesTable, merged: MergedRows) -> int:
    """Return the time of the newest row, in microseconds."""
    return int(merged.schema.step.times(table.count - 1, table.origin_us).max())


def is_stored(run: Run, merged: MergedRows, dataset: Dataset) -> bool:
    """Return whether the run has these rows with these splits. Then they stay, because rescaling changes last bits.

    Args:
        run: run with data.
        merged: rows of the run and of the file.
        dataset: the same rows with their splits.
    """
    own, table = load_dataset(run).series, dataset.series
    same = [
        np.array_equal(getattr(own, name), getattr(table, name))
        for name in ("count", "ahead", "train_end", "val_end")
    ]
    counts = merged.counts
    return not (counts.added or counts.changed or counts.filled) and own.names == table.names and all(same)


def commit_rows(
    writer: Writer, source: str, merged: MergedRows, dataset: Dataset, config: PrepareConfig
) -> None:
    """Make the rows the data of the run, with one rename. The model stays as it is.

    Args:
        writer: writer of the step `prepare`.
        source: file of the new rows.
        merged: rows of the run and of the file.
        dataset: the same rows with their splits.
        config: settings of `prepare` for these splits.

    Raises:
        OutputError: the system refuses.
    """
    run = writer.run
    assert run is not None
    folder = writer.new("data")
    folder.write_array(VALUES, dataset.values_scaled)
    folder.write_array(MEASURED, pack_mask(dataset.measured))
    for name, content in describe_dataset(dataset).items():
        folder.write_json(name, content)
    dropped = merged.dropped_in(dataset)
    if len(dropped.values):
        folder.write_json(DROPPED, dropped.to_dict())
    short = merged.short_in(dataset, load_short_rows(run))
    if short.names:
        folder.write_json(SHORT, short.to_dict())
        folder.write_array(SHORT_ROWS, np.concatenate(short.rows))
    report = run.report("prepare") | _facts(source, merged, dataset)
    if config.outliers == "drop":
        report["outliers"] = dropped.count_by_column(dataset.schema.targets)
    writer.commit(config=asdict(config), reads=_read(source), report=report)


def _facts(source: str, merged: MergedRows, dataset: Dataset) -> dict[str, Any]:
    """Return the values of the report of `prepare` that new rows change."""
    schema, table = dataset.schema, dataset.series
    usable = np.concatenate(
        [np.arange(count + ahead) < count for count, ahead in zip(table.count, table.ahead, strict=True)]
    )
    index = {name: number for number, name in enumerate(merged.table.names)}
    first = [merged.rows[index[name]][:, 0] for name in table.names]
    facts = {
        "source": source_name(source),
        "rows": int(table.count.sum()),
        "target_sum": float(sum(np.nansum(values) for values in first)),
        "series": len(table.names),
        "season": min(schema.seasons, default=None),
        "seasons": list(schema.seasons),
        "lookback": schema.lookback,
        "windows": {split: count_windows(schema, table, split) for split in SPLITS},
        "split_rows": table.split_rows,
        "filled": int((~dataset.measured[usable]).sum()),
        "megabytes": round(dataset.values_scaled.size * 4 / 1e6, 2),
    }
    if schema.time_name is not None:
        facts["time_start"] = iso_time(int(table.origin_us.min()), schema.time_format)
        facts["time_end"] = iso_time(newest_time(table, merged), schema.time_format)
    return facts


def _read(source: str) -> dict[str, dict[str, Any]]:
    """Return size and sha256 of the file, nothing for standard input."""
    import hashlib
    from pathlib import Path

    if isinstance(source, InMemory) or is_pipe(source):
        return {}
    data = Path(source).read_bytes()
    return {"source": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}}
