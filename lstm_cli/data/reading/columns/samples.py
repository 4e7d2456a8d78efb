"""Kinds of the first cells of a column: numbers, times, or nothing."""

from collections.abc import Sequence

from lstm_cli.data.locations import is_missing, quote_cell
from lstm_cli.data.numbers.hints import is_numberlike
from lstm_cli.data.times.patterns import is_time
from lstm_cli.wording import is_number

SAMPLE_CELLS = (
    200  # cells that decide the type of a column; a later cell of another type is an error with its line
)


def reads_as_times(cells: Sequence[str]) -> bool:
    """Return whether at least half of the first non-missing cells are dates or times."""
    present = measured_cells(cells)
    dated = sum(map(is_time, present))
    return dated > 0 and dated * 2 >= len(present)


def is_numeric(cells: Sequence[str]) -> bool:
    """Return whether at least half of the first measured cells are plain numbers."""
    present = measured_cells(cells)
    return bool(present) and sum(map(is_number, present)) * 2 >= len(present)


def may_be_numeric(cells: Sequence[str]) -> bool:
    """Return whether the first cells [n] of a column are numbers, or many of them are almost numbers."""
    return is_numeric(cells) or (bool(measured_cells(cells)) and number_evidence(cells, True) is not None)


def is_empty(cells: Sequence[str]) -> bool:
    """Return whether all first cells [n] of a column are missing."""
    return not measured_cells(cells)


def measured_cells(cells: Sequence[str]) -> list[str]:
    """Return the first non-missing cells of a column."""
    measured = []
    for cell in cells:
        if not is_missing(cell):
            measured.append(cell.strip())
            if len(measured) == SAMPLE_CELLS:
                break
    return measured


def number_evidence(cells: Sequence[str], is_complete: bool) -> str | None:
    """Return why a column without plain numbers in its first rows may still be numeric, or None."""
    present = measured_cells(cells)
    if not present:
        return None if is_complete else f"is empty in the first {len(cells):,} rows"
    like = [cell for cell in present if is_numberlike(cell) and not is_time(cell)]
    if len(like) * 4 < len(present):
        return None
    return f"contains {quote_cell(next((cell for cell in like if not is_number(cell)), like[0]))}"
