"""Choice of the targets: the only numeric column, or every one with `--target '*'`."""

from collections.abc import Sequence

from lstm_cli.config.prepare import ALL_NUMERIC
from lstm_cli.data.locations import quote_cell, quote_name, quote_names
from lstm_cli.data.numbers.hints import format_hint
from lstm_cli.data.reading.columns.hints import likely_target
from lstm_cli.data.reading.columns.names import MAX_LISTED, delimiter_hint, refuse_duplicate_names
from lstm_cli.data.reading.columns.samples import is_numeric, may_be_numeric, measured_cells, number_evidence
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file
from lstm_cli.wording import count_noun, is_number


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
    numeric = [index for index in free if is_numeric(sample[index])]
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
    refuse_duplicate_names(source, names, numeric)
    if numeric:
        raise DataError(
            f"{source} has {len(numeric)} numeric columns, so the target must be named "
            f"(columns: {quote_names([names[index] for index in numeric], MAX_LISTED)})",
            hint=f"e.g. --target {quote_name(likely_target([names[index] for index in numeric]))}, or "
            f"--target '{ALL_NUMERIC}' for all of them",
            rule="D205",
            flags=("--target",),
        )
    if len(free) == 1 and measured_cells(sample[free[0]]) and not delimiter_hint(names):
        return free[0]  # reading it raises an error with the first wrong line
    raise _no_numeric_column_error(source, names, sample, free)


def _no_numeric_column_error(
    source: str, names: Sequence[str], sample: Sequence[Sequence[str]], free: Sequence[int]
) -> DataError:
    """Return the error for a file without a numeric column. It shows a cell that is almost a number."""
    for index in free:
        cells = [cell for cell in measured_cells(sample[index]) if cell[:1].isdigit() or cell[1:2].isdigit()]
        if cells:
            return DataError(
                f"{source} has no numeric column "
                f"(for example, {quote_name(names[index])} contains {quote_cell(cells[0])})",
                hint=delimiter_hint(names)
                or format_hint(cells[0], cells)
                or "write plain numbers such as 1234.5. With --target, the error shows the first wrong line",
                rule="D206",
                flags=("--target",),
            )
    return DataError(
        f"{source} has no numeric column (columns: {quote_names(names, MAX_LISTED)})",
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
    empty = [names[index] for index in free if not measured_cells(sample[index])]
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
        why = None if other == sole else number_evidence(sample[other], is_complete)
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
