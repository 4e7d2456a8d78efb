"""Choice of the time columns: the named ones, joined ones, or the first column of times."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lstm_cli.config.prepare import ALL_NUMERIC
from lstm_cli.config.text import NO_TIMES
from lstm_cli.data.locations import CellLocation, is_missing, quote_cell, quote_name, quote_names
from lstm_cli.data.reading.columns.names import find_column
from lstm_cli.data.reading.columns.requests import ColumnRequest
from lstm_cli.data.reading.columns.samples import is_numeric, measured_cells, reads_as_times
from lstm_cli.data.reading.columns.table_rules import (
    find_split_time,
    refuse_unread_numbers,
    split_time_error,
)
from lstm_cli.data.times.codes import FLAG, TimeOptions
from lstm_cli.data.times.formats import JOINT
from lstm_cli.data.times.integer_times import (
    are_plausible_times,
    is_likely_time_name,
    is_time_name,
    plain_integer,
    steps_evenly,
)
from lstm_cli.data.times.joined_columns import JoinedColumns, find_joined_columns, join_columns
from lstm_cli.data.times.patterns import is_time, looks_like_date, reads_in_codes, text_kind
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file
from lstm_cli.wording import count_noun, quote_value


def choose_time(
    source: str,
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    free: Sequence[int],
    groups: np.ndarray | None,
    request: ColumnRequest,
) -> tuple[tuple[int, ...], TimeOptions, list[Finding]]:
    """Return the time columns in the order in which they are joined, how they are read, and findings.

    Args:
        source: name of the file, for messages.
        names: names of all columns.
        sample: text cells of each column's first rows.
        free: indices of the columns without another role.
        groups: series [n] of each sample row; None without series.
        request: requested columns.
    """
    options = request.times
    if request.time == (NO_TIMES,) or (request.from_model and not request.time):
        return (), options, []
    flag = "" if request.from_model else "--time"
    named = tuple(find_column(source, names, flag, name) for name in request.time)
    if len(named) > 1:
        joined = join_columns(
            source, names, sample, named, codes=options.codes, keep_order=request.from_model
        )
        return joined.indices, _options_of(joined, options), []
    findings: list[Finding] = []
    if not named:
        found, findings = find_time_column(
            source,
            names,
            sample,
            free,
            groups,
            targets_named=request.no_target or request.targets not in ((), (ALL_NUMERIC,)),
            codes=options.codes,
            has_header=request.has_header,
        )
        named = () if found is None else (found,)
    other = find_split_time(names, sample, named[0], groups) if named and options.format is None else None
    if (named and other is None) or options.format is not None:
        return named, options, findings
    plain = find_joined_columns(names, sample, free, named[0] if named else None)
    if other is not None and (plain is None or request.time):
        raise split_time_error(source, names, sample, named[0], other, plain.indices if plain else ())
    if plain is None:
        return named, options, findings
    return plain.indices, _options_of(plain, options), [_joined_finding(source, names, plain)]


def _options_of(joined: JoinedColumns, options: TimeOptions) -> TimeOptions:
    """Return how joined columns are read. The format of the run's data says how its times of day are written."""
    digits, narrow = joined.clock_digits, joined.is_narrow
    clock = re.search(f"{JOINT}((?:%-?[HMS]){{2,}})$", options.like.pattern) if options.like else None
    if clock is not None:
        digits, narrow = 2 * clock[1].count("%"), "-" in clock[1]
    return replace(options, format=joined.codes, clock_digits=digits, narrow_clock=narrow)


def _joined_finding(source: str, names: Sequence[str], joined: JoinedColumns) -> Finding:
    columns = [quote_name(names[index]) for index in joined.indices]
    return Finding.at(
        in_file(source),
        "D212",
        f"{', '.join(columns[:-1])} and {columns[-1]} were joined as the time (use "
        f"{' '.join(f'--time {column}' for column in columns)} to confirm, or --time to choose another column)",
        flags=("--time",),
    )


def find_time_column(
    source: str,
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    free: Sequence[int],
    groups: np.ndarray | None,
    *,
    targets_named: bool,
    codes: str | None = None,
    has_header: bool = True,
) -> tuple[int | None, list[Finding]]:
    """Return the index of the time column, and a finding if it is a guess.

    It is the first column of dates. Otherwise it is the first column of digits that are times (with a finding), or a
    column meant as times.

    Args:
        source: name of the file, for messages.
        names: names of all columns.
        sample: text cells of each column's first rows.
        free: indices of the columns without another role.
        groups: series [n] of each sample row; None without series.
        targets_named: the targets are named, so all other columns may be times.
        codes: format of the times in codes of strptime; None accepts the plain forms.
        has_header: the names are from the first line, so a time shows that the line is a row.

    Raises:
        DataError: the header contains a time, or a column holds numbers that may be times.
    """
    cells = {index: measured_cells(sample[index]) for index in free}
    if codes is not None:
        for index in free:
            if sum(reads_in_codes(cell, codes) for cell in cells[index]) * 2 >= max(1, len(cells[index])):
                return index, []
        raise DataError(
            f"no column has times in the format {FLAG} {quote_value(codes)}",
            hint=f"name the column with --time, and the error shows its first line. Or correct {FLAG}",
            rule="D414",
            at=in_file(source),
            flags=(FLAG, "--time"),
        )
    for index in free:
        if reads_as_times(sample[index]):
            if has_header and is_time(names[index]):
                raise DataError(
                    f"the header contains a time, {quote_cell(names[index])}, so it seems to be a data row",
                    hint="use --no-header, or --names with a name for each column",
                    rule="D129",
                    at=in_file(source),
                    flags=("--no-header", "--names"),
                )
            return index, []
    for index in free:
        others = targets_named or any(is_numeric(sample[other]) for other in free if other != index)
        if _digits_are_times(names[index], sample[index], groups, others):
            guess = Finding.at(
                CellLocation(source=source, column=names[index]).file_only,
                "D203",
                f"{quote_name(names[index])}, a numeric column, was used as the time column because it looks like "
                f"{_describe_digits(cells[index][0])} (use --time to choose another column)",
                flags=("--time",),
            )
            return index, [guess]
    for index in free:
        if cells[index] and not is_numeric(sample[index]) and _is_meant_as_time(names[index], cells[index]):
            return index, []
    for index in free:
        refuse_unread_numbers(source, names[index], cells[index])
    no_times = Finding.at(
        in_file(source),
        "D204",
        "no time column found, so rows are treated as evenly spaced, in file order (use --time to name one)",
        flags=("--time",),
    )
    return None, [no_times]


def find_ignored_times(
    source: str, names: Sequence[str], sample: Sequence[Sequence[str]], free: Sequence[int]
) -> tuple[list[int], list[Finding]]:
    """Return the columns that may be targets with `--time none`, and a finding about columns of times left out.

    If all numeric columns hold times, none is left out: one of them must be the target.

    Args:
        source: name of the file, for messages.
        names: names of all columns.
        sample: text cells of each column's first rows.
        free: indices of the columns without another role.
    """
    numeric = [index for index in free if is_numeric(sample[index])]
    joined = find_joined_columns(names, sample, free, None)
    times = set(joined.indices if joined else ())
    times |= {index for index in numeric if _digits_are_times(names[index], sample[index], None, True)}
    left_out = [index for index in numeric if index in times]
    if not left_out or left_out == numeric:
        return list(free), []
    found = Finding.at(
        in_file(source),
        "D214",
        f"{count_noun(len(left_out), 'column')} of times left out of the targets, because of --time {NO_TIMES}: "
        f"{quote_names([names[index] for index in left_out])} (use --target to forecast one)",
        count=len(left_out),
        flags=("--target",),
    )
    return [index for index in free if index not in left_out], [found]


def _digits_are_times(name: str, cells: Sequence[str], groups: np.ndarray | None, others: bool) -> bool:
    """Return whether a column of digits contains times: plausible values, and a time name or even steps.

    cells: [n]; groups: series [n] of each cell; others: another numeric column can be the target.
    """
    cells = list(map(plain_integer, cells))
    present = [index for index, cell in enumerate(cells) if not is_missing(cell)]
    kinds = {text_kind(cells[index]) for index in present}
    named = is_likely_time_name(name)
    if not present or not kinds & {"digits", "epoch"} or not (named or kinds <= {"digits", "epoch"}):
        return False
    # A column with a time name may contain a few wrong cells, which are errors with their line later.
    present = [index for index in present if text_kind(cells[index]) in ("digits", "epoch")]
    texts = [cells[index].strip().partition(".")[0] for index in present]
    values = np.array(texts, dtype=np.int64)
    shares = [are_plausible_times(values, width).mean() for width in {len(text) for text in texts}]
    if named:
        return max(shares) >= 0.5
    series = groups[present] if groups is not None else np.zeros(len(values), dtype=np.int64)
    return others and max(shares) == 1 and steps_evenly(values, series)


def _is_meant_as_time(name: str, cells: Sequence[str]) -> bool:
    """Return whether a column of unsupported text is meant as times. Reading the column then raises an error."""
    return is_time_name(name) or sum(map(looks_like_date, cells)) * 2 >= len(cells)


def _describe_digits(cell: str) -> str:
    kinds = {4: "years", 6: "months (YYYYMM)", 8: "days (YYYYMMDD)"}
    digits = len(cell.strip().partition(".")[0])
    return kinds.get(digits, f"times of {digits} digits such as {quote_cell(cell)}")
