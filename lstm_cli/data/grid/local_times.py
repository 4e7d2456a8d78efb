"""Local times of a time zone (`--tz`), converted to UTC unless the rows are evenly spaced on the local clock."""

from collections import Counter
from dataclasses import replace

import numpy as np

from lstm_cli.config.text import GridSettings
from lstm_cli.data.frequency.step import DAY, HOUR, most_common, parse_freq
from lstm_cli.data.grid.sorting import location_formatter
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.formats import TimeFormat, format_times
from lstm_cli.data.times.zone_offsets import ZoneOffsets
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding
from lstm_cli.wording import count_noun


def localize(table: Table, settings: GridSettings, *, like: TimeFormat | None = None) -> Table:
    """Return a table whose local times are in the zone of `--tz`; the same table without `--tz`.

    Rows up to an hour apart go to UTC. Rows of days, or rows such as 00:00, 06:00, 12:00, 18:00, stay on the local
    clock, because they are evenly spaced there. With --resample, the rows go to UTC before their buckets are on the
    local clock, so that a repeated hour keeps both of its passes.

    Args:
        table: rows of the file, with local times.
        settings: settings of the grid.
        like: time format of the run, whose clock new data have; None without a run.

    Raises:
        DataError: no time column, times with an offset, or a time that the zone does not have.
    """
    if settings.tz is None:
        return table
    _require_local(table, settings.tz)
    offsets = ZoneOffsets.spanning(settings.tz, table.times)
    spacing = _spacing(table, settings)
    if like is not None:
        instants = like.instants
    elif settings.gaps == "skip":
        # The rows of an exchange follow the local clock. Rows that repeat an hour cannot.
        instants = spacing < DAY and _has_duplicates(table, offsets.is_repeated(table.times))
    else:
        on_local_clock = settings.resample is not None or _on_local_grid(table, spacing)
        instants = spacing <= HOUR or (spacing < DAY and not on_local_clock)
    if spacing < DAY:
        _refuse_skipped_times(table, settings.tz, offsets)
    local_buckets = settings.resample is not None and not instants
    time_format = replace(table.time_format, tz=settings.tz, instants=instants or local_buckets)
    if not time_format.instants:
        return replace(table, time_format=time_format)
    later, guessed = _second_hours(table, settings.tz, offsets, refuse=instants)
    return replace(
        table,
        times=offsets.to_utc(table.times, later=later),
        time_format=time_format,
        # Both passes of an hour are in one bucket of the local clock, so a guess changes nothing there.
        findings=(*table.findings, *_guess_findings(table, guessed if instants else [])),
        local_buckets=local_buckets,
    )


def _require_local(table: Table, tz: str) -> None:
    """Raise DataError unless the table has times without offsets."""
    if table.time_name is None:
        raise DataError(
            f"no time column found in {table.source}, so --tz cannot be used",
            hint="use --time to name the column, or leave out --tz",
            rule="D503",
            flags=("--tz", "--time"),
        )
    if table.time_format.is_integer:
        raise DataError(
            f"the times are whole numbers, which have no time zone, so --tz {tz} does not apply",
            hint="leave out --tz, or choose a column of dates with --time",
            rule="D415",
            at=location_formatter(table).at(int(table.lines[0]), table.time_name),
            flags=("--tz", "--time"),
        )
    if table.time_format.has_offset:
        raise DataError(
            f"the times carry an offset from UTC, so --tz {tz} does not apply",
            hint="leave out --tz",
            rule="D560",
            at=location_formatter(table).at(int(table.lines[0]), table.time_name),
            flags=("--tz",),
        )


def _spacing(table: Table, settings: GridSettings) -> int:
    """Return the microseconds between most rows, or those of --freq; a day for months and business days."""
    if settings.freq is not None:
        step = parse_freq(settings.freq)
        return step.count if step.kind == "seconds" else DAY
    order = np.lexsort((table.times, table.series))
    gaps = np.diff(table.times[order])[np.diff(table.series[order]) == 0]
    gaps = gaps[gaps > 0]
    return most_common(gaps) if len(gaps) else DAY


def _on_local_grid(table: Table, spacing: int) -> bool:
    """Return whether the local times of each series are a multiple of the spacing apart."""
    phase = table.times % spacing
    first = np.zeros(len(table.series_names), dtype=np.int64)
    first[table.series[::-1]] = phase[::-1]
    return bool((phase == first[table.series]).all())


def _has_duplicates(table: Table, chosen: np.ndarray) -> bool:
    """Return whether a series has two of the chosen rows (bool [R]) at one time."""
    pairs = np.stack([table.series[chosen], table.times[chosen]])
    return np.unique(pairs, axis=1).shape[1] < pairs.shape[1]


def _refuse_skipped_times(table: Table, tz: str, offsets: ZoneOffsets) -> None:
    """Raise DataError for a time that the zone skips."""
    skipped = offsets.is_skipped(table.times)
    if not skipped.any():
        return
    row = int(np.argmax(skipped))
    count = int(skipped.sum())
    raise DataError(
        f"{_text(table, row)} does not exist in {tz}, where the clock goes forward then "
        f"({count_noun(count, 'such time')})",
        hint="name another --tz, or leave out --tz if the clock of the file never changes",
        rule="D561",
        at=location_formatter(table).at(int(table.lines[row]), table.time_name),
        flags=("--tz",),
    )


def _text(table: Table, row: int) -> str:
    """Return the time of a row in quotes, as the file writes it."""
    return f"'{format_times(table.times[row : row + 1], table.time_format)[0]}'"


def _second_hours(
    table: Table, tz: str, offsets: ZoneOffsets, *, refuse: bool
) -> tuple[np.ndarray, list[int]]:
    """Return which rows [R] are in the second of two repeated hours, and the rows for which this is a guess.

    If `refuse` is True, raise DataError for a time that occurs a third time.
    """
    later = np.zeros(len(table.times), dtype=bool)
    rows = np.flatnonzero(offsets.is_repeated(table.times))
    guessed: list[int] = []
    if not len(rows):
        return later, guessed
    # The first occurrence of an hour tells the change apart from those of other years.
    change = np.searchsorted(offsets.changes, offsets.to_utc(table.times[rows]), "right")
    descending = _descending_series(table)
    groups: dict[tuple[int, int], list[int]] = {}
    for row, *key in zip(rows.tolist(), table.series[rows].tolist(), change.tolist(), strict=True):
        groups.setdefault((key[0], key[1]), []).append(row)
    for (series, _), group in groups.items():
        if descending[series]:
            group.reverse()
        times = table.times[group].tolist()
        if refuse:
            _refuse_third(table, tz, group, times)
        second = _second_pass(times)
        later[group] = second
        guessed += [] if any(second) else group
    return later, sorted(guessed)


def _descending_series(table: Table) -> np.ndarray:
    """Return which series [S] have most rows before an earlier one in the file."""
    order = np.argsort(table.series, kind="stable")
    series = table.series[order]
    direction = np.where(np.diff(series) == 0, np.sign(np.diff(table.times[order])), 0)
    return np.bincount(series[1:], direction, minlength=len(table.series_names)) < 0


def _refuse_third(table: Table, tz: str, rows: list[int], times: list[int]) -> None:
    """Raise DataError if one of the times of the rows occurs a third time."""
    counts: Counter[int] = Counter()
    for row, time in zip(rows, times, strict=True):
        counts[time] += 1
        if counts[time] == 3:
            raise DataError(
                f"{_text(table, row)} occurs a third time, but the hour is repeated once in {tz}",
                hint="use --series if a column names several series, or correct the line",
                rule="D562",
                at=location_formatter(table).at(int(table.lines[row]), table.time_name),
                flags=("--series",),
            )


def _second_pass(times: list[int]) -> list[bool]:
    """Return which times of a repeated hour, in their order, belong to its second pass.

    A time that occurs twice is in both passes. A time that occurs once is in the second pass if a later time came
    before it, or if the second pass has reached an earlier time.
    """
    counts = Counter(times)
    seen: set[int] = set()
    highest = min(times)
    second: list[bool] = []
    reached: int | None = None  # latest time of the second pass
    for time in times:
        alone = time < highest or (reached is not None and time > reached)
        again = time in seen if counts[time] == 2 else alone
        if again:
            reached = time if reached is None else max(reached, time)
        seen.add(time)
        highest = max(highest, time)
        second.append(again)
    return second


def _guess_findings(table: Table, guessed: list[int]) -> list[Finding]:
    """Return a finding about rows whose hour is repeated in the zone but occurs once in the file."""
    if not guessed:
        return []
    count = len(guessed)
    return [
        Finding.at(
            location_formatter(table).at(int(table.lines[guessed[0]]), table.time_name),
            "D563",
            f"{count_noun(count, 'time')} of a repeated hour {'occurs' if count == 1 else 'occur'} once, the first is "
            f"{_text(table, guessed[0])}; read as the first of both hours (set by --tz)",
            lines=table.lines[guessed].tolist(),
            count=count,
            flags=("--tz",),
        )
    ]
