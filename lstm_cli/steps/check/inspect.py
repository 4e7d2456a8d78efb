"""Reader of `check`: it profiles each column, then reads as `prepare` would."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import BinaryIO

from lstm_cli.config import PrepareConfig
from lstm_cli.data.build.assemble import Assembled, assemble
from lstm_cli.data.build.splits import parse_split_size
from lstm_cli.data.grid.local_times import localize
from lstm_cli.data.grid.regular_grid import Grid, to_regular_grid
from lstm_cli.data.grid.resample import require_resample_packages, resample_table
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.quality.gaps import Gaps, find_gaps
from lstm_cli.data.quality.inspect import inspect_table, inspect_training_rows, target_outliers
from lstm_cli.data.quality.leakage import column_findings, leakage_in_unused_columns
from lstm_cli.data.quality.outliers import Outliers
from lstm_cli.data.quality.profile import FileProfile, profile_files
from lstm_cli.data.reading.columns.requests import ColumnRequest
from lstm_cli.data.reading.columns.roles import choose_columns
from lstm_cli.data.reading.source import read_pipes
from lstm_cli.data.reading.table import Table, read_configured_table, wide_request
from lstm_cli.errors import DataError, LstmError, UsageError
from lstm_cli.findings import ERROR, NOTE, SEVERITIES, Finding, in_file
from lstm_cli.wording import count_noun

ANY_TARGET_KINDS = ("outliers", "daylight-saving")  # findings that need no chosen target


@dataclass(kw_only=True)
class CheckState:
    """Facts about a file; a field is None if `prepare` would stop before it is known."""

    profile: FileProfile
    config: PrepareConfig
    target_named: bool  # False: no target was given, so each numeric column is read as one
    table: Table | None = None
    grid: Grid | None = None
    assembled: Assembled | None = None
    windows: dict[str, int] | None = None
    refused: LstmError | None = None

    @property
    def seasons(self) -> tuple[int, ...]:
        """Return the seasons in steps that the training rows confirm."""
        return () if self.assembled is None else self.assembled.schema.seasons

    @cached_property
    def outliers(self) -> list[Outliers]:
        """Return the outliers of the targets."""
        if self.table is None or self.grid is None:
            return []
        return target_outliers(self.table, self.grid, self.seasons)

    @cached_property
    def gaps(self) -> Gaps | None:
        """Return the gaps in the time grid; None without a time grid."""
        if self.table is None or self.grid is None or self.table.time_name is None:
            return None
        return find_gaps(self.table, self.grid.step, start=self.config.start, end=self.config.end)


def inspect_file(sources: Sequence[str], config: PrepareConfig, stdin: BinaryIO | None) -> CheckState:
    """Read files as `prepare` would with these settings, and keep the error that `prepare` would raise.

    Each file is read twice, so standard input and pipes are held in memory.

    Args:
        sources: paths of the files; `-` is standard input.
        config: settings of `prepare`.
        stdin: standard input; None if it is not read.

    Returns:
        All known facts, with the error.

    Raises:
        DataError: a file holds no table at all.
        UsageError: a setting is wrong for any data.
    """
    require_resample_packages(config)
    sources = read_pipes(sources, stdin)
    profile = profile_files(sources, wide=wide_request(config), text=config.text_settings, stdin=stdin)
    candidates = () if config.target or config.wide else _candidate_targets(profile, config)
    state = CheckState(
        profile=profile,
        config=replace(config, target=candidates) if candidates else config,
        target_named=not candidates,
    )
    try:
        _inspect_table(state, sources, stdin)
    except UsageError:
        raise
    except LstmError as error:
        state.refused = error
    return state


def _inspect_table(state: CheckState, sources: Sequence[str], stdin: BinaryIO | None) -> None:
    config = state.config
    state.table = read_configured_table(sources, config, stdin=stdin)
    state.table = localize(state.table, config.grid)
    state.table = resample_table(state.table, config.grid, start=config.start, end=config.end)
    state.grid = to_regular_grid(state.table, config.grid, start=config.start, end=config.end)
    state.assembled = assemble(state.table, state.grid, config)
    test_wanted = parse_split_size("--test", config.test).rows != 0
    state.windows = state.assembled.windows(state.table.source, test_wanted=test_wanted)


def _candidate_targets(profile: FileProfile, config: PrepareConfig) -> tuple[str, ...]:
    """Return the columns that hold only numbers, if several columns could be the target; else an empty tuple."""
    taken = {*config.time, *config.series, *config.past, *config.future, *config.static}
    names = [column.name for column in profile.columns]
    plain = {column.name: column.values is not None for column in profile.columns}
    numeric = [
        column.name
        for column in profile.columns
        if (column.reads_as == "number" or plain[column.name])
        and column.name not in taken
        and names.count(column.name) == 1
    ]
    asked = ColumnRequest(
        targets=(),
        past=config.past,
        future=config.future,
        time=config.time,
        series=config.series,
        static=config.static,
        has_header=config.has_header,
    )
    for target in ((), numeric[-1:], numeric[:1]):  # a column of digits may be the time column
        try:
            chosen = choose_columns(
                profile.source, names, profile.sample, replace(asked, targets=tuple(target))
            )
        except DataError as error:
            if not target and error.rule == "D205":
                continue
            return ()  # the read that follows raises it again
        if chosen.time:
            numeric = [name for name in numeric if name not in [names[index] for index in chosen.time]]
            break
    return tuple(name for name in numeric if plain[name]) if len(numeric) > 1 else ()


def findings(state: CheckState) -> list[Finding]:
    """Return all findings, errors first."""
    table, grid, assembled = state.table, state.grid, state.assembled
    source = state.profile.source
    refused = state.refused
    messages = [refusal(refused, source)] if refused is not None else []
    read = [finding for part in (table, grid, assembled) if part is not None for finding in part.findings]
    messages += read
    if table is not None and grid is not None:
        messages += _quality_findings(state, table, grid, read)
    if not state.target_named:
        messages.append(_no_target_finding(state))
    location = refused.at if isinstance(refused, DataError) else None
    cell = None if location is None or not location.lines else (location.column, location.lines[0])
    others = column_findings(state.profile, _used_columns(state))
    messages += [finding for finding in others if cell is None or (finding.column, finding.lines[0]) != cell]
    return sorted(messages, key=lambda finding: SEVERITIES.index(finding.severity))


def refusal(error: LstmError, source: str) -> Finding:
    """Return the error of `prepare` as a finding."""
    location, flags = (error.at, error.flags) if isinstance(error, DataError) else (None, ())
    return Finding(
        rule=error.rule or "D901",
        kind="refused",
        severity=ERROR,
        text=f"{error.message}{f' ({error.hint})' if error.hint else ''}",
        source=source if location is None else location.source,
        column=None if location is None else location.column,
        lines=() if location is None else location.lines,
        flags=flags,
    )


def _quality_findings(
    state: CheckState, table: Table, grid: Grid, read: Sequence[Finding]
) -> Sequence[Finding]:
    config = state.config
    horizon = (config.horizon or 1) if state.assembled is None else state.assembled.schema.horizon
    messages = inspect_table(
        table,
        grid,
        outliers=state.outliers,
        season=max(state.seasons, default=1),
        horizon=horizon,
        reader_findings=read,
        start=config.start,
        end=config.end,
    )
    if state.target_named:
        if state.assembled is not None:
            rows = GridLines(table, state.assembled.grid)
            train_end = state.assembled.series.train_end
            messages += inspect_training_rows(rows, train_end, state.assembled.schema)
        return messages + leakage_in_unused_columns(
            state.profile, table, grid, horizon=horizon, season=max(state.seasons, default=1)
        )
    messages = [finding for finding in messages if finding.kind in ANY_TARGET_KINDS]
    return [
        replace(finding, severity=NOTE) if finding.kind == "outliers" else finding for finding in messages
    ]


def _no_target_finding(state: CheckState) -> Finding:
    columns = count_noun(len(state.config.target), "column")
    return Finding.at(
        in_file(state.profile.source),
        "D711",
        f"no target chosen: {columns} of numbers could be forecast, and prepare needs one by name. Checks of a target, "
        "such as leakage, were skipped (use --target to choose one)",
        kind="no-target",
        severity=NOTE,
        count=len(state.config.target),
        flags=("--target",),
    )


def _used_columns(state: CheckState) -> tuple[str, ...]:
    """Return the columns that were read, whose findings are already in the list."""
    table, config = state.table, state.config
    covariates = (*config.past, *config.future, *config.static)
    numeric = (*config.target, *covariates) if state.target_named else ()
    if table is None:
        return (*numeric, *config.time, *config.series)
    named = (*table.columns, *covariates) if state.target_named else ()
    return (*named, *table.time_columns, *table.series_columns)
