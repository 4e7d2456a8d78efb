"""Names of columns that count the steps of a wide file: d_1 to d_1941, V2 to V800, or 1 to 80."""

import re
from collections import defaultdict
from collections.abc import Sequence

_STEP = re.compile(r"(.*?)(\d{1,9})", re.ASCII)
_MIN_STEPS = 3  # columns that count; fewer may be numbered by chance
MIN_SURE_STEPS = 10  # columns that count, if no option says that the file is wide


def plain_step(name: str) -> str:
    """Return the number at the end of a name; a name without one stays as it is.

    >>> plain_step("d_12"), plain_step("12"), plain_step("id")
    ('12', '12', 'id')
    """
    found = _STEP.fullmatch(name)
    return name if found is None else found[2]


def steps_of(names: Sequence[str], columns: Sequence[int]) -> list[int]:
    """Return which columns have a name of the most frequent prefix and a number.

    Args:
        names: names of all columns.
        columns: indices of the columns without a series name.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for index in columns:
        found = _STEP.fullmatch(names[index])
        if found is not None:
            groups[found[1]].append(index)
    return max(groups.values(), key=len, default=[])


def steps_in_header(names: Sequence[str], columns: Sequence[int]) -> list[int]:
    """Return which columns count steps by one in their names; none if these columns are not most of the columns.

    Args:
        names: names of all columns.
        columns: indices of the columns of numbers without a series name.
    """
    steps = steps_of(names, columns)
    numbers = [int(plain_step(names[index])) for index in steps]
    if len(steps) < _MIN_STEPS or 2 * len(steps) <= len(columns):
        return []
    return steps if numbers == list(range(numbers[0], numbers[0] + len(numbers))) else []
