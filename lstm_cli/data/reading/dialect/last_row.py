"""Check of the last row of a text that ends without a line break: the row may be cut off."""

from collections.abc import Sequence

MAX_COMPARED = 100  # rows above that are compared with the last row
_OPEN_ENDS = (".", ",", "-", "+", "e", "E", ":", "/")  # a number or time does not end so


def looks_cut_off(line: str, rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the last row, on a line without a line end, seems to lack its end.

    The row is shorter than all rows above it, or its last cell differs from theirs: it has fewer decimals, or an end
    that no number and no time has.

    Args:
        line: last line.
        rows: cells of the last rows; the last one is in doubt.
    """
    *others, last = rows
    if line.rstrip().endswith('"') or not others:
        return False
    if len("".join(last)) < min(len("".join(row)) for row in others):
        return True
    cell, ends = last[-1].strip(), [row[-1].strip() for row in others]
    decimals = {len(end.partition(".")[2]) for end in ends}
    if len(decimals) == 1 and len(cell.partition(".")[2]) < min(decimals):
        return True
    return cell.endswith(_OPEN_ENDS) and not any(end.endswith(_OPEN_ENDS) for end in ends)
