"""Origin of a forecast from an earlier row, `--origin`: the last row that the forecast knows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstm_cli.data.dataset.dataset import Schema
from lstm_cli.data.grid.regular_grid import Grid
from lstm_cli.data.grid.sorting import sort_rows
from lstm_cli.data.grid.time_range import parse_time_range, row_number
from lstm_cli.data.locations import quote_names
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.formats import TimeFormat, format_zoned_times, show_time
from lstm_cli.data.times.parse import parse_instant, parse_time, time_span
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import Finding, in_file

FLAG = "--origin"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Time of the last known row. Without times, it is a row number from 0."""

    text: str  # value of --origin
    first_us: int  # a day, month, quarter or year means its last row
    last_us: int
    schema: Schema

    def show(self, time_us: int) -> str:
        """Return the time of a row, as the option takes it."""
        if self.schema.time_name is None:
            return f"row:{time_us + 1}"
        time_format = self.schema.time_format
        if time_format.instants and _is_repeated(time_us, time_format):
            return format_zoned_times(np.array([time_us]), time_format)[0]
        return show_time(time_us, time_format)

    def is_at(self, times_us: np.ndarray) -> np.ndarray:
        """Return which times are at the origin, as bool."""
        return np.asarray((times_us >= self.first_us) & (times_us <= self.last_us))

    def require_row(self, measured_us: np.ndarray, other_us: np.ndarray, source: str) -> None:
        """Raise DataError unless a row with a target is at the origin. The message has the nearest such rows.

        Args:
            measured_us: times of the rows with a measured target, of all series.
            other_us: times of other rows.
            source: name of the data in messages.
        """
        if self.is_at(measured_us).any():
            return
        before, after = measured_us[measured_us < self.first_us], measured_us[measured_us > self.last_us]
        near = [self.show(int(before.max()))] if len(before) else []
        near += [self.show(int(after.min()))] if len(after) else []
        problem = "has a missing target" if self.is_at(other_us).any() else "is not a row"
        rows = (
            f"rows with a target are {' and '.join(near)}"
            if len(near) > 1
            else f"row with a target is {near[0]}"
        )
        leave_out = "" if len(after) else f", or leave out {FLAG} to forecast after the last row"
        raise DataError(
            f"{FLAG} '{self.text}' {problem}: the nearest {rows}",
            hint=f"use {FLAG} '{near[0]}'{leave_out}",
            rule="D841",
            at=in_file(source),
            flags=(FLAG,),
        )

    def too_few_rows_error(
        self, counts: np.ndarray, required: np.ndarray, measured_us: np.ndarray, first_us: int, source: str
    ) -> DataError:
        """Return the error for an origin with too few rows up to it, with the first possible origin.

        Args:
            counts: [S] rows up to the origin.
            required: [S] rows that the model needs.
            measured_us: times of the rows with a measured target, of all series.
            first_us: first time at which a series can have enough rows.
            source: name of the data in messages.
        """
        longest = int(np.argmax(counts - required))
        possible = measured_us[measured_us >= first_us]
        first = f". The first possible origin is {self.show(int(possible.min()))}" if len(possible) else ""
        return DataError(
            f"too few rows up to {FLAG} '{self.text}': {counts[longest]:,}, but a forecast needs at least "
            f"{required[longest]:,} rows (lookback){first}",
            hint=f"use {FLAG} '{self.show(int(possible.min()))}' or later"
            if len(possible)
            else "add earlier rows",
            rule="D842",
            at=in_file(source),
            flags=(FLAG,),
        )

    def findings(
        self, ends_us: np.ndarray, names: Sequence[str], later: Sequence[str], source: str
    ) -> list[Finding]:
        """Return findings about series without a target at the origin.

        Args:
            ends_us: [S] time of the last target of each series up to the origin.
            names: names of these series.
            later: names of the series without a target up to the origin.
            source: name of the data in messages.
        """
        found, total = [], len(names) + len(later)
        earlier = [names[index] for index in np.flatnonzero(ends_us < self.first_us).tolist()]
        if earlier:
            text = (
                f"{len(earlier):,} of {total:,} series have no target at {FLAG} '{self.text}': {quote_names(earlier)}; "
                "their forecasts begin after their last target before it (--only forecasts named series)"
            )
            flags = (FLAG, "--only", "--ended")
            found.append(Finding.at(in_file(source), "D843", text, count=len(earlier), flags=flags))
        if later:
            text = (
                f"{len(later):,} of {total:,} series have no known target up to {FLAG} '{self.text}': "
                f"{quote_names(later)}; left out (a later {FLAG} forecasts them)"
            )
            found.append(Finding.at(in_file(source), "D844", text, count=len(later), flags=(FLAG,)))
        return found


def parse_origin(text: str, schema: Schema) -> Origin:
    """Return the origin that an option names.

    Args:
        text: value of `--origin`: a time, or row:N counted from 1 if the data have no times.
        schema: schema of the model.

    Raises:
        UsageError: the text is neither a time nor a row, or the clock of the time zone shows it twice.
        DataError: it is a time and the data have none, or vice versa.
    """
    row = row_number(FLAG, text)
    timed = schema.time_name is not None
    if timed == (row is not None):
        problem = "the data have times" if timed else "no time column found"
        kind = "a time, such as" if timed else "the number of a row, such as"
        raise DataError(
            f"{problem}, so {FLAG} '{text}' cannot be used",
            hint=f"use {kind} {FLAG} " + ("'YYYY-MM-DD hh:mm:ss'" if timed else "row:100"),
            rule="D503",
            flags=(FLAG,),
        )
    if row is not None:
        return Origin(text=text, first_us=row - 1, last_us=row - 1, schema=schema)
    first_us, last_us = parse_time_range(FLAG, text, schema.time_format)
    if schema.time_format.instants:
        last_us = _last_of_moment(text, first_us, last_us, schema.time_format)
    return Origin(text=text, first_us=first_us, last_us=last_us, schema=schema)


def _is_repeated(time_us: int, time_format: TimeFormat) -> bool:
    """Return whether the local clock of a time in UTC shows its time twice."""
    local = time_format.to_file_clock(np.array([time_us]))
    passes = (time_format.from_file_clock(local, later=later) for later in (False, True))
    return int(next(passes)[0]) != int(next(passes)[0])


def _last_of_moment(text: str, first_us: int, last_us: int, time_format: TimeFormat) -> int:
    """Return the last microsecond of an origin on the local clock of a zone; one before the first for a skipped time.

    Args:
        text: value of `--origin`.
        first_us: first microsecond that `parse_time_range` returns.
        last_us: last microsecond.
        time_format: format of times whose arrays hold UTC.

    Raises:
        UsageError: the local clock shows the time twice.
    """
    written = text.strip().removeprefix("time:")
    if parse_instant(written) is not None or time_span(written, time_format):
        return last_us
    if first_us != last_us:
        first, second = format_zoned_times(np.array([first_us, last_us]), time_format)
        raise UsageError(
            f"{FLAG} '{text}' is ambiguous: the clock of {time_format.tz} shows it twice",
            hint=f"use {FLAG} {first} or {FLAG} {second}",
            flag=FLAG,
        )
    is_skipped = int(time_format.to_file_clock(np.array([first_us]))[0]) != parse_time(written, time_format)
    return first_us - 1 if is_skipped else last_us


def known_table(table: Table, origin: Origin) -> Table:
    """Return the rows up to an origin, and those with later known-ahead covariates, whose other cells are hidden.

    Raises:
        DataError: the origin is not a row with a target.
    """
    rows = sort_rows(table)
    measured = rows.measured(0, len(table.targets))
    origin.require_row(rows.times[measured], rows.times[~measured], table.source)
    later = np.zeros(len(table.lines), dtype=bool)
    later[rows.row_index] = rows.times > origin.last_us
    if table.future:
        values = np.array(table.values)
        values[later, : len(table.targets) + len(table.past)] = np.nan
        return replace(table, values=values)
    order = None if table.file_order is None else table.file_order[~later]
    arrays = {name: getattr(table, name)[~later] for name in ("times", "series", "values", "lines")}
    return replace(table, file_order=order, **arrays)


def measured_times(table: Table) -> np.ndarray:
    """Return the times [n] of the rows with a measured target."""
    rows = sort_rows(table)
    return np.asarray(rows.times[rows.measured(0, len(table.targets))])


def with_origin_findings(grid: Grid, table: Table, origin: Origin) -> Grid:
    """Return the grid with findings about series without a target at the origin.

    Args:
        grid: time grid of the known rows.
        table: rows of the file, also those after the origin.
        origin: last known row.
    """
    rows = sort_rows(table)
    measured = np.unique(rows.series[rows.measured(0, len(table.targets))])
    known = set(grid.names)
    later = [name for name in (table.series_names[index] for index in measured) if name not in known]
    ends_us = grid.step.times(grid.counts - 1, grid.origin_us)
    # D512 says that the later series have no target at all.
    kept = (finding for finding in grid.findings if finding.rule != "D512" or not later)
    return replace(grid, findings=(*kept, *origin.findings(ends_us, grid.names, later, table.source)))
