"""Outliers that `prepare --outliers drop` turned into missing values, as a run stores them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class DroppedOutliers:
    """Cells that were set to missing, in order of rows and columns."""

    cells: np.ndarray  # [N, 2] int64: row and column of the grid
    values: np.ndarray  # [N] float64, in the file's units

    def restore(self, values: np.ndarray, begin: int) -> None:
        """Write the dropped values back into the rows [n, columns] of the grid from row `begin` on, in place."""
        low, high = np.searchsorted(self.cells[:, 0], (begin, begin + len(values)))
        values[self.cells[low:high, 0] - begin, self.cells[low:high, 1]] = self.values[low:high]

    def count_by_column(self, names: Sequence[str]) -> dict[str, int]:
        """Return the number of dropped cells for each column in `names`."""
        counts = np.bincount(self.cells[:, 1], minlength=len(names))
        return {name: int(count) for name, count in zip(names, counts, strict=True)}

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that a run stores."""
        return {"cells": self.cells.tolist(), "values": self.values.tolist()}

    @staticmethod
    def from_dict(stored: dict[str, Any], *, columns: int) -> "DroppedOutliers":
        """Return the inverse of `to_dict`. Raise ValueError if the parts do not fit data with `columns` targets."""
        cells = np.array(stored["cells"], dtype=np.int64).reshape(-1, 2)
        values = np.array(stored["values"], dtype=np.float64)
        if values.shape != (len(cells),):
            raise ValueError("the number of dropped cells differs from the number of their values")
        if (np.diff(cells[:, 0]) < 0).any() or (cells[:, 1] < 0).any() or (cells[:, 1] >= columns).any():
            raise ValueError("the cells are out of order, or not in a target column")
        return DroppedOutliers(cells=cells, values=values)


NO_DROPPED_OUTLIERS = DroppedOutliers(cells=np.zeros((0, 2), dtype=np.int64), values=np.zeros(0))
