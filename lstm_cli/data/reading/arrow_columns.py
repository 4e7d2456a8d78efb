"""Columns of pyarrow as NumPy arrays and series codes, without the functions of pyarrow that import pandas."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from lstm_cli.data.spreadsheet_safety import unescape_formula

if TYPE_CHECKING:
    import pyarrow as pa

Names = Union[Sequence[str], "pa.StringArray"]
# Text that `unescape_formula` may change, and text outside ASCII, which only Python can check.
_NEEDS_UNESCAPING = r"^[\x00-\x20']|[\x00-\x20]$|^$|[^\x20-\x7e]"


def unescape_names(dictionary: "pa.StringArray") -> Names | None:
    """Return names without surrounding blanks and escape apostrophes, or None if a name is empty."""
    import pyarrow.compute as compute

    if not compute.any(compute.match_substring_regex(dictionary, _NEEDS_UNESCAPING)).as_py():
        return dictionary
    names = [unescape_formula(name) for name in dictionary.to_pylist()]
    return names if all(names) else None


class SeriesNames:
    """Distinct series names in order of first appearance."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._value_set: Any = None  # the same names for pyarrow

    def codes(self, names: Names) -> np.ndarray:
        """Return the code [n] int32 of each name, counted from 0. Names may repeat."""
        if not isinstance(names, Sequence):
            # pyarrow hashes all known names for each call, which is fast only if the batch has most of them.
            known = self._look_up(names) if len(self._codes) <= 2 * len(names) else None
            if known is not None:
                return known
            names = names.to_pylist()
        codes = [self._codes.setdefault(name, len(self._codes)) for name in names]
        return np.array(codes, dtype=np.int32)

    def __iter__(self) -> Any:
        return iter(self._codes)

    def _look_up(self, names: "pa.StringArray") -> np.ndarray | None:
        """Return the codes without a Python loop, or None if a name is new."""
        import pyarrow.compute as compute

        if self._value_set is None or len(self._value_set) != len(self._codes):
            self._value_set = _string_array(self._codes)
        codes = compute.index_in(names, value_set=self._value_set)
        return None if codes.null_count else to_numpy(codes)


def _string_array(texts: Collection[str]) -> "pa.StringArray":
    """Return texts as an array of pyarrow. `pyarrow.array` would import pandas."""
    import pyarrow as pa

    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))


def to_numpy(column: "pa.Array") -> np.ndarray:
    """Return numbers [n] of pyarrow without a copy, or as float64 with NaN for nulls.

    The method `to_numpy` of pyarrow would import pandas, which takes longer than to read 50 MB.
    """
    validity, stored = column.buffers()
    rows = slice(column.offset, column.offset + len(column))
    numbers = np.frombuffer(stored, dtype=column.type.to_pandas_dtype())[rows]
    if not column.null_count:
        return numbers
    is_valid = np.unpackbits(np.frombuffer(validity, dtype=np.uint8), bitorder="little")[rows].view(bool)
    return np.where(is_valid, numbers, np.nan)
