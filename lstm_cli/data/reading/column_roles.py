"""Which columns are read: those that are named, and the defaults for `--time` and `--target`.

A default is settled by the first rows of the file, or refused.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from unicodedata import normalize

import numpy as np

from lstm_cli.data.locations import CellLocation, is_missing, quote_cell, quote_name, quote_names
from lstm_cli.data.reading.numbers import is_numberlike
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

SAMPLE_ROWS = 5_000  # first rows whose text says what the columns hold
_MAX_COMPARED = 200  # so much of a name is compared to find the nearest one
_SAMPLE_CELLS = (
    200  # so many cells say what a column holds; a cell unlike them is then an error with its line
)
_MAX_LISTED = 20  # so many columns are listed in a message


@dataclass(frozen=True, kw_only=True)
class ColumnRequest:
    """The columns a person named; empty or None: not named."""

    targets: tuple[str, ...]
    past: tuple[str, ...]
    future: tuple[str, ...]
    time: str | None
    series: str | None
    from_model: bool = False  # a model needs these columns: no flag may name others


@dataclass(frozen=True, kw_only=True)
class ColumnRoles:
    """The columns to read, as numbers of columns counted from 0."""

    time: int | None
    series: int | None
    targets: tuple[int, ...]
    past: tuple[int, ...]
    future: tuple[int, ...]
    findings: tuple[Finding, ...]

    @property
    def numeric(self) -> tuple[int, ...]:
        return self.targets + self.past + self.future


def column_labels(names: Iterable[str]) -> list[str]:
    """Return the names of columns, with `column 3` for one without a name."""
    return [name or f"column {place}" for place, name in enumerate(names, start=1)]


def choose_columns(
    source: str,
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    request: ColumnRequest,
    *,
    delimiter: str = "",
    is_complete: bool = True,
) -> ColumnRoles:
    """Settle which columns are read. sample: the text cells of each column's first rows; whole: those are all.

    Raises DataError for a name that is not there or stands twice, where no default can be settled, and where
    the times stand in several columns.
    """

    def find(flag: str, name: str) -> int:
        return _find_column(source, names, "" if request.from_model else flag, name)

    columns = {
        "targets": tuple(find("--target", name) for name in request.targets),
        "past": tuple(find("--past", name) for name in request.past),
        "future": tuple(find("--future", name) for name in request.future),
    }
    series = find("--series", request.series) if request.series is not None else None
    taken = {index for indices in columns.values() for index in indices} | ({series} - {None})
    free = [index for index in range(len(names)) if index not in taken]
    findings: list[Finding] = []
    groups = np.unique(list(sample[series]), return_inverse=True)[1] if series is not None else None
    if request.time is not None:
        time: int | None = find("--time", request.time)
    else:
        time, findings = find_time_column(
            source, names, sample, free, groups, targets_named=bool(request.targets)
        )
    if time is None and series is not None and reads_as_times(sample[series]):
        raise DataError(
            f"column {quote_name(names[series])} (--series) reads as times, and no other does",
            hint=f"--time {quote_name(names[series])}; --series names a column that tells several series apart",
            rule="D201",
            at=in_file(source),
            flags=(
                "--series",
                "--time",
            ),
        )
    if not columns["targets"]:
        free = [index for index in free if index != time]
        columns["targets"] = (find_target(source, names, sample, free, is_complete),)
    used = [
        *columns["targets"],
        *columns["past"],
        *columns["future"],
        *(i for i in (time, series) if i is not None),
    ]
    for index in sorted(used):
        if list(names).count(names[index]) > 1:
            raise duplicate_name_error(source, names, names[index])
    if time is not None:
        refuse_split_time_columns(source, names, sample, time, groups)
    for index in sorted(set(used) - {time, series}):
        findings += find_thousands_separators(
            sample[index], delimiter, CellLocation(source=source, column=names[index])
        )
    return ColumnRoles(time=time, series=series, findings=tuple(findings), **columns)


def _find_column(source: str, names: Sequence[str], flag: str, name: str) -> int:
    """The column of that name; `flag` asked for it, or a model where that is empty.

    Letters that are put together of others in the one (NFD) and not in the other (NFC) are the same.
    """
    name = name.strip()
    indices = [index for index, known in enumerate(names) if known == name]
    if not indices and not name.isascii():
        bare = normalize("NFC", name)
        indices = [index for index, known in enumerate(names) if normalize("NFC", known) == bare]
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
        hint = f"is it {near}? name it as in training" if near else "name the columns as in training"
        hint = delimiter_hint(names) or hint
        raise DataError(
            f"{source} has no column {quote_name(name)}, which the model needs; its columns are {quote_names(names, _MAX_LISTED)}",
            hint=hint,
            rule="D202",
        )
    hint = f"{flag} {near} is the nearest name" if near else "names are read as the header writes them"
    raise DataError(
        f"{source} has no column {quote_name(name)} ({flag}); its columns are {quote_names(names, _MAX_LISTED)}",
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
    """Return the column of times, and a finding where that is a guess.

    It is the first column of dates; else, with a finding, the first of digits that are times; else one meant as such.
    """
    cells = {index: _measured_cells(sample[index]) for index in free}
    for index in free:
        if reads_as_times(sample[index]):
            if is_time(names[index]):
                raise DataError(
                    f"the header holds a time, {quote_cell(names[index])}, as if it were a row of data",
                    hint="write a first line that names the columns",
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
                f"{quote_name(names[index])}, a column of numbers, was taken as the time, as it reads as "
                f"{_describe_digits(cells[index][0])} (--time names another column)",
                flags=("--time",),
            )
            return index, [guess]
    for index in free:
        if cells[index] and not _is_numeric(sample[index]) and _is_meant_as_time(names[index], cells[index]):
            return index, []
    for index in free:
        refuse_unread_numbers(source, names[index], cells[index])
    counted = Finding.at(
        in_file(source),
        "D204",
        "no column reads as times, so rows are counted as steps, in the file's order (--time names a time column)",
        flags=("--time",),
    )
    return None, [counted]


def reads_as_times(cells: Sequence[str]) -> bool:
    """Whether half of the first measured cells are plainly dates or times."""
    present = _measured_cells(cells)
    dated = sum(map(is_time, present))
    return dated > 0 and dated * 2 >= len(present)


def _digits_are_times(name: str, cells: Sequence[str], groups: np.ndarray | None, others: bool) -> bool:
    """Whether a column of digits is one of times: plausible ones, and called so or in even steps.

    cells: [n]; groups: [n] the series of each. others: there is another column of numbers to forecast.
    """
    present = [place for place, cell in enumerate(cells) if not is_missing(cell)]
    kinds = {text_kind(cells[place]) for place in present}
    named = is_likely_time_name(name)
    if not present or not kinds & {"digits", "epoch"} or not (named or kinds <= {"digits", "epoch"}):
        return False
    # A column called a time may hold a wrong cell or two, which are errors with their line.
    present = [place for place in present if text_kind(cells[place]) in ("digits", "epoch")]
    texts = [cells[place].strip().partition(".")[0] for place in present]
    values = np.array(texts, dtype=np.int64)
    shares = [are_plausible_times(values, width).mean() for width in {len(text) for text in texts}]
    if named:
        return max(shares) >= 0.5
    series = groups[present] if groups is not None else np.zeros(len(values), dtype=np.int64)
    return others and max(shares) == 1 and steps_evenly(values, series)


def _is_meant_as_time(name: str, cells: Sequence[str]) -> bool:
    """Whether a column of unreadable text is meant as times: reading it then fails, as it should."""
    return is_time_name(name) or sum(map(looks_like_date, cells)) * 2 >= len(cells)


def _describe_digits(cell: str) -> str:
    kinds = {4: "years", 6: "months (YYYYMM)", 8: "days (YYYYMMDD)"}
    digits = len(cell.strip().partition(".")[0])
    return kinds.get(digits, f"times of {digits} digits such as {quote_cell(cell)}")


def find_target(
    source: str, names: Sequence[str], sample: Sequence[Sequence[str]], free: Sequence[int], is_complete: bool
) -> int:
    """The only column of numbers. Raises DataError where there are several, or one more that may be meant as such."""
    numeric = [index for index in free if _is_numeric(sample[index])]
    if len(numeric) == 1:
        if is_number(names[numeric[0]]):
            raise DataError(
                f"the header holds a number, {quote_cell(names[numeric[0]])}, as if it were a row of data",
                hint="write a first line that names the columns; if this is a name, give it with --target",
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
            f"{source} has {len(numeric)} columns of numbers, and the one to forecast must be named: "
            f"{quote_names([names[index] for index in numeric], _MAX_LISTED)}",
            hint=f"e.g. --target {quote_name(names[numeric[-1]])}",
            rule="D205",
            flags=("--target",),
        )
    if len(free) == 1 and _measured_cells(sample[free[0]]) and not delimiter_hint(names):
        return free[0]  # reading it tells the line that is no number
    for index in free:  # a hint at what keeps a column from being numbers
        cells = [cell for cell in _measured_cells(sample[index]) if cell[:1].isdigit() or cell[1:2].isdigit()]
        if cells:
            raise DataError(
                f"{source} has no column of plain numbers; {quote_name(names[index])} holds {quote_cell(cells[0])}, for one",
                hint=delimiter_hint(names)
                or "write plain numbers such as 1234.5; --target names a column, to see its wrong line",
                rule="D206",
                flags=("--target",),
            )
    raise DataError(
        f"{source} has no column of numbers; its columns are {quote_names(names, _MAX_LISTED)}",
        hint=delimiter_hint(names) or "--target names one",
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
    """Raises DataError where another column than the sole one of plain numbers may be meant as numbers too."""
    for other in free:
        why = None if other == sole else _number_evidence(sample[other], is_complete)
        if why is None:
            continue
        raise DataError(
            f"{quote_name(names[sole])} is the only column of plain numbers, but {quote_name(names[other])} {why}, "
            "so the one to forecast must be named",
            hint=f"--target {quote_name(names[sole])}, or --target {quote_name(names[other])}, which tells its wrong line",
            rule="D205",
            at=in_file(source),
            flags=("--target",),
        )


def _number_evidence(cells: Sequence[str], is_complete: bool) -> str | None:
    """What of a column, whose first rows are no plain numbers, speaks for numbers; None: nothing."""
    present = _measured_cells(cells)
    if not present:
        return None if is_complete else f"is empty in the first {len(cells):,} rows"
    like = [cell for cell in present if is_numberlike(cell) and not is_time(cell)]
    if len(like) * 4 < len(present):
        return None
    return f"holds {quote_cell(next((cell for cell in like if not is_number(cell)), like[0]))}"


def _is_numeric(cells: Sequence[str]) -> bool:
    present = _measured_cells(cells)
    return bool(present) and sum(map(is_number, present)) * 2 >= len(present)


def _measured_cells(cells: Sequence[str]) -> list[str]:
    """The first measured cells of a column."""
    found = []
    for cell in cells:
        if not is_missing(cell):
            found.append(cell.strip())
            if len(found) == _SAMPLE_CELLS:
                break
    return found


def duplicate_name_error(source: str, names: Sequence[str], name: str) -> DataError:
    """The error of a name that stands over several columns."""
    numbers = [
        str(index + 1)
        for index, known in enumerate(names)
        if normalize("NFC", known) == normalize("NFC", name)
    ]
    return DataError(
        f"the name {quote_name(name)} stands over {len(numbers)} columns ({', '.join(numbers)})",
        hint="give each column a name of its own in the header",
        rule="D208",
        at=CellLocation(source=source, column=name).file_only,
    )


def delimiter_hint(names: Sequence[str]) -> str:
    """A hint where the only name holds what may divide several; else nothing."""
    mark = next((mark for mark in ";\t|," if len(names) == 1 and mark in names[0]), None)
    return "" if mark is None else f"is another delimiter meant? try --delimiter {quote_delimiter(mark)}"
