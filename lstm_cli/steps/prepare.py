"""`prepare`: a file of measurements becomes scaled series on a time grid, with their splits."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lstm_cli.config import PrepareConfig
from lstm_cli.data.assemble import Assembled, assemble
from lstm_cli.data.finding import WARNING
from lstm_cli.data.findings import inspect, target_outliers
from lstm_cli.data.series import Grid, lay_on_grid
from lstm_cli.data.splits import parse_share
from lstm_cli.data.stored import store_dataset
from lstm_cli.data.table import Table, read_table
from lstm_cli.data.time_format import TimeFormat, format_times
from lstm_cli.data.windows import require_windows
from lstm_cli.events import Listener, Progressed, Warned
from lstm_cli.rundir import writing
from lstm_cli.steps.reporting import plain


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

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return plain(self, absent=("season",))


def prepare(
    source: str | Sequence[str],
    run: Path,
    config: PrepareConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    stdin: BinaryIO | None = None,
) -> PrepareReport:
    """Reads `source` (a path, `-`, a pattern, or several paths) and writes the run's data.

    Raises what errors.py names; then nothing is left.
    """
    (
        parse_share("--val", config.val),
        parse_share("--test", config.test),
    )  # a wrong one answers before the reading
    with writing(run, step="prepare", create=True, lock_wait=lock_wait, force=force) as writer:
        listen(Progressed(stage="reading", done=0))
        folder = writer.new("data")
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
            listen=listen,
            spill=folder.scratch,
        )
        grid = lay_on_grid(table, freq=config.freq, start=config.start, end=config.end)
        found = assemble(table, grid, config)
        test_wanted = parse_share("--test", config.test).rows != 0
        windows = require_windows(found.schema, found.series, table.source, test_wanted=test_wanted)
        told = (*table.warnings, *grid.warnings, *found.warnings)
        warnings = (*told, *_warnings(table, grid, found, config, told))
        for text in warnings:
            listen(Warned(text=text))
        store_dataset(found, table, folder, listen)
        report = _report(run, table, found, windows, warnings)
        writer.commit(config=asdict(config), reads=_read(table), report=report.to_json())
    return report


def _warnings(
    table: Table, grid: Grid, found: Assembled, config: PrepareConfig, told: Sequence[str]
) -> list[str]:
    """What `check` finds in the chosen columns beside what was `told`, where it is more than a note."""
    schema = found.schema
    further = inspect(
        table,
        grid,
        outliers=target_outliers(table, grid, schema.seasons),
        season=max(schema.seasons, default=1),
        horizon=schema.horizon,
        told=told,
        start=config.start,
        end=config.end,
    )
    return [one.text for one in further if one.severity == WARNING]


def _read(table: Table) -> dict[str, Mapping[str, Any]]:
    facts = list(table.read.values())
    if len(facts) == 1:
        return {"source": facts[0]}
    return {f"source {number}": fact for number, fact in enumerate(facts, start=1)}


def _iso(time_us: int, written: TimeFormat) -> str:
    iso = TimeFormat(pattern="%Y-%m-%dT%H:%M:%S", zone="Z" if written.has_offset else "")
    return format_times(np.array([time_us]), iso)[0]


def _report(
    run: Path, table: Table, found: Assembled, windows: dict[str, int], warnings: tuple[str, ...]
) -> PrepareReport:
    schema, series = found.schema, found.series
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
        split_rows=series.split_rows,
        filled=found.filled,
        scaler=found.scaler.kind,
        megabytes=round(found.grid.rows * len(schema.columns) * 4 / 1e6, 2),
        warnings=warnings,
    )
