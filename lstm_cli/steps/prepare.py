"""`prepare`: a file of measurements becomes scaled series on a time grid, with their splits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lstm_cli.config import PrepareConfig
from lstm_cli.data.assemble import Assembled, assemble
from lstm_cli.data.finding import WARNING
from lstm_cli.data.findings import inspect, target_outliers
from lstm_cli.data.series import Grid, lay_on_grid
from lstm_cli.data.source import STDIN, expanded
from lstm_cli.data.splits import parse_share
from lstm_cli.data.storing import store_dataset
from lstm_cli.data.table import Table, read_asked
from lstm_cli.data.time_format import TimeFormat, format_times
from lstm_cli.data.windows import require_windows
from lstm_cli.data.wording import Files
from lstm_cli.events import Listener, Progressed, Warned
from lstm_cli.rundir import Run, stands, writing
from lstm_cli.steps.before import told_again
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
    up_to_date: bool | None = (
        None  # True: nothing had changed, and this is what the run that made it reported
    )

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return plain(self, absent=("season", "up_to_date"))


def prepare(
    source: str | Sequence[str],
    run: Path,
    config: PrepareConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
    stdin: BinaryIO | None = None,
) -> PrepareReport:
    """Reads `source` (a path, `-`, a pattern, or several paths) and writes the run's data.

    Where the run has the data of these very bytes and settings, it is left alone. force: prepare anyhow, over a run
    whose `run.json` is damaged too. Raises what errors.py names; then nothing is left.
    """
    (
        parse_share("--val", config.val),
        parse_share("--test", config.test),
    )  # a wrong one answers before the reading
    paths = expanded(source)
    with writing(
        run, step="prepare", create=True, lock_wait=lock_wait, sources=sources, force=force
    ) as writer:
        if not force and stands_of(writer.run, paths, config):
            assert writer.run is not None
            return told_again(PrepareReport, writer.run, "prepare", listen)
        from lstm_cli.steps.needs import require_prepare  # which knows of models too

        require_prepare(paths, config)
        listen(Progressed(stage="reading", done=0))
        folder = writer.new("data")
        table = read_asked(paths, config, stdin=stdin, listen=listen, spill=folder.scratch)
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
    """Size and sha256 of each file that was read; of standard input nothing."""
    return dict(zip(named_sources(table.read), table.read.values(), strict=True))


def named_sources(paths: Collection[str]) -> dict[str, str]:
    """The files of a data set by the names that `run.json` has for them."""
    if len(paths) == 1:
        return {"source": next(iter(paths))}
    return {f"source {number}": path for number, path in enumerate(paths, start=1)}


def stands_of(run: Run | None, paths: Sequence[str], config: PrepareConfig) -> bool:
    """Whether the run has the data of these very files, which reports name."""
    return (
        run is not None
        and STDIN not in paths
        and run.report("prepare").get("source") == Files(names=tuple(paths), begins=()).name
        and stands(run, "prepare", config=asdict(config), sources=named_sources(paths))
    )


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
