"""Names of columns: those of a file, the nearest to a wrong name, and errors about names."""

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from unicodedata import normalize

from lstm_cli.data.locations import CellLocation, quote_name, quote_names
from lstm_cli.data.reading.text_format import quote_delimiter
from lstm_cli.errors import DataError
from lstm_cli.findings import in_file
from lstm_cli.wording import nearest_name

MAX_COLUMNS = 100_000
_MAX_COMPARED = 200  # characters of a name compared to find the nearest name
MAX_LISTED = 20  # columns listed in a message


def column_labels(names: Iterable[str]) -> list[str]:
    """Return the names of columns, with `column 3` for a column without a name."""
    return [name or f"column {number}" for number, name in enumerate(names, start=1)]


def refuse_many_columns(source: str, count: int) -> None:
    """Raise DataError for a file with too many columns, because looking at each one takes a while."""
    if count > MAX_COLUMNS:
        raise DataError(
            f"the file has {count:,} columns (max {MAX_COLUMNS:,})",
            hint="turn the table so that each column becomes rows, and name the column of the names with --series",
            rule="D146",
            at=in_file(source),
            flags=("--series",),
        )


def refuse_duplicate_names(source: str, names: Sequence[str], indices: Iterable[int]) -> None:
    """Raise DataError if another column has the name of a chosen column.

    Args:
        source: name of the file, for messages.
        names: names of all columns.
        indices: the chosen columns.
    """
    counts = Counter(names)
    for index in indices:
        if counts[names[index]] > 1:
            raise duplicate_name_error(source, names, names[index])


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
            f"(columns: {quote_names(names, MAX_LISTED)})",
            hint=hint,
            rule="D202",
        )
    folder, is_partition, _ = source.partition(f"{name}=")
    if is_partition:  # a folder such as shop=Aachen, whose files were named one by one
        hint = f"name the folder {shlex.quote(folder or '.')} in place of its files, to add its subfolders as columns"
    else:
        hint = f"did you mean {flag} {near}?" if near else "use a column name from the header"
    raise DataError(
        f"column {quote_name(name)} ({flag}) not found in {source} (columns: {quote_names(names, MAX_LISTED)})",
        hint=hint,
        rule="D202",
        flags=(flag,),
    )


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
