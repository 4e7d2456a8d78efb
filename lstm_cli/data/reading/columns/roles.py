"""Selection of columns: the named columns, and the defaults of `--time` and `--target`.

A default follows from the first rows of the file. If they are ambiguous, selection raises an error.
"""

from collections.abc import Sequence

import numpy as np

from lstm_cli.config.prepare import ALL_NUMERIC
from lstm_cli.config.text import NO_TIMES
from lstm_cli.data.locations import CellLocation, is_missing, quote_name
from lstm_cli.data.reading.columns.categories import Vocabulary, is_mixed_column, is_text_column
from lstm_cli.data.reading.columns.names import find_column, refuse_duplicate_names
from lstm_cli.data.reading.columns.requests import ColumnRequest, ColumnRoles
from lstm_cli.data.reading.columns.samples import is_empty, may_be_numeric, measured_cells, reads_as_times
from lstm_cli.data.reading.columns.table_rules import (
    find_thousands_separators,
)
from lstm_cli.data.reading.columns.target_columns import find_all_numeric, find_target
from lstm_cli.data.reading.columns.time_columns import choose_time, find_ignored_times
from lstm_cli.data.reading.wide.header import refuse_times_in_header
from lstm_cli.data.times.codes import TimeOptions
from lstm_cli.errors import DataError
from lstm_cli.findings import in_file

SAMPLE_ROWS = 5_000  # first rows whose text decides what the columns contain


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
            if flag == "--target" and request.future and request.future_file_ok:
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
    time, times, findings = choose_time(source, names, sample, free, groups, request)
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
    if request.time == (NO_TIMES,) and not request.from_model and not (named or request.no_target):
        free, ignored = find_ignored_times(source, names, sample, free)
        findings += ignored
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
    refuse_duplicate_names(source, names, sorted(used))
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
    found = {}
    for index in covariates:
        mixed = names[index] in request.mixed or is_mixed_column(
            [cell.strip() for cell in sample[index] if not is_missing(cell)]
        )
        if mixed or is_text_column(measured_cells(sample[index])):
            found[index] = Vocabulary(na_values=request.na_values, mixed=mixed)
    return found


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
