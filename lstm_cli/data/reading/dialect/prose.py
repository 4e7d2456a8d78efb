"""Prose: a text file that is not a table, because no column of it has numbers."""

from itertools import islice, zip_longest

from lstm_cli.config.text import WHITESPACE
from lstm_cli.data.reading.columns.samples import may_be_numeric
from lstm_cli.data.reading.dialect.title_lines import split_cells
from lstm_cli.data.reading.source import is_pipe, open_source
from lstm_cli.data.reading.text_format import codec_name
from lstm_cli.data.times.patterns import is_time
from lstm_cli.errors import DataError
from lstm_cli.wording import is_number

SAMPLE_LINES = 1_000  # first lines that are not blank
FILLED = 0.75  # share of the lines in which a column has a cell
MOST_WORDS = (
    3  # of a number with a unit, such as "$ 5 USD"; a longer cell with a number in front is a sentence
)
NUMBERS = (
    0.25  # share of the words between blanks above which they are cells, because a sentence has few numbers
)
DELIMITERS = (",", ";", "\t", "|")


def is_prose(path: str, *, encoding: str | None = None) -> bool:
    """Return whether no column of a text file has numbers, for any usual delimiter. Only its beginning is read.

    A file that cannot be read is not prose, and its reader reports the error.

    Args:
        path: file.
        encoding: encoding of the file; None: UTF-8 or UTF-16.

    Raises:
        UsageError: the encoding is unknown.
    """
    if is_pipe(path):
        return False  # it can be read only once
    try:
        with open_source(path) as opened:
            codec = codec_name(opened, encoding)
            if opened.parquet:
                return False
            text = next(opened.blocks, b"").decode(codec, errors="replace")
    except DataError:
        return False
    lines = list(islice((line for line in text.splitlines() if line.strip()), SAMPLE_LINES))
    return bool(lines) and not any(_has_numbers(lines, delimiter) for delimiter in (*DELIMITERS, WHITESPACE))


def _has_numbers(lines: list[str], delimiter: str) -> bool:
    """Return whether a column has numbers in at least half of its cells, and a cell in most lines.

    Words of sentences do not count as cells, nor a sentence as a number with a unit.

    Args:
        lines: first lines.
        delimiter: delimiter of the cells, or `whitespace`.
    """
    rows = [split_cells(line, delimiter) for line in lines]
    columns = ([cell for cell in column if cell is not None] for column in zip_longest(*rows))
    if len(rows) < 2 or (delimiter == WHITESPACE and not _are_cells(rows[1:])):
        return False
    return any(
        len(cells) >= FILLED * len(rows)
        and may_be_numeric([cell if len(cell.split()) <= MOST_WORDS else "text" for cell in cells])
        for cells in columns
    )


def _are_cells(rows: list[list[str]]) -> bool:
    """Return whether enough words of the lines below the first one are numbers or times."""
    words = [word for row in rows for word in row]
    return sum(is_number(word) or is_time(word) for word in words) > NUMBERS * len(words)
