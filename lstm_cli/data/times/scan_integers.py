"""Reader of time columns in text whose cells are whole numbers that count steps."""

import re
import shlex
from collections.abc import Sequence

import numpy as np

from lstm_cli.data.locations import CellLocation, is_missing, quote_cell
from lstm_cli.data.times.codes import FLAG, TimeOptions
from lstm_cli.data.times.patterns import PART_COLUMNS, TimePiece, is_integer_shape, match_shape
from lstm_cli.errors import DataError

_GROUPED = re.compile(r"[+-]?0{1,3}([,.' ])000(\1000)*")  # shape of a whole number with marks of thousands


def are_integers(shapes: Sequence[str], distinct: Sequence[str]) -> bool:
    """Return whether cells are whole numbers that count steps; a few wrong cells are errors with their line later.

    Args:
        shapes: shapes of the cells [n].
        distinct: distinct shapes.
    """
    whole = set(filter(is_integer_shape, distinct))
    if len(whole) == len(distinct):
        return True
    whole |= set(filter(_GROUPED.fullmatch, distinct))
    counts_steps = any(match_shape(shape) is None for shape in whole)
    return counts_steps and sum(shape in whole for shape in shapes) * 2 > len(shapes)


def scan_integers(
    cells: Sequence[str],
    shapes: Sequence[str],
    lines: np.ndarray,
    location: CellLocation,
    options: TimeOptions,
) -> TimePiece:
    """Read cells [n] that are whole numbers.

    Args:
        cells: text of the cells.
        shapes: their shapes.
        lines: line of each row [n].
        location: the time column, for messages.
        options: how the text is read.

    Raises:
        DataError: a cell is missing, or not a whole number.
    """
    advice = f"or leave out {FLAG} int if the times are dates"
    if options.format is None:
        advice = "or choose another column with --time"
    shape_counts: dict[str, tuple[int, int]] = {}
    for cell, shape, line in zip(cells, shapes, lines.tolist(), strict=True):
        if not is_integer_shape(shape):
            grouped = _GROUPED.fullmatch(shape)
            raise DataError(
                "the time is missing"
                if is_missing(cell)
                else f"{quote_cell(cell)} is not a whole number, unlike the other times",
                hint=f"use --thousands {shlex.quote(grouped[1])}"
                if grouped
                else f"correct the line, {advice}",
                rule="D405" if is_missing(cell) else "D412" if options.format else "D406",
                at=location.at(line),
                flags=(FLAG if options.format else "--time",),
            )
        before = shape_counts.get(shape, (line, 0))
        shape_counts[shape] = (before[0], before[1] + 1)
    return TimePiece(
        kind="digits",
        values=np.array([int(cell) for cell in cells], dtype=np.int64),
        parts=np.empty((0, PART_COLUMNS), dtype=np.int64),
        shapes=shape_counts,
        offsets=(),
        padded=frozenset("0" for cell in cells if len(cell) > 1 and cell.startswith("0")),
    )
