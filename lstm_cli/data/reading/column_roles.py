"""Selection of columns: the named columns, and the defaults of `--time` and `--target`.

A default follows from the first rows of the file. If they are ambiguous, selection raises an error.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from unicodedata import normalize

import numpy as np

from lstm_cli.data.locations import CellLocation, is_missing, quote_cell, quote_name, quote_names
from lstm_cli.data.numbers.hints import format_hint, is_numberlike
from lstm_cli.data.reading.table_rules import (
    find_thousands_separators,
    refuse_split_time_columns,
    refuse_unread_numbers,
)
from lstm_cli.data.reading.text_format import quote_delimiter
from lstm_cli.data.times.integer_times import (
    are_plausible_times,
    is_likely_time_name,
    is_time_name,
    steps_evenly,
)
from lstm_cli.data.times.patterns import is_time, looks_like_date, text_kind
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file
from lstm_cli.text import is_number, nearest_name

SAMPLE_ROWS = 5_000  # first rows whose text decides what the columns contain
_MAX_COMPARED = 200  # characters of a name compared to find the nearest name
_SAMPLE_CELLS = (
    200  # cells that decide the type of a column; a later cell of another type is an error with its line
)
_MAX_LISTED = 20  # columns listed in a message


@dataclass(frozen=True, kw_only=True)
class ColumnRequest:
    """Requested columns; empty or None if not requested."""

    targets: tuple[str, ...]
    past: tuple[str, ...]
    future: tuple[str, ...]
    time: tuple[str, ...]
    series: tuple[str, ...]
    from_model: bool = False  # a model needs these columns, so no flag can choose others


@dataclass(frozen=True, kw_only=True)
class ColumnRoles:
    """Columns to read, as column indices from 0."""

    time: tuple[int, ...]
    series: tuple[int, ...]
    targets: tuple[int, ...]
    past: tuple[int, ...]
    future: tuple[int, ...]
    findings: tuple[Finding, ...]

    @property
    def numeric(self) -> tuple[int, ...]:
        return self.targets + self.past + self.future


def column_labels(names: Iterable[str]) -> list[str]:
    """Return the names of columns, with `column 3` for a column without a name."""
    return [name or f"column {number}" for number, name in enumerate(names, start=1)]


def choose_columns(
    source: str,
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    request: ColumnRequest,
    *,
    delimiter: str = "",
    is_complete: bool = True,
    marks_are_known: bool = False,
) -> ColumnRoles:
    """Choose the columns to read.

    Args:
        source: name of the file, for messages.
        names: names of all columns.
        sample: text cells of each column's first rows.
        request: requested columns.
        delimiter: delimiter of the file; "" for Parquet.
        is_complete: the sample contains all rows.
        marks_are_known: an option says what the dots of numbers are.

    Raises:
        DataError: a name is not found or duplicate, a default is ambiguous, or times span several columns.
    """

    def find(flag: str, name: str) -> int:
        return _find_column(source, names, "" if request.from_model else flag, name)

    columns = {
        "targets": tuple(find("--target", name) for name in request.targets),
        "past": tuple(find("--past", name) for name in request.past),
        "future": tuple(find("--future", name) for name in request.future),
    }
    series = tuple(find("--series", name) for name in request.series)
    taken = {index for indices in columns.values() for index in indices} | set(series)
    free = [index for index in range(len(names)) if index not in taken]
    findings: list[Finding] = []
    groups = _series_of_rows([sample[index] for index in series])
    if request.time:
        time = tuple(find("--time", name) for name in request.time)
    else:
        found, findings = find_time_column(
            source, names, sample, free, groups, targets_named=bool(request.targets)
        )
        time = () if found is None else (found,)
    if not time and len(series) == 1 and reads_as_times(sample[series[0]]):
        raise DataError(
            f"column {quote_name(names[series[0]])} (--series) contains times, and no other column does",
            hint=f"use --time {quote_name(names[series[0]])}. --series needs a column of series names",
            rule="D201",
            at=in_file(source),
            flags=(
                "--series",
                "--time",
            ),
        )
    if not columns["targets"]:
        free = [index for index in free if index not in time]
        columns["targets"] = (find_target(source, names, sample, free, is_complete),)
    used = [
        *columns["targets"],
        *columns["past"],
        *columns["future"],
        *time,
        *series,
    ]
    for index in sorted(used):
        if list(names).count(names[index]) > 1:
            raise duplicate_name_error(source, names, names[index])
    if len(time) == 1:
        refuse_split_time_columns(source, names, sample, time[0], groups)
    for index in [] if marks_are_known else sorted(set(used) - {*time, *series}):
        findings += find_thousands_separators(
            sample[index], delimiter, CellLocation(source=source, column=names[index])
        )
    return ColumnRoles(time=time, series=series, findings=tuple(findings), **columns)


def _series_of_rows(columns: Sequence[Sequence[str]]) -> np.ndarray | None:
    """Return the series [n] of each row from the cells [n] of the series columns; None without series columns."""
    if not columns:
        return None
    cells = ["\0".join(values) for values in zip(*columns, strict=True)]
    return np.unique(cells, return_inverse=True)[1]


def _find_column(source: str, names: Sequence[str], flag: str, name: str) -> int:
    """Return the index of a column by name. `flag` requested it; if `flag` is empty, a model did.

    Composed (NFC) and decomposed (NFD) letters are equal.
    """
    name = name.strip()
    indices = [index for index, known in enumerate(names) if known == name]
    if not indices and not name.isascii():
        composed = normalize("NFC", name)
        indices = [index for index, known in enumerate(names) if normalize("NFC", known) == composed]
    if len(indices) == 1:
        return indices[0]
    if indices:
        raise duplicate_name_error(source, names, names[indices[0]])
    lower: dict[str, str] = {}
    for known in names:
        lower.setdefault(known.lower()[:_MAX_COMPARED], known)
    close = nearest_name(name.lower()[:_MAX_COMPARED], lower, cutoff=0.5)
    near = quote_name(lower[close]) if close else ""
    if not flag:
        hint = (
            f"did you mean {near}? Use the names of the training data"
            if near
            else "use the names of the training data"
        )
        hint = delimiter_hint(names) or hint
        raise DataError(
            f"column {quote_name(name)}, which the model needs, not found in {source} "
            f"(columns: {quote_names(names, _MAX_LISTED)})",
            hint=hint,
            rule="D202",
        )
    hint = f"did you mean {flag} {near}?" if near else "use a column name from the header"
    raise DataError(
        f"column {quote_name(name)} ({flag}) not found in {source} (columns: {quote_names(names, _MAX_LISTED)})",
        hint=hint,
        rule="D202",
        flags=(flag,),
    )


def find_time_column(
    source: str,
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    free: Sequence[int],
    groups: np.ndarray | None,
    *,
    targets_named: bool,
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

    Raises:
        DataError: the header contains a time, or a column holds numbers that may be times.
    """
    cells = {index: _measured_cells(sample[index]) for index in free}
    for index in free:
        if reads_as_times(sample[index]):
            if is_time(names[index]):
                raise DataError(
                    f"the header contains a time, {quote_cell(names[index])}, so it seems to be a data row",
                    hint="add a first line with the column names",
                    rule="D129",
                    at=in_file(source),
                )
            return index, []
    for index in free:
        others = targets_named or any(_is_numeric(sample[other]) for other in free if other != index)
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
        if cells[index] and not _is_numeric(sample[index]) and _is_meant_as_time(names[index], cells[index]):
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


def reads_as_times(cells: Sequence[str]) -> bool:
    """Return whether at least half of the first non-missing cells are dates or times."""
    present = _measured_cells(cells)
    dated = sum(map(is_time, present))
    return dated > 0 and dated * 2 >= len(present)


def _digits_are_times(name: str, cells: Sequence[str], groups: np.ndarray | None, others: bool) -> bool:
    """Return whether a column of digits contains times: plausible values, and a time name or even steps.

    cells: [n]; groups: series [n] of each cell; others: another numeric column can be the target.
    """
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


def find_target(
    source: str, names: Sequence[str], sample: Sequence[Sequence[str]], free: Sequence[int], is_complete: bool
) -> int:
    """Return the index of the only numeric column.

    Args:
        source: name of the file, for messages.
        names: names of all columns.
        sample: text cells of each column's first rows.
        free: indices of the columns without another role.
        is_complete: the sample contains all rows.

    Raises:
        DataError: no numeric column, several of them, or another column that may be numeric.
    """
    numeric = [index for index in free if _is_numeric(sample[index])]
    if len(numeric) == 1:
        if is_number(names[numeric[0]]):
            raise DataError(
                f"the header contains a number, {quote_cell(names[numeric[0]])}, so it seems to be a data row",
                hint="add a first line with the column names. If the number is a name, use --target",
                rule="D129",
                at=in_file(source),
                flags=("--target",),
            )
        _refuse_ambiguous_target(source, names, sample, free, numeric[0], is_complete)
        return numeric[0]
    for index in numeric:
        if list(names).count(names[index]) > 1:
            raise duplicate_name_error(source, names, names[index])
    if numeric:
        raise DataError(
            f"{source} has {len(numeric)} numeric columns, so the target must be named "
            f"(columns: {quote_names([names[index] for index in numeric], _MAX_LISTED)})",
            hint=f"e.g. --target {quote_name(names[numeric[-1]])}",
            rule="D205",
            flags=("--target",),
        )
    if len(free) == 1 and _measured_cells(sample[free[0]]) and not delimiter_hint(names):
        return free[0]  # reading it raises an error with the first wrong line
    for index in free:  # show a cell that is almost a number
        cells = [cell for cell in _measured_cells(sample[index]) if cell[:1].isdigit() or cell[1:2].isdigit()]
        if cells:
            raise DataError(
                f"{source} has no numeric column "
                f"(for example, {quote_name(names[index])} contains {quote_cell(cells[0])})",
                hint=delimiter_hint(names)
                or format_hint(cells[0])
                or "write plain numbers such as 1234.5. With --target, the error shows the first wrong line",
                rule="D206",
                flags=("--target",),
            )
    raise DataError(
        f"{source} has no numeric column (columns: {quote_names(names, _MAX_LISTED)})",
        hint=delimiter_hint(names) or "choose a column with --target",
        rule="D206",
        flags=("--target",),
    )


def _refuse_ambiguous_target(
    source: str,
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    free: Sequence[int],
    sole: int,
    is_complete: bool,
) -> None:
    """Raise DataError if a column other than `sole`, the only numeric one, may be numeric too."""
    for other in free:
        why = None if other == sole else _number_evidence(sample[other], is_complete)
        if why is None:
            continue
        raise DataError(
            f"{quote_name(names[sole])} is the only numeric column, but {quote_name(names[other])} {why}, "
            "so the target must be named",
            hint=f"use --target {quote_name(names[sole])}. With --target {quote_name(names[other])}, the error shows "
            "the first wrong line",
            rule="D205",
            at=in_file(source),
            flags=("--target",),
        )


def _number_evidence(cells: Sequence[str], is_complete: bool) -> str | None:
    """Return why a column without plain numbers in its first rows may still be numeric, or None."""
    present = _measured_cells(cells)
    if not present:
        return None if is_complete else f"is empty in the first {len(cells):,} rows"
    like = [cell for cell in present if is_numberlike(cell) and not is_time(cell)]
    if len(like) * 4 < len(present):
        return None
    return f"contains {quote_cell(next((cell for cell in like if not is_number(cell)), like[0]))}"


def _is_numeric(cells: Sequence[str]) -> bool:
    present = _measured_cells(cells)
    return bool(present) and sum(map(is_number, present)) * 2 >= len(present)


def _measured_cells(cells: Sequence[str]) -> list[str]:
    """Return the first non-missing cells of a column."""
    measured = []
    for cell in cells:
        if not is_missing(cell):
            measured.append(cell.strip())
            if len(measured) == _SAMPLE_CELLS:
                break
    return measured


def duplicate_name_error(source: str, names: Sequence[str], name: str) -> DataError:
    """Return the error for a name that several columns have.

    Args:
        source: name of the file, for messages.
        names: names of all columns.
        name: the duplicate name.
    """
    numbers = [
        str(index + 1)
        for index, known in enumerate(names)
        if normalize("NFC", known) == normalize("NFC", name)
    ]
    return DataError(
        f"{len(numbers)} columns are named {quote_name(name)} ({', '.join(numbers)})",
        hint="give each column a unique name in the header",
        rule="D208",
        at=CellLocation(source=source, column=name).file_only,
    )


def delimiter_hint(names: Sequence[str]) -> str:
    """Return a hint if the only name contains a possible delimiter, else ""."""
    mark = next((mark for mark in ";\t|," if len(names) == 1 and mark in names[0]), None)
    return "" if mark is None else f"try another delimiter: --delimiter {quote_delimiter(mark)}"
