"""How `check` reads: every column, then what `prepare` would read, as far as that goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import BinaryIO

from lstm_cli.config import PrepareConfig
from lstm_cli.data.build.assemble import Assembled, assemble
from lstm_cli.data.build.splits import parse_split_size
from lstm_cli.data.grid.regular_grid import Grid, to_regular_grid
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.quality.gaps import Gaps, find_gaps
from lstm_cli.data.quality.inspect import inspect_table, target_outliers
from lstm_cli.data.quality.intermittent import find_intermittent
from lstm_cli.data.quality.leakage import column_findings, leakage_in_unused_columns
from lstm_cli.data.quality.outliers import Outliers
from lstm_cli.data.quality.profile import FileProfile, profile_files
from lstm_cli.data.reading.column_roles import ColumnRequest, choose_columns
from lstm_cli.data.reading.source import read_pipes
from lstm_cli.data.reading.table import Table, read_configured_table
from lstm_cli.errors import DataError, LstmError, UsageError
from lstm_cli.findings import ERROR, NOTE, SEVERITIES, Finding, in_file
from lstm_cli.text import count_noun

OF_ANY_TARGET = ("outliers", "daylight-saving")  # findings that need no one target


@dataclass(kw_only=True)
class CheckState:
    """What is known of a file; None from where on `prepare` would refuse it."""

    survey: FileProfile
    config: PrepareConfig
    target_named: bool  # False: the targets stand in for the one that is to be named
    table: Table | None = None
    grid: Grid | None = None
    found: Assembled | None = None
    windows: dict[str, int] | None = None
    refused: LstmError | None = None

    @property
    def seasons(self) -> tuple[int, ...]:
        """Those that the training rows confirm."""
        return () if self.found is None else self.found.schema.seasons

    @cached_property
    def outliers(self) -> list[Outliers]:
        """Of the targets."""
        if self.table is None or self.grid is None:
            return []
        return target_outliers(self.table, self.grid, self.seasons)

    @cached_property
    def gaps(self) -> Gaps | None:
        """Holes of the time grid; None where there is none."""
        if self.table is None or self.grid is None or self.table.time_name is None:
            return None
        return find_gaps(self.table, self.grid.step, start=self.config.start, end=self.config.end)


def inspect_file(sources: Sequence[str], config: PrepareConfig, stdin: BinaryIO | None) -> CheckState:
    """Reads files as `prepare` would with these settings; what that refuses is kept.

    Standard input and pipes are held in memory, since all is read twice. Raises DataError for what holds no table at
    all, UsageError for settings that are wrong whatever the data hold.
    """
    held = read_pipes(sources, stdin)
    survey = profile_files(
        sources, encoding=config.encoding, delimiter=config.delimiter, stdin=stdin, held=held
    )
    candidates = () if config.target else _profile_several(survey, config)
    known = CheckState(
        survey=survey,
        config=replace(config, target=candidates) if candidates else config,
        target_named=not candidates,
    )
    try:
        _inspect_table(known, sources, stdin, held)
    except UsageError:
        raise
    except LstmError as error:
        known.refused = error
    return known


def _inspect_table(
    known: CheckState, sources: Sequence[str], stdin: BinaryIO | None, held: Mapping[str, bytes]
) -> None:
    config = known.config
    known.table = read_configured_table(sources, config, stdin=stdin, held=held)
    known.grid = to_regular_grid(known.table, freq=config.freq, start=config.start, end=config.end)
    known.found = assemble(known.table, known.grid, config)
    test_wanted = parse_split_size("--test", config.test).rows != 0
    known.windows = known.found.windows(known.table.source, test_wanted=test_wanted)


def _profile_several(survey: FileProfile, config: PrepareConfig) -> tuple[str, ...]:
    """Where several columns could be the target, those of them that hold numbers alone; else none."""
    taken = {config.time, config.series, *config.past, *config.future}
    names = [column.name for column in survey.columns]
    plain = {column.name: column.values is not None for column in survey.columns}
    numeric = [
        column.name
        for column in survey.columns
        if (column.reads_as == "number" or plain[column.name])
        and column.name not in taken
        and names.count(column.name) == 1
    ]
    for one in (numeric[-1:], numeric[:1]):  # a column of digits may turn out to be the time
        asked = ColumnRequest(
            targets=tuple(one), past=config.past, future=config.future, time=config.time, series=config.series
        )
        try:
            chosen = choose_columns(survey.source, names, survey.sample, asked)
        except DataError:  # which reading tells
            return ()
        if chosen.time is not None:
            numeric = [name for name in numeric if name != names[chosen.time]]
            break
    return tuple(name for name in numeric if plain[name]) if len(numeric) > 1 else ()


def findings(known: CheckState) -> list[Finding]:
    """All of them, the gravest first."""
    table, grid, found = known.table, known.grid, known.found
    source = known.survey.source
    refused = known.refused
    told = [_refusal(refused, source)] if refused is not None else []
    read = [finding for part in (table, grid, found) if part is not None for finding in part.findings]
    told += read
    if table is not None and grid is not None:
        told += _inspected(known, table, grid, read)
    if not known.target_named:
        told.append(_no_target(known))
    at = refused.at if isinstance(refused, DataError) else None
    cell = None if at is None or not at.lines else (at.column, at.lines[0])
    others = column_findings(known.survey, _used(known))
    told += [one for one in others if cell is None or (one.column, one.lines[0]) != cell]
    return sorted(told, key=lambda finding: SEVERITIES.index(finding.severity))


def _refusal(error: LstmError, source: str) -> Finding:
    """Return what `prepare` refuses as a finding."""
    at, flags = (error.at, error.flags) if isinstance(error, DataError) else (None, ())
    return Finding(
        rule=error.rule or "D901",
        kind="refused",
        severity=ERROR,
        text=f"{error.message}{f' ({error.hint})' if error.hint else ''}",
        source=source if at is None else at.source,
        column=None if at is None else at.column,
        lines=() if at is None else at.lines,
        flags=flags,
    )


def _inspected(known: CheckState, table: Table, grid: Grid, read: Sequence[Finding]) -> Sequence[Finding]:
    config = known.config
    horizon = (config.horizon or 1) if known.found is None else known.found.schema.horizon
    told = inspect_table(
        table,
        grid,
        outliers=known.outliers,
        season=max(known.seasons, default=1),
        horizon=horizon,
        reader_findings=read,
        start=config.start,
        end=config.end,
    )
    if known.target_named:
        if known.found is not None:
            rows = GridLines(table, known.found.grid)
            told += find_intermittent(rows, known.found.series.train_end, table.targets)
        return told + leakage_in_unused_columns(
            known.survey, table, grid, horizon=horizon, season=max(known.seasons, default=1)
        )
    told = [one for one in told if one.kind in OF_ANY_TARGET]
    return [replace(one, severity=NOTE) if one.kind == "outliers" else one for one in told]


def _no_target(known: CheckState) -> Finding:
    columns = count_noun(len(known.config.target), "column")
    return Finding.at(
        in_file(known.survey.source),
        "D711",
        f"{columns} of numbers could be forecast, and prepare asks for one by "
        "name; what concerns a target alone, such as columns that give it away, is left out (--target names it)",
        kind="no-target",
        severity=NOTE,
        count=len(known.config.target),
        flags=("--target",),
    )


def _used(known: CheckState) -> tuple[str, ...]:
    """The columns that are read, whose findings are told already."""
    table, config = known.table, known.config
    numeric = (*config.target, *config.past, *config.future) if known.target_named else ()
    if table is None:
        return (*numeric, *(name for name in (config.time, config.series) if name))
    named = table.columns if known.target_named else ()
    return (*named, *(name for name in (table.time_name, table.series_name) if name))
