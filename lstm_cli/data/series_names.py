"""Names of series and the numbers that stand for them, thousands at a time: a panel names them all in every block."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from lstm_cli.data.formulas import bare_text

if TYPE_CHECKING:
    import pyarrow as pa

Names = Union[Sequence[str], "pa.StringArray"]

# Whatever `bare_text` might change, or that is not plain ASCII and so for Python to judge.
_NOT_BARE = r"^[\x00-\x20']|[\x00-\x20]$|^$|[^\x20-\x7e]"


def bare_names(dictionary: "pa.StringArray") -> Names | None:
    """The names without blanks and apostrophes around them; where none has any, as they are. None: one is empty."""
    import pyarrow.compute as compute

    if not compute.any(compute.match_substring_regex(dictionary, _NOT_BARE)).as_py():
        return dictionary
    names = [bare_text(name) for name in dictionary.to_pylist()]
    return names if all(names) else None


class SeriesNames:
    """Every name once, in order of first appearance."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._known: Any = None  # the same names for pyarrow

    def numbers(self, names: Names) -> np.ndarray:
        """[n] int32, the number of each name, counted from 0; one may stand twice."""
        if not isinstance(names, Sequence):
            found = self._looked_up(names)
            if found is not None:
                return found
            names = names.to_pylist()
        places = [self._numbers.setdefault(name, len(self._numbers)) for name in names]
        return np.array(places, dtype=np.int32)

    def __iter__(self) -> Any:
        return iter(self._numbers)

    def _looked_up(self, names: "pa.StringArray") -> np.ndarray | None:
        """The same without Python's looking at each; None where one is new."""
        import pyarrow as pa
        import pyarrow.compute as compute

        if self._known is None or len(self._known) != len(self._numbers):
            self._known = pa.array(list(self._numbers), pa.string())
        found = compute.index_in(names, value_set=self._known)
        return None if found.null_count else found.to_numpy()
