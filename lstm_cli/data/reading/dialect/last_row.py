"""Check of the last row of a text that ends without a line break: the row may be cut off."""

from collections.abc import Sequence

MAX_COMPARED = 100  # lines above that are compared with the last line
_OPEN_ENDS = (".", ",", "-", "+", "e", "E", ":", "/")  # a number or time does not end so


def looks_cut_off(lines: Sequence[str], delimiter: str) -> bool:
    """Return whether the last line, which has no line end, seems to lack its end.

    The line is shorter than all rows above it, or its last cell differs from theirs: it has fewer decimals, or an end
    that no number and no time has.

    Args:
        lines: the last lines of the text, without the header; the last one is in doubt.
        delimiter: delimiter of the file.
    """
    *others, last = [line.strip() for line in lines if line.strip()]
    if last.endswith('"') or not others:
        return False
    if len(last) < min(map(len, others)):
        return True
    *ends, cell = [line.rpartition(delimiter)[2].strip() for line in (*others, last)]
    decimals = {len(end.partition(".")[2]) for end in ends}
    if len(decimals) == 1 and len(cell.partition(".")[2]) < min(decimals):
        return True
    return cell.endswith(_OPEN_ENDS) and not any(end.endswith(_OPEN_ENDS) for end in ends)
