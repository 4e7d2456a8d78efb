"""Times that are all written in one shape, straight from the bytes of a column."""

import numpy as np

from lstm_cli.data.time_shapes import match_shape, number_of, padded_somewhere, shape_times, shapes_of
from lstm_cli.data.times import DATE_PARTS, TimePiece


def scan_even_times(cells: np.ndarray) -> TimePiece | None:
    """What `scan_times` reads in cells [n, width] of one width, bytes, lines counted from 1.

    None where they are not all of one shape that is a time, or one of them does not exist.
    """
    shape = shapes_of([cells[0].tobytes().decode("latin-1")])[0]
    match = match_shape(shape)
    if match is None:
        return None
    columns = np.ascontiguousarray(cells.T)  # a digit of all cells side by side
    digits = columns - np.uint8(ord("0"))
    for place, character in enumerate(shape):
        alike = digits[place] <= 9 if character == "0" else columns[place] == ord(character)
        if not alike.all():
            return None
    kind, found = match
    fields = {name: digits[slice(*found.span(name))].T for name, text in found.groupdict().items() if text}
    offsets: list[int] | None = None
    if kind == "digits":
        values = number_of(digits.T)
    else:
        values, exists, offsets = shape_times(fields, kind, found)
        if not exists.all():
            return None
    parts = np.empty((0, 3), dtype=np.int64)
    if kind == "day-month":
        parts = np.stack([number_of(fields[name]) for name in "abY"], axis=1)
    return TimePiece(
        kind=kind,
        values=values,
        parts=parts,
        shapes={shape: (1, len(cells))},
        offsets=tuple(offsets or ()),
        padded=frozenset(name for name in DATE_PARTS & set(fields) if padded_somewhere(fields[name])),
    )
