"""`prepare`: a file of measurements becomes scaled series on a time grid, with their splits."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lstm_cli.config import PrepareConfig
from lstm_cli.data.assemble import Assembled, assemble
from lstm_cli.data.dataset import Dataset
from lstm_cli.data.series import lay_on_grid
from lstm_cli.data.source import STDIN
from lstm_cli.data.splits import parse_share
from lstm_cli.data.stored import store_dataset
from lstm_cli.data.table import Table, read_table
from lstm_cli.data.time_format import TimeFormat, format_times
from lstm_cli.data.windows import split_windows
from lstm_cli.errors import DataError
from lstm_cli.events import Listener, Progressed, Warned
from lstm_cli.rundir import Run, stands, writing
from lstm_cli.steps.before import told_again
from lstm_cli.steps.reporting import plain

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class PrepareReport:
    """What was read and settled."""

    run: str
    source: str
    rows: int  # usable rows of the file
    target_sum: float | None  # of the first target over them, in the file's units
    targets: tuple[str, ...]
    past: tuple[str, ...]
    future: tuple[str, ...]
    calendar: tuple[str, ...]
    series: int
    time_start: str | None  # ISO
    time_end: str | None
    freq: str
    season: int | None  # the shortest; absent where there is none
    seasons: tuple[int, ...]
    season_reason: str
    lookback: int  # steps
    lookback_reason: str
    horizon: int  # steps
    windows: dict[str, int]
    split_rows: dict[str, int]
    filled: int  # cells
    scaler: str
    megabytes: float  # of the scaled values
    warnings: tuple[str, ...]
    up_to_date: bool | None = (
        None  # True: nothing had changed, and this is what the run that made it reported
    )

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return plain(self, absent=("season", "up_to_date"))


def prepare(
    source: str,
    run: Path,
    config: PrepareConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
    stdin: BinaryIO | None = None,
) -> PrepareReport:
    """Reads `source` (a path, or `-`) and writes the run's data. Raises what errors.py names; then nothing is left.

    Where the run has the data of these very bytes and settings, it is left alone. force: prepare anyhow, over a run
    whose `run.json` is damaged too.
    """
    (
        parse_share("--val", config.val),
        parse_share("--test", config.test),
    )  # a wrong one answers before the reading
    with writing(
        run, step="prepare", create=True, lock_wait=lock_wait, sources=sources, force=force
    ) as writer:
        # Of the bytes before they are parsed: if they change meanwhile, the next run finds others and reads anew.
        reads = reads_of(source)
        if not force and stands_of(writer.run, source, config, reads):
            assert writer.run is not None
            return told_again(PrepareReport, writer.run, "prepare", listen)
        from lstm_cli.steps.needs import require_prepare  # which knows of models too

        require_prepare(source, config)
        listen(Progressed(stage="reading", done=0))
        table = read_table(
            source,
            targets=config.target,
            past=config.past,
            future=config.future,
            time=config.time,
            series=config.series,
            encoding=config.encoding,
            delimiter=config.delimiter,
            stdin=stdin,
        )
        grid = lay_on_grid(table, freq=config.freq, start=config.start, end=config.end)
        found = assemble(table, grid, config)
        warnings = (*table.warnings, *grid.warnings, *found.warnings)
        windows = _count_windows(table, found.dataset, config)
        for text in warnings:
            listen(Warned(text=text))
        folder = writer.new("data")
        store_dataset(found.dataset, folder)
        report = _report(run, table, found, windows, warnings)
        writer.commit(config=asdict(config), reads=reads, report=report.to_json())
    return report


def _count_windows(table: Table, dataset: Dataset, config: PrepareConfig) -> dict[str, int]:
    windows = {split: len(split_windows(dataset, split)) for split in SPLITS}
    schema, series = dataset.schema, dataset.series
    needed = [split for split in SPLITS if split != "test" or parse_share("--test", config.test).rows != 0]
    for split in needed:
        if windows[split]:
            continue
        name = {"train": "training", "val": "validation", "test": "test"}[split]
        rows = {
            "train": series.train_end,
            "val": series.val_end - series.train_end,
            "test": series.count - series.val_end,
        }
        need = (
            f"a window needs {schema.lookback} + {schema.horizon} (lookback and horizon)"
            if split == "train" and schema.lookback_fixed and not schema.pad
            else f"a window needs {schema.horizon} of them for its targets"
        )
        raise DataError(
            f"{table.source}: no {name} window fits into {int(rows[split].max())} {name} rows: {need}",
            hint="shorten --horizon or --lookback, or change --val and --test",
        )
    return windows


def reads_of(source: str) -> dict[str, Mapping[str, Any]]:
    """Size and sha256 of an ordinary file; of anything else nothing, whether it can be read or not."""
    try:
        if source == STDIN or not Path(source).is_file():
            return {}
        with Path(source).open("rb", buffering=0) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return {"source": {"sha256": digest, "size": file.tell()}}
    except OSError:  # told by who reads it
        return {}


def stands_of(
    run: Run | None, source: str, config: PrepareConfig, reads: Mapping[str, Mapping[str, Any]]
) -> bool:
    """Whether the run has the data of this very file, which reports name."""
    return (
        run is not None
        and stands(run, "prepare", config=asdict(config), source=reads.get("source"))
        and run.report("prepare").get("source") == source
    )


def _iso(time_us: int, written: TimeFormat) -> str:
    iso = TimeFormat(pattern="%Y-%m-%dT%H:%M:%S", zone="Z" if written.has_offset else "")
    return format_times(np.array([time_us]), iso)[0]


def _report(
    run: Path, table: Table, found: Assembled, windows: dict[str, int], warnings: tuple[str, ...]
) -> PrepareReport:
    dataset = found.dataset
    schema, series = dataset.schema, dataset.series
    start = end = None
    if schema.time_name is not None:
        last = [
            int(schema.step.times(count - 1, origin))
            for count, origin in zip(series.count, series.origin_us, strict=True)
        ]
        start = _iso(int(series.origin_us.min()), schema.time_format)
        end = _iso(max(last), schema.time_format)
    return PrepareReport(
        run=str(run),
        source=table.source,
        rows=found.rows,
        target_sum=found.target_sum,
        targets=schema.targets,
        past=schema.past,
        future=schema.future,
        calendar=schema.calendar,
        series=len(series.names),
        time_start=start,
        time_end=end,
        freq=schema.step.name,
        season=min(schema.seasons, default=None),
        seasons=schema.seasons,
        season_reason=found.season_reason,
        lookback=schema.lookback,
        lookback_reason=found.lookback_reason,
        horizon=schema.horizon,
        windows=windows,
        split_rows={
            "train": int(series.train_end.sum()),
            "val": int((series.val_end - series.train_end).sum()),
            "test": int((series.count - series.val_end).sum()),
        },
        filled=found.filled,
        scaler=dataset.scaler.kind,
        megabytes=round(dataset.values_scaled.nbytes / 1e6, 2),
        warnings=warnings,
    )
