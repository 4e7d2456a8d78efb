"""Static columns: numbers or words that are constant within a series, such as the size or the type of a shop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lstm_cli.data.chunks import row_chunks
from lstm_cli.data.locations import CellLocation, quote_cell, quote_name
from lstm_cli.data.reading.columns.categories import TextColumns, Vocabulary, read_categories
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding


@dataclass(frozen=True, kw_only=True)
class StaticColumns:
    """Values of the static columns of each series; a text column has one column of 0 and 1 for each category."""

    names: tuple[str, ...] = ()  # of the K columns
    values: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))  # [S, K] float64, NaN where missing
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of each text column
    findings: tuple[Finding, ...] = ()

    def of_series(self, series_names: Sequence[str], chosen: Sequence[str]) -> np.ndarray | None:
        """Return the values [n, K] of the chosen series; None without a static column.

        Args:
            series_names: names of the S series.
            chosen: names of n of them.
        """
        if not self.names:
            return None
        index = {name: position for position, name in enumerate(series_names)}
        return self.values[[index[name] for name in chosen]]


def read_static_columns(
    values: np.ndarray,
    series: np.ndarray,
    series_names: Sequence[str],
    lines: np.ndarray,
    locations: Sequence[CellLocation],
    vocabularies: Mapping[str, Vocabulary],
) -> StaticColumns:
    """Return the static columns, with the categories of all series.

    Args:
        values: numbers, and codes of text columns, [R, columns].
        series: series of each row [R].
        series_names: names of the S series.
        lines: line of each row [R].
        locations: file and name of each column.
        vocabularies: words of the text columns.

    Raises:
        DataError: a column changes within a series. The error has both lines.
    """
    if not locations:
        return StaticColumns()
    rows = np.full((len(locations), len(series_names)), -1, dtype=np.int64)  # first row with a value
    for column, location in enumerate(locations):
        words = vocabularies[location.column].words if location.column in vocabularies else None
        _find_first_rows(values[:, column], series, rows[column], words is not None)
        changed = _first_change(values[:, column], series, rows[column], words is not None)
        if changed is not None:
            first = int(rows[column, series[changed]])
            cells = [_cell_text(values[row, column], words) for row in (first, changed)]
            raise DataError(
                f"the --static column changes within series {quote_name(series_names[series[changed]])}: {cells[1]}, "
                f"but {cells[0]} in {location.row(int(lines[first]))}",
                hint="use --past or --future for a column that changes, or correct the cell",
                rule="D243",
                at=location.at(int(lines[changed])),
                flags=("--static", "--past", "--future"),
            )
    missing = rows < 0
    empty = np.array([0.0 if location.column in vocabularies else np.nan for location in locations])
    firsts = np.where(missing.T, empty, values[rows.T, np.arange(len(locations))])
    no_times = np.zeros(len(series_names), dtype=np.int64)  # all series decide which categories are frequent
    text = TextColumns(
        columns={
            location.column: read_categories(
                firsts[:, column],
                vocabularies[location.column],
                location,
                lines[np.maximum(rows[column], 0)],
                no_times,
                of_series=True,
            )
            for column, location in enumerate(locations)
            if location.column in vocabularies
        }
    )
    names = [location.column for location in locations]
    return StaticColumns(
        names=text.expand(names),
        values=text.encoder(names)(firsts),
        categories=text.categories,
        findings=(
            *(finding for finding in text.findings if finding.rule != "D241"),
            *_missing_findings(missing, locations, series_names, vocabularies),
        ),
    )


def _find_first_rows(values: np.ndarray, series: np.ndarray, first: np.ndarray, text: bool) -> None:
    """Write the first row with a value of each series to `first` [S]; -1 stays where all are missing."""
    for span in row_chunks(len(values)):
        present = np.flatnonzero(_has_value(values[span], text))
        found, positions = np.unique(series[span][present], return_index=True)
        new = first[found] < 0
        first[found[new]] = span.start + present[positions[new]]


def _first_change(values: np.ndarray, series: np.ndarray, first: np.ndarray, text: bool) -> int | None:
    """Return the first row whose value differs from the first one of its series; None if there is none."""
    expected = np.where(first < 0, np.nan, values[first])
    for span in row_chunks(len(values)):
        changed = _has_value(values[span], text) & (values[span] != expected[series[span]])
        if changed.any():
            return span.start + int(np.argmax(changed))
    return None


def _has_value(values: np.ndarray, text: bool) -> np.ndarray:
    has: np.ndarray = values > 0 if text else ~np.isnan(values)
    return has


def _cell_text(value: float, words: Sequence[str] | None) -> str:
    return f"{value:.15g}" if words is None else quote_cell(words[int(value) - 1])


def _missing_findings(
    missing: np.ndarray,
    locations: Sequence[CellLocation],
    series_names: Sequence[str],
    vocabularies: Mapping[str, Vocabulary],
) -> list[Finding]:
    """Return a finding about each static column [columns, S] that has no value for some series."""
    return [
        Finding.at(
            location.column_text,
            "D244",
            f"missing for {int(without.sum())} of {len(series_names)} series, the first "
            f"{quote_name(series_names[int(np.argmax(without))])}; "
            + (
                "counted as 'other'"
                if location.column in vocabularies
                else "filled with the mean of the others"
            )
            + " (no option for this; add the value to the file)",
            count=int(without.sum()),
        )
        for location, without in zip(locations, missing, strict=True)
        if without.any()
    ]
