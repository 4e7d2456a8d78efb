"""Outliers of the targets that `--outliers drop` empties, found by the method of `check` (data/quality/outliers.py).

A training cell is judged by training rows alone, a validation cell by training and validation rows. So no later row
changes what is dropped, and a cell that `check` names, which sees all rows, may stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.dropped_outliers import DroppedOutliers
from lstm_cli.data.grid.regular_grid import Grid
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.grid.sorting import location_formatter
from lstm_cli.data.quality.outliers import neighbour_season, outlier_rows
from lstm_cli.data.reading.table import Table
from lstm_cli.findings import Finding
from lstm_cli.text import count_noun

MAX_LINES = 4  # lines that a warning names


@dataclass(frozen=True, kw_only=True)
class NeighbourDistance:
    """How many steps away the values lie that a cell is compared with; one number for each look at the rows."""

    training: tuple[int, ...]
    validation: tuple[int, ...]

    @staticmethod
    def from_rows(
        train_end: np.ndarray, val_end: np.ndarray, seasons: Sequence[Sequence[int]]
    ) -> "NeighbourDistance":
        """Return the distances for series with so many training rows, and rows up to the end of validation, [S].

        Args:
            seasons: those of the training rows as they are, then those that show once the outliers found by the first
                are emptied. Where they differ, rows are looked at twice.
        """
        training, validation = (
            tuple(dict.fromkeys(neighbour_season(ends, known) for known in seasons))
            for ends in (train_end, val_end)
        )
        return NeighbourDistance(training=training, validation=validation)


def outlier_rows_of_series(
    cells: np.ndarray, train_end: int, val_end: int, neighbours: NeighbourDistance
) -> np.ndarray:
    """Return the rows of one column [T] of a series that are outliers, rising; all lie before `val_end`."""
    left = np.array(cells[:val_end])
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers near 1e308
        for season in neighbours.training:
            left[outlier_rows(left[:train_end], season)] = np.nan
        for season in neighbours.validation if val_end > train_end else ():
            rows = outlier_rows(left, season)
            left[rows[rows >= train_end]] = np.nan
    return np.flatnonzero(np.isnan(left) & ~np.isnan(cells[:val_end]))


def find_outliers_to_drop(
    table: Table, grid: Grid, train_end: np.ndarray, val_end: np.ndarray, seasons: Sequence[Sequence[int]]
) -> DroppedOutliers:
    """Return the outliers of the targets of every series in a grid.

    Args:
        train_end: [S] training rows of each series; val_end: [S] rows up to the end of validation.
        seasons: as for `Neighbours.of`.
    """
    rows, neighbours = GridLines(table, grid), NeighbourDistance.from_rows(train_end, val_end, seasons)
    found = []
    for one, offset in enumerate(rows.offset.tolist()):
        for column in range(len(table.targets)):
            cells = rows.cells(one, column)
            chosen = offset + outlier_rows_of_series(
                cells, int(train_end[one]), int(val_end[one]), neighbours
            )
            found.append(
                np.stack([chosen, np.full(len(chosen), column), rows.select(chosen, column)], axis=1)
            )
    whole = np.concatenate(found)
    whole = whole[np.lexsort((whole[:, 1], whole[:, 0]))]
    return DroppedOutliers(cells=whole[:, :2].astype(np.int64), values=whole[:, 2])


def dropped_outlier_findings(
    dropped: DroppedOutliers, table: Table, grid: Grid, missing: str
) -> list[Finding]:
    """Return a finding for each column that lost cells.

    Args:
        missing: how `--missing` fills them.
    """
    rows, wording = GridLines(table, grid), location_formatter(table)
    found = []
    for column, name in enumerate(table.targets):
        chosen = dropped.cells[:, 1] == column
        if not chosen.any():
            continue
        pairs = [
            (rows.line(int(row)), value)
            for row, value in zip(dropped.cells[chosen, 0], dropped.values[chosen], strict=True)
        ]
        (line, value), *others = sorted(pairs)
        named = ", ".join(wording.row(other) for other, _ in others[: MAX_LINES - 1])
        also = f", also in {named}" if others else ""
        more = " and more" if len(others) >= MAX_LINES else ""
        found.append(
            Finding.at(
                rows.location(name).at(line),
                "D617",
                f"{value:.15g} is an outlier, {count_noun(len(pairs), 'such cell')} emptied in training and validation "
                f"rows{also}{more}; filled by --missing {missing}, never counted as truth "
                "(--outliers keep leaves them)",
                lines=[at for at, _ in sorted(pairs)],
                count=len(pairs),
                flags=("--outliers", "--missing"),
            )
        )
    return found
