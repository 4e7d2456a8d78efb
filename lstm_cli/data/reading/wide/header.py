"""Times in the header of a wide file, whose rows are series."""

import re
import shlex
from collections.abc import Sequence

import numpy as np

from lstm_cli.data.locations import quote_name
from lstm_cli.data.reading.columns.hints import find_series_columns, name_series
from lstm_cli.data.reading.wide.steps import MIN_SURE_STEPS, plain_step, steps_in_header, steps_of
from lstm_cli.data.times.codes import TimeOptions
from lstm_cli.data.times.integer_times import are_plausible_times
from lstm_cli.data.times.patterns import is_time, looks_like_date, reads_in_codes, text_kind
from lstm_cli.errors import DataError
from lstm_cli.findings import in_file

# Years as the World Bank writes them, 1960 [YR1960], and as R and others do: X1960, X1960..YR1960., Y1960, YR1960.
_DECORATED_YEAR = re.compile(r"(\d{4})\s*\[YR\1\]|X(\d{4})(?:\.\.YR\2\.)?|YR?(\d{4})", re.ASCII)
_SHORT_YEAR = re.compile(r"(\d\d?)([-/.])(\d\d?)\2\d\d", re.ASCII)


def times_in_header(
    names: Sequence[str],
    columns: Sequence[int],
    *,
    times: TimeOptions,
    has_time_column: bool,
    known: bool = False,
) -> list[int]:
    """Return which columns have a time as their name; none if these columns are not most of the columns.

    Digits such as 2019 may also be the number of a shop, so they count only in a file without a time column.

    Args:
        names: names of all columns.
        columns: indices of the columns without a series name.
        times: how times are read.
        has_time_column: the cells of another column are times.
        known: a run has such a file, so a few columns suffice.
    """
    if times.codes is not None:
        dated = [index for index in columns if reads_in_codes(names[index], times.codes)]
    elif times.is_integer:
        dated = steps_of(names, columns)
    else:
        dated = [index for index in columns if is_time(names[index]) or looks_like_date(names[index])]
    if times.format is None and not dated and (known or not has_time_column):
        dated = [index for index in columns if _is_plausible_number(plain_time(names[index]))]
    return dated if known or (len(dated) > 1 and 2 * len(dated) > len(columns)) else []


def plain_time(name: str) -> str:
    """Return the year of a name such as 1960 [YR1960] or X1960; another name stays as it is.

    >>> plain_time("1960 [YR1960]"), plain_time("X1960"), plain_time("X19")
    ('1960', '1960', 'X19')
    """
    found = _DECORATED_YEAR.fullmatch(name)
    return name if found is None else found[found.lastindex or 0]


def time_text(name: str, times: TimeOptions) -> str:
    """Return the text of the time in the name of a column. times: how times are read."""
    return plain_step(name) if times.is_integer else plain_time(name)


def may_be_header_of_times(names: Sequence[str]) -> bool:
    """Return whether the first name of a header is empty, and the others are times as in a wide file.

    pandas leaves the name of its index empty. Numbers in the order of years are not a row of data.
    """
    times = names[1:]
    if names[0] or len(times) < 3:
        return False
    if all(map(is_time, times)):
        return True
    return all(map(_is_plausible_number, times)) and len(set(np.diff(list(map(int, times))).tolist())) == 1


def _is_plausible_number(name: str) -> bool:
    """Return whether a name is a year, a month (YYYYMM) or a day (YYYYMMDD)."""
    if text_kind(name) != "digits" or len(name) not in (4, 6, 8):
        return False
    return bool(are_plausible_times(np.array([int(name)]), len(name))[0])


def refuse_times_in_header(
    source: str,
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    series: Sequence[int],
    texts: Sequence[int],
    *,
    times: TimeOptions,
    has_time_column: bool,
) -> None:
    """Raise DataError if most names of columns are times, so that the file is wide.

    Args:
        source: name of the file, for messages.
        names: names of all columns.
        sample: text cells of each column's first rows.
        series: indices of the named series columns.
        texts: indices of the columns of text.
        times: how times are read.
        has_time_column: the cells of another column are times.
    """
    others = [index for index in range(len(names)) if index not in (*series, *texts)]
    dated = times_in_header(names, others, times=times, has_time_column=has_time_column)
    if not dated and not has_time_column:
        _refuse_steps_in_header(source, names, sample, series, texts)
    if not dated:
        return
    if not name_series(sample, series):
        candidates = [index for index in texts if index not in (*series, *dated)]
        series = (*series, *find_series_columns(sample, series, candidates))
    flags = ["--wide", *(f"--series {shlex.quote(names[index])}" for index in series)]
    flags += [] if times.format is not None else short_year_flag([names[index] for index in dated])
    raise DataError(
        f"the times are in the header: {len(dated)} of {len(names)} columns have a time as their name, such as "
        f"{quote_name(names[dated[0]])}, so each row is a series",
        hint=f"add {' '.join(flags)}",
        rule="D222",
        at=in_file(source),
        flags=("--wide", "--series"),
    )


def _refuse_steps_in_header(
    source: str,
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    series: Sequence[int],
    texts: Sequence[int],
) -> None:
    """Raise DataError if the names of most columns count steps, and other columns name a series in each row."""
    others = [index for index in range(len(names)) if index not in (*series, *texts)]
    steps = steps_in_header(names, others)
    if len(steps) < MIN_SURE_STEPS:
        return
    if not name_series(sample, series):
        candidates = [index for index in texts if index not in series]
        series = (*series, *find_series_columns(sample, series, candidates))
    if not name_series(sample, series):
        return
    raise DataError(
        f"the times seem to be in the header: {len(steps)} of {len(names)} columns count steps, from "
        f"{quote_name(names[steps[0]])} to {quote_name(names[steps[-1]])}, so each row is a series",
        hint=f"add --wide {' '.join(f'--series {shlex.quote(names[index])}' for index in series)}, or --target for "
        "the column to forecast if they count something else",
        rule="D222",
        at=in_file(source),
        flags=("--wide", "--series", "--target"),
    )


def short_year_flag(texts: Sequence[str]) -> list[str]:
    """Return the flag that reads dates with a year of two digits, if all texts are such dates and it is needed."""
    dates = [_SHORT_YEAR.fullmatch(text) for text in texts]
    found = [date for date in dates if date is not None]
    if len(found) < len(dates) or all(map(is_time, texts)):
        return []
    month_first = any(int(date[3]) > 12 for date in found)
    if not month_first and found[0][2] != "." and not any(int(date[1]) > 12 for date in found):
        return []  # the order of day and month is unknown
    order = ("m", "d", "y") if month_first else ("d", "m", "y")
    return [f"--time-format {found[0][2].join(f'%{code}' for code in order)}"]
