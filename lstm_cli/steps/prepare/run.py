"""Work of `prepare`: read a table, lay it on a time grid, inspect, scale and store it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from lstm_cli.config import PrepareConfig
from lstm_cli.data.build.assemble import Assembled, assemble
from lstm_cli.data.build.splits import parse_split_size
from lstm_cli.data.build.write import store_dataset
from lstm_cli.data.grid.local_times import localize
from lstm_cli.data.grid.regular_grid import Grid, to_regular_grid
from lstm_cli.data.grid.resample import require_resample_packages, resample_table
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.grid.sorting import sort_table
from lstm_cli.data.quality.inspect import inspect_table, inspect_training_rows, target_outliers
from lstm_cli.data.reading.table import Table, read_configured_table, report_joined_times
from lstm_cli.data.times.formats import iso_time
from lstm_cli.errors import DataError
from lstm_cli.events import Listener, Progressed, WarningRaised
from lstm_cli.findings import Finding, warnings_of
from lstm_cli.rundir import Writer
from lstm_cli.steps.prepare.report import PrepareReport, named_sources
from lstm_cli.steps.shared.memory_estimate import require_prepare
from lstm_cli.steps.shared.report_json import finding_fields


def prepare_run(
    writer: Writer, paths: Sequence[str], config: PrepareConfig, listen: Listener, *, stdin: BinaryIO | None
) -> PrepareReport:
    """Read the files and commit the run's data.

    Args:
        writer: writer of the run.
        paths: data files; `-` is standard input.
        config: settings of the step.
        listen: receives progress events and warnings.
        stdin: standard input; None if it is not read.
    """
    require_resample_packages(config)
    require_prepare(paths, config)
    listen(Progressed(stage="reading", done=0))
    folder = writer.new("data")
    table = read_configured_table(paths, config, stdin=stdin, listen=listen, spill=folder.scratch)
    try:
        table = localize(table, config.grid)
        table = resample_table(table, config.grid, start=config.start, end=config.end)
        table = sort_table(table)
        grid = to_regular_grid(table, config.grid, start=config.start, end=config.end)
        assembled = assemble(table, grid, config)
    except DataError:
        report_joined_times(table.findings, listen)
        raise
    test_wanted = parse_split_size("--test", config.test).rows != 0
    windows = assembled.windows(table.source, test_wanted=test_wanted)
    read = warnings_of((*table.findings, *grid.findings, *assembled.findings))
    findings = (*read, *_quality_warnings(table, grid, assembled, config, read))
    for finding in findings:
        listen(WarningRaised(finding=finding))
    store_dataset(assembled, folder, listen)
    report = _report(writer.path, table, assembled, windows, findings, dropped=config.outliers == "drop")
    writer.commit(config=asdict(config), reads=_read(table), report=report.to_json())
    return report


def _quality_warnings(
    table: Table, grid: Grid, assembled: Assembled, config: PrepareConfig, read: Sequence[Finding]
) -> list[Finding]:
    """Return the warnings (without notes) that `check` gives for the chosen columns, except those of reading."""
    schema = assembled.schema
    dropped = config.outliers == "drop"
    table, inspected = (assembled.table, assembled.grid) if dropped else (table, grid)
    findings = inspect_table(
        table,
        inspected,
        outliers=target_outliers(table, inspected, schema.seasons),
        season=max(schema.seasons, default=1),
        horizon=schema.horizon,
        reader_findings=read,
        start=config.start,
        end=config.end,
        dropped=dropped,
    )
    training = inspect_training_rows(GridLines(table, assembled.grid), assembled.series.train_end, schema)
    return warnings_of((*findings, *training))


def _read(table: Table) -> dict[str, Mapping[str, Any]]:
    """Return size and sha256 of each file that was read, without standard input."""
    return dict(zip(named_sources(table.read), table.read.values(), strict=True))


def _report(
    run: Path,
    table: Table,
    assembled: Assembled,
    windows: dict[str, int],
    findings: tuple[Finding, ...],
    *,
    dropped: bool,
) -> PrepareReport:
    schema, series = assembled.schema, assembled.series
    start = end = None
    if schema.time_name is not None:
        last = [
            int(schema.step.times(count - 1, origin))
            for count, origin in zip(series.count, series.origin_us, strict=True)
        ]
        start = iso_time(int(series.origin_us.min()), schema.time_format)
        end = iso_time(max(last), schema.time_format)
    return PrepareReport(
        run=str(run),
        source=table.source,
        rows=assembled.rows,
        target_sum=assembled.target_sum,
        targets=schema.targets,
        past=schema.past,
        future=schema.future,
        calendar=schema.calendar,
        holidays=tuple(name for dates in schema.holidays for name in dates.names),
        static=schema.static,
        series=len(series.names),
        ended=assembled.ended,
        time_start=start,
        time_end=end,
        freq=schema.step.name,
        season=min(schema.seasons, default=None),
        seasons=schema.seasons,
        season_reason=assembled.season_reason,
        lookback=schema.lookback,
        lookback_reason=assembled.lookback_reason,
        horizon=schema.horizon,
        windows=windows,
        split_rows=series.split_rows,
        filled=assembled.filled,
        outliers=assembled.dropped.count_by_column(schema.targets) if dropped else None,
        scaler=assembled.scaler.kind,
        megabytes=round(assembled.grid.rows * len(schema.columns) * 4 / 1e6, 2),
        **finding_fields(findings),
    )
