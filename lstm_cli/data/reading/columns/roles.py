"""Selection of columns: the named columns, and the defaults of `--time` and `--target`.

A default follows from the first rows of the file. If they are ambiguous, selection raises an error.
"""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from unicodedata import normalize

import numpy as np

from lstm_cli.config.prepare import ALL_NUMERIC
from lstm_cli.config.text import NO_TIMES, TextSettings
from lstm_cli.data.locations import CellLocation, is_missing, quote_cell, quote_name, quote_names
from lstm_cli.data.numbers.hints import format_hint, is_numberlike
from lstm_cli.data.reading.columns.categories import Vocabulary, is_text_column
from lstm_cli.data.reading.columns.hints import likely_target
from lstm_cli.data.reading.columns.table_rules import (
    find_split_time,
    find_thousands_separators,
    refuse_unread_numbers,
    split_time_error,
)
from lstm_cli.data.reading.text_format import quote_delimiter
from lstm_cli.data.reading.wide.header import refuse_times_in_header
from lstm_cli.data.times.codes import FLAG, INFERRED, TimeOptions
from lstm_cli.data.times.formats import TimeFormat
from lstm_cli.data.times.integer_times import (
    are_plausible_times,
    is_likely_time_name,
    is_time_name,
    steps_evenly,
)
from lstm_cli.data.times.joined_columns import JoinedColumns, find_joined_columns, join_columns
from lstm_cli.data.times.patterns import is_time, looks_like_date, reads_in_codes, text_kind
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file
from lstm_cli.text import count_noun, is_number, nearest_name

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
    static: tuple[str, ...] = ()
    from_model: bool = False  # a model needs these columns, so no flag can choose others
    has_header: bool = True  # False: the names are not from the first line, so they may be numbers
    times: TimeOptions = INFERRED  # how times are read
    categories: Mapping[str, Sequence[str]] | None = (
        None  # of each text column; None: text columns are detected
    )
    na_values: tuple[str, ...] = ()  # further codes for a missing value
    no_target: bool = False  # the file holds covariates only

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all requested columns."""
        return (*self.series, *self.time, *self.targets, *self.past, *self.future, *self.static)


@dataclass(frozen=True, kw_only=True)
class ColumnRoles:
    """Columns to read, as column indices from 0."""

    time: tuple[int, ...]
    series: tuple[int, ...]
    targets: tuple[int, ...]
    past: tuple[int, ...]
    future: tuple[int, ...]
    static: tuple[int, ...] = ()
    findings: tuple[Finding, ...]
    times: TimeOptions = INFERRED  # how times are read
    vocabularies: Mapping[str, Vocabulary] = field(default_factory=dict)  # of the text columns, by name

    @property
    def numeric(self) -> tuple[int, ...]:
        return self.targets + self.past + self.future + self.static


def time_options(text: TextSettings, *, named: bool, like: TimeFormat | None = None) -> TimeOptions:
    """Return how the text of a time column is read.

    Args:
        text: settings of how text is read.
        named: an option names the time column.
        like: time format of the run's data; None without a run.
    """
    return TimeOptions(
        format=text.time_format, day_first=text.dayfirst, named=named and like is None, like=like
    )


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
        if not request.from_model:
            return find_column(source, names, flag, name)
        try:
            return find_column(source, names, "", name)
        except DataError as error:
            if flag == "--target" and request.future:
                error.hint += f", or give rows without targets with --future-data {source}"
            raise

    all_numeric = request.targets == (ALL_NUMERIC,) and not request.from_model
    named = () if all_numeric else request.targets
    columns = {
        "targets": tuple(find("--target", name) for name in named),
        "past": tuple(find("--past", name) for name in request.past),
        "future": tuple(find("--future", name) for name in request.future),
        "static": tuple(find("--static", name) for name in request.static),
    }
    series = tuple(find("--series", name) for name in request.series)
    taken = {index for indices in columns.values() for index in indices} | set(series)
    free = [index for index in range(len(names)) if index not in taken]
    if not named and not request.time and not request.from_model:
        _refuse_times_in_header(source, names, sample, free, series, request.times)
    groups = _series_of_rows([sample[index] for index in series])
    time, times, findings = _choose_time(source, names, sample, free, groups, request)
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
    free = [index for index in free if index not in time]
    if all_numeric:
        columns["targets"], left_out = find_all_numeric(source, names, sample, free)
        findings += left_out
    elif not columns["targets"] and not request.no_target:
        columns["targets"] = (
            find_target(source, names, sample, free, is_complete, has_header=request.has_header),
        )
    used = [
        *columns["targets"],
        *columns["past"],
        *columns["future"],
        *columns["static"],
        *time,
        *series,
    ]
    for index in sorted(used):
        if list(names).count(names[index]) > 1:
            raise duplicate_name_error(source, names, names[index])
    covariates = (*columns["past"], *columns["future"], *columns["static"])
    text = _find_text_columns(source, names, sample, covariates, request)
    for index in [] if marks_are_known else sorted(set(used) - {*time, *series, *text}):
        findings += find_thousands_separators(
            sample[index], delimiter, CellLocation(source=source, column=names[index])
        )
    return ColumnRoles(
        time=time,
        series=series,
        findings=tuple(findings),
        times=times,
        vocabularies={names[index]: vocabulary for index, vocabulary in text.items()},
        **columns,
    )


def _find_text_columns(
    source: str,
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    covariates: Sequence[int],
    request: ColumnRequest,
) -> dict[int, Vocabulary]:
    """Return an empty vocabulary for each covariate of text: those of the run, else those whose cells are words."""
    if request.categories is not None:
        known = request.categories.items()
        return {
            find_column(source, names, "", name): Vocabulary(words, request.na_values)
            for name, words in known
        }
    texts = (index for index in covariates if is_text_column(_measured_cells(sample[index])))
    return {index: Vocabulary(na_values=request.na_values) for index in texts}


def _choose_time(
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
        return joined.indices, replace(options, format=joined.codes), []
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
    return plain.indices, replace(options, format=plain.codes), [_joined_finding(source, names, plain)]


def _joined_finding(source: str, names: Sequence[str], joined: JoinedColumns) -> Finding:
    columns = [quote_name(names[index]) for index in joined.indices]
    return Finding.at(
        in_file(source),
        "D212",
        f"{', '.join(columns[:-1])} and {columns[-1]} were joined as the time (use "
        f"{' '.join(f'--time {column}' for column in columns)} to confirm, or --time to choose another column)",
        flags=("--time",),
    )


def _refuse_times_in_header(
    source: str,
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    free: Sequence[int],
    series: Sequence[int],
    times: TimeOptions,
) -> None:
    """Raise DataError if the names of most columns are times. See `refuse_times_in_header`."""
    texts = [index for index in free if not is_empty(sample[index]) and not may_be_numeric(sample[index])]
    has_time_column = any(reads_as_times(sample[index]) for index in texts)
    refuse_times_in_header(source, names, sample, series, texts, times=times, has_time_column=has_time_column)


def _series_of_rows(columns: Sequence[Sequence[str]]) -> np.ndarray | None:
    """Return the series [n] of each row from the cells [n] of the series columns; None without series columns."""
    if not columns:
        return None
    cells = ["\0".join(values) for values in zip(*columns, strict=True)]
    return np.unique(cells, return_inverse=True)[1]


def find_column(source: str, names: Sequence[str], flag: str, name: str) -> int:
    """Return the index of a column by name. Composed (NFC) and decomposed (NFD) letters are equal.

    Args:
        source: name of the file, for messages.
        names: names of all columns.
        flag: option that names the column; "" if a model needs it.
        name: name of the column.

    Raises:
        DataError: the name is not found, or several columns have it.
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
    folder, is_partition, _ = source.partition(f"{name}=")
    if is_partition:  # a folder such as shop=Aachen, whose files were named one by one
        hint = f"name the folder {shlex.quote(folder or '.')} in place of its files, to add its subfolders as columns"
    else:
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
    codes: str | None = None,
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

    Raises:
        DataError: the header contains a time, or a column holds numbers that may be times.
    """
    cells = {index: _measured_cells(sample[index]) for index in free}
    if codes is not None:
        for index in free:
            if sum(reads_in_codes(cell, codes) for cell in cells[index]) * 2 >= max(1, len(cells[index])):
                return index, []
        raise DataError(
            f"no column has times in the format {FLAG} '{codes}'",
            hint=f"name the column with --time, and the error shows its first line. Or correct {FLAG}",
            rule="D414",
            at=in_file(source),
            flags=(FLAG, "--time"),
        )
    for index in free:
        if reads_as_times(sample[index]):
            if is_time(names[index]):
                raise DataError(
                    f"the header contains a time, {quote_cell(names[index])}, so it seems to be a data row",
                    hint="use --no-header, or --names with a name for each column",
                    rule="D129",
                    at=in_file(source),
                    flags=("--no-header", "--names"),
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
    source: str,
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    free: Sequence[int],
    is_complete: bool,
    *,
    has_header: bool = True,
) -> int:
    """Return the index of the only numeric column.

    Args:
        source: name of the file, for messages.
        names: names of all columns.
        sample: text cells of each column's first rows.
        free: indices of the columns without another role.
        is_complete: the sample contains all rows.
        has_header: the names are from the first line, so a number shows that the line is a row.

    Raises:
        DataError: no numeric column, several of them, or another column that may be numeric.
    """
    numeric = [index for index in free if _is_numeric(sample[index])]
    if len(numeric) == 1:
        if has_header and is_number(names[numeric[0]]):
            raise DataError(
                f"the header contains a number, {quote_cell(names[numeric[0]])}, so it seems to be a data row",
                hint="use --no-header, or --names with a name for each column. If the number is a name, use --target",
                rule="D129",
                at=in_file(source),
                flags=("--no-header", "--names", "--target"),
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
            hint=f"e.g. --target {quote_name(likely_target([names[index] for index in numeric]))}, or "
            f"--target '{ALL_NUMERIC}' for all of them",
            rule="D205",
            flags=("--target",),
        )
    if len(free) == 1 and _measured_cells(sample[free[0]]) and not delimiter_hint(names):
        return free[0]  # reading it raises an error with the first wrong line
    raise _no_numeric_column_error(source, names, sample, free)


def _no_numeric_column_error(
    source: str, names: Sequence[str], sample: Sequence[Sequence[str]], free: Sequence[int]
) -> DataError:
    """Return the error for a file without a numeric column. It shows a cell that is almost a number."""
    for index in free:
        cells = [cell for cell in _measured_cells(sample[index]) if cell[:1].isdigit() or cell[1:2].isdigit()]
        if cells:
            return DataError(
                f"{source} has no numeric column "
                f"(for example, {quote_name(names[index])} contains {quote_cell(cells[0])})",
                hint=delimiter_hint(names)
                or format_hint(cells[0])
                or "write plain numbers such as 1234.5. With --target, the error shows the first wrong line",
                rule="D206",
                flags=("--target",),
            )
    return DataError(
        f"{source} has no numeric column (columns: {quote_names(names, _MAX_LISTED)})",
        hint=delimiter_hint(names) or "choose a column with --target",
        rule="D206",
        flags=("--target",),
    )


def find_all_numeric(
    source: str, names: Sequence[str], sample: Sequence[Sequence[str]], free: Sequence[int]
) -> tuple[tuple[int, ...], list[Finding]]:
    """Return the indices of all numeric columns, and a finding about columns whose first rows are empty.

    A column of which some first cells are numbers with a mark or a unit counts as numeric. Reading it raises an error
    with the line, so that no column of numbers is left out in silence.

    Args:
        source: name of the file, for messages.
        names: names of all columns.
        sample: text cells of each column's first rows.
        free: indices of the columns without another role.

    Raises:
        DataError: no column is numeric.
    """
    numeric = tuple(index for index in free if may_be_numeric(sample[index]))
    if not numeric:
        raise _no_numeric_column_error(source, names, sample, free)
    empty = [names[index] for index in free if not _measured_cells(sample[index])]
    if not empty:
        return numeric, []
    rows = max(map(len, sample), default=0)
    left_out = Finding.at(
        in_file(source),
        "D221",
        f"{count_noun(len(empty), 'column')} left out of --target '{ALL_NUMERIC}', empty in the first {rows:,} rows: "
        f"{quote_names(empty)} (use --target for each column to include them)",
        count=len(empty),
        flags=("--target",),
    )
    return numeric, [left_out]


def may_be_numeric(cells: Sequence[str]) -> bool:
    """Return whether the first cells [n] of a column are numbers, or many of them are almost numbers."""
    return _is_numeric(cells) or (bool(_measured_cells(cells)) and _number_evidence(cells, True) is not None)


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


def is_empty(cells: Sequence[str]) -> bool:
    """Return whether all first cells [n] of a column are missing."""
    return not _measured_cells(cells)


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
