"""Outliers of the targets that `--outliers drop` sets to missing, found as in `check` (data/quality/outliers.py).

A training cell is judged by training rows only, a validation cell by training and validation rows. Later rows never
change what is dropped. `check` sees all rows, so a cell that it lists may stay.
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
from lstm_cli.wording import count_noun

MAX_LINES = 4  # lines listed in a warning


@dataclass(frozen=True, kw_only=True)
class NeighbourDistance:
    """Distances in steps to the values that a cell is compared with, one per pass over the rows."""

    training: tuple[int, ...]
    validation: tuple[int, ...]

    @staticmethod
    def from_rows(
        train_end: np.ndarray, val_end: np.ndarray, seasons: Sequence[Sequence[int]]
    ) -> "NeighbourDistance":
        """Return the distances for the given series.

        Args:
            train_end: [S] training rows of each series.
            val_end: [S] rows up to the end of validation.
            seasons: seasons of the training rows, then the seasons after the first outliers are removed. If they
                differ,
                the rows are judged in two passes.
        """
        training, validation = (
            tuple(dict.fromkeys(neighbour_season(ends, pass_seasons) for pass_seasons in seasons))
            for ends in (train_end, val_end)
        )
        return NeighbourDistance(training=training, validation=validation)


def outlier_rows_of_series(
    cells: np.ndarray, train_end: int, val_end: int, neighbours: NeighbourDistance
) -> np.ndarray:
    """Return the outlier rows of one column of a series, rising; all lie before `val_end`.

    Args:
        cells: [T] values of the column.
        train_end: number of training rows.
        val_end: number of rows up to the end of validation.
        neighbours: distances to the compared values.
    """
    remaining = np.array(cells[:val_end])
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers near 1e308
        for season in neighbours.training:
            remaining[outlier_rows(remaining[:train_end], season)] = np.nan
        for season in neighbours.validation if val_end > train_end else ():
            rows = outlier_rows(remaining, season)
            remaining[rows[rows >= train_end]] = np.nan
    return np.flatnonzero(np.isnan(remaining) & ~np.isnan(cells[:val_end]))


def find_outliers_to_drop(
    table: Table, grid: Grid, train_end: np.ndarray, val_end: np.ndarray, seasons: Sequence[Sequence[int]]
) -> DroppedOutliers:
    """Return the outliers of the targets of all series in a grid.

    Args:
        table: rows of the file.
        grid: time grid of the table.
        train_end: [S] training rows of each series.
        val_end: [S] rows up to the end of validation.
        seasons: as for `NeighbourDistance.from_rows`.
    """
    rows, neighbours = GridLines(table, grid), NeighbourDistance.from_rows(train_end, val_end, seasons)
    parts = []
    for index, offset in enumerate(rows.offset.tolist()):
        for column in range(len(table.targets)):
            cells = rows.cells(index, column)
            chosen = offset + outlier_rows_of_series(
                cells, int(train_end[index]), int(val_end[index]), neighbours
            )
            parts.append(
                np.stack([chosen, np.full(len(chosen), column), rows.select(chosen, column)], axis=1)
            )
    outliers = np.concatenate(parts)
    outliers = outliers[np.lexsort((outliers[:, 1], outliers[:, 0]))]
    return DroppedOutliers(cells=outliers[:, :2].astype(np.int64), values=outliers[:, 2])


def dropped_outlier_findings(
    dropped: DroppedOutliers, table: Table, grid: Grid, missing: str
) -> list[Finding]:
    """Return a finding for each column with dropped outliers.

    Args:
        dropped: outliers set to missing.
        table: rows of the file.
        grid: time grid of the table.
        missing: value of `--missing`, which fills them.
    """
    rows, wording = GridLines(table, grid), location_formatter(table)
    findings = []
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
        findings.append(
            Finding.at(
                rows.location(name).at(line),
                "D617",
                f"{value:.15g} is an outlier, {count_noun(len(pairs), 'such value')} set to missing in training and "
                f"validation rows{also}{more}. Filled by --missing {missing} as inputs, never used as targets "
                "(--outliers keep keeps them)",
                lines=[number for number, _ in sorted(pairs)],
                count=len(pairs),
                flags=("--outliers", "--missing"),
            )
        )
    return findings
