"""Layout of a wide file: its series, times and values, and the columns of the long table that it becomes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lstm_cli.config.prepare import ALL_NUMERIC
from lstm_cli.data.locations import CellLocation, quote_name, quote_names
from lstm_cli.data.reading.columns.hints import find_series_columns, name_series
from lstm_cli.data.reading.columns.names import duplicate_name_error, find_column
from lstm_cli.data.reading.columns.requests import ColumnRequest, ColumnRoles
from lstm_cli.data.reading.columns.roles import choose_columns
from lstm_cli.data.reading.columns.samples import is_empty, may_be_numeric, reads_as_times
from lstm_cli.data.reading.file_readers import File
from lstm_cli.data.reading.wide.header import time_text, times_in_header
from lstm_cli.data.reading.wide.steps import steps_in_header
from lstm_cli.data.times.codes import TimeOptions
from lstm_cli.data.times.formats import INTEGERS
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file
from lstm_cli.wording import count_noun

SERIES, TIME, VALUE = "series", "time", "value"  # columns of the long table that the file does not have


@dataclass(frozen=True, kw_only=True)
class WideRequest:
    """Columns of a wide file that the user or the run names."""

    series: tuple[str, ...] = ()  # columns whose values name the series
    time: tuple[str, ...] = ()  # time columns; a file with times in its header has none
    dated: bool = False  # the header has the times; if False, its names decide
    from_model: bool = False  # a model needs these columns, so no flag can choose others


@dataclass(frozen=True, kw_only=True)
class WideLayout:
    """Columns of a wide file, as indices from 0, and the names of the columns of the long table."""

    ids: tuple[int, ...]  # columns whose values name the series
    time: tuple[int, ...]  # time columns; () if the header has the times, or if rows are steps
    values: tuple[int, ...]  # K columns of values
    dated: bool  # the header has the times, so rows are series; else columns are series
    id_names: tuple[str, ...]
    series_names: tuple[
        str, ...
    ]  # series columns of the long table: those of the file, then SERIES if needed
    time_names: tuple[str, ...]
    value_name: str
    times: TimeOptions  # how times are read
    findings: tuple[Finding, ...]

    @property
    def names(self) -> list[str]:
        """Return the columns of the long table."""
        return [*self.series_names, *self.time_names, self.value_name]

    @property
    def has_names(self) -> bool:
        """Return whether the long table has a series column that the file does not have."""
        return len(self.series_names) > len(self.ids)

    @property
    def roles(self) -> ColumnRoles:
        """Return the columns to read from the file."""
        return ColumnRoles(
            time=self.time,
            series=self.ids,
            targets=self.values,
            past=(),
            future=(),
            findings=(),
            times=self.times,
        )


def find_layout(file: File, request: WideRequest, times: TimeOptions) -> WideLayout:
    """Return the layout of a wide file.

    Args:
        file: the file, open after its first rows.
        request: named columns.
        times: how times are read.

    Raises:
        DataError: a named column is not found, a name is a duplicate, or the file has no values.
    """
    flag = "" if request.from_model else "--series"
    ids = tuple(find_column(file.source, file.names, flag, name) for name in request.series)
    others = [index for index in range(len(file.names)) if index not in ids]
    sample = file.sample
    has_time_column = any(reads_as_times(sample[index]) for index in others)
    dated = times_in_header(
        file.names, others, times=times, has_time_column=has_time_column, known=request.dated
    )
    if not dated and not has_time_column and not request.time and times.format is None:
        dated = _find_steps(file.names, sample, ids, others)
        times = replace(times, format=INTEGERS) if dated else times
    if dated and not request.time:
        return _rows_are_series(file, sample, request, times, ids, dated)
    return _columns_are_series(file, sample, request, times, ids)


def _find_steps(
    names: Sequence[str], sample: Sequence[Sequence[str]], ids: tuple[int, ...], others: Sequence[int]
) -> list[int]:
    """Return which columns count steps in their names, if other columns name a series in each row; else none.

    Args:
        names: names of all columns.
        sample: first cells of each column.
        ids: columns whose values name the series.
        others: all other columns.
    """
    numeric = [index for index in others if is_empty(sample[index]) or may_be_numeric(sample[index])]
    texts = [index for index in others if index not in numeric]
    named = name_series(sample, ids) if ids else bool(find_series_columns(sample, (), texts))
    return steps_in_header(names, numeric) if named else []


def _rows_are_series(
    file: File,
    sample: Sequence[Sequence[str]],
    request: WideRequest,
    times: TimeOptions,
    ids: tuple[int, ...],
    dated: Sequence[int],
) -> WideLayout:
    """Return the layout of a file whose header has the times."""
    findings: list[Finding] = []
    if not ids and not request.from_model:
        ids, findings = _find_names(file, sample, dated)
    name, count = Counter(time_text(file.names[index], times) for index in dated).most_common(1)[0]
    if count > 1:
        texts = [
            time_text(name, times) if index in set(dated) else name for index, name in enumerate(file.names)
        ]
        raise duplicate_name_error(file.source, texts, name)
    id_names = tuple(file.names[index] for index in ids)
    series_names = id_names or (_free_name(SERIES, file.names),)
    return WideLayout(
        ids=ids,
        time=(),
        values=tuple(dated),
        dated=True,
        id_names=id_names,
        series_names=series_names,
        time_names=(_free_name(TIME, series_names),),
        value_name=_free_name(VALUE, series_names),
        times=times,
        findings=(*findings, *_find_ignored(file, (*ids, *dated), "not named by a time")),
    )


def _find_names(
    file: File, sample: Sequence[Sequence[str]], dated: Sequence[int]
) -> tuple[tuple[int, ...], list[Finding]]:
    """Return the column that names the series if only one column has text, else (); and a finding about the names."""
    dates = set(dated)
    texts = [
        index
        for index, cells in enumerate(sample)
        if index not in dates and not is_empty(cells) and not may_be_numeric(cells)
    ]
    if len(texts) == 1 and name_series(sample, texts):
        name = file.names[texts[0]]
        text = f"{quote_name(name)}, the only column of text, names the series (use --series to choose other columns)"
        location = CellLocation(source=file.source, column=name)
        return tuple(texts), [Finding.at(location.file_only, "D223", text, flags=("--series",))]
    columns = f", such as {quote_names([file.names[index] for index in texts])}" if texts else ""
    text = f"the series have no names, so they are numbered in file order (use --series for columns of names{columns})"
    return (), [Finding.at(in_file(file.source), "D224", text, flags=("--series",))]


def _columns_are_series(
    file: File,
    sample: Sequence[Sequence[str]],
    request: WideRequest,
    times: TimeOptions,
    ids: tuple[int, ...],
) -> WideLayout:
    """Return the layout of a file with one column for each series."""
    if not any(may_be_numeric(cells) for index, cells in enumerate(sample) if index not in ids):
        raise DataError(
            "no column has numbers, and the header has no times, so the file is not wide",
            hint="leave out --wide",
            rule="D206",
            at=in_file(file.source),
            flags=("--wide",),
        )
    roles = choose_columns(
        file.source,
        file.names,
        sample,
        ColumnRequest(
            targets=(ALL_NUMERIC,),
            past=(),
            future=(),
            time=request.time,
            series=request.series,
            times=times,
        ),
        delimiter=file.delimiter,
        is_complete=file.sample_is_complete,
        marks_are_known=file.marks_are_known,
    )
    used = {*roles.time, *ids}
    late = [index for index, cells in enumerate(sample) if index not in used and is_empty(cells)]
    values = tuple(sorted({*roles.targets, *([] if file.sample_is_complete else late)}))
    id_names = tuple(file.names[index] for index in ids)
    time_names = tuple(file.names[index] for index in roles.time)
    series_names = (*id_names, _free_name(SERIES, file.names))
    findings = [
        finding for finding in roles.findings if finding.rule != "D221"
    ]  # `_find_ignored` has these columns
    return WideLayout(
        ids=ids,
        time=roles.time,
        values=values,
        dated=False,
        id_names=id_names,
        series_names=series_names,
        time_names=time_names,
        value_name=_free_name(VALUE, (*series_names, *time_names)),
        times=roles.times,
        findings=(*findings, *_find_ignored(file, (*used, *values), "not numeric")),
    )


def _find_ignored(file: File, used: Iterable[int], reason: str) -> list[Finding]:
    """Return a finding about the columns that are not read."""
    read = set(used)
    ignored = [name for index, name in enumerate(file.names) if index not in read]
    if not ignored:
        return []
    columns = count_noun(len(ignored), "column")
    return [
        Finding.at(
            in_file(file.source),
            "D225",
            f"{columns} ignored, {reason}: {quote_names(ignored)} "
            "(use --series for a column that names series)",
            count=len(ignored),
            flags=("--series",),
        )
    ]


def _free_name(name: str, taken: Iterable[str]) -> str:
    """Return a name that no other column has."""
    names = set(taken)
    while name in names:
        name += "_"
    return name
