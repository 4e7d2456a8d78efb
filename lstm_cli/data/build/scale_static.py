"""Scaling of static inputs over the series; a scaler per series would make each of them 0."""

import numpy as np

from lstm_cli.data.category_names import category_sources, file_columns
from lstm_cli.data.locations import quote_names
from lstm_cli.data.reading.columns.static_columns import StaticColumns
from lstm_cli.data.reading.table import Table
from lstm_cli.findings import Finding, in_file

INDICATOR_SCALING = (0.5, 1.0)  # -0.5 and 0.5, as the calendar


def static_scaling(columns: StaticColumns, values: np.ndarray | None) -> tuple[tuple[float, float], ...]:
    """Return the center and the scale of each static input: mean and population standard deviation of the series.

    Args:
        columns: static columns of the table.
        values: [S, K] values of the series of the dataset; None without a static column.
    """
    if values is None:
        return ()
    indicators = category_sources(columns.categories)
    return tuple(
        INDICATOR_SCALING if name in indicators else _moments(values[:, column])
        for column, name in enumerate(columns.names)
    )


def _moments(values: np.ndarray) -> tuple[float, float]:
    """Return mean and deviation of the values [S] that are not NaN; the deviation is 1 if the values do not differ."""
    measured = values[~np.isnan(values)]
    if len(np.unique(measured)) < 2:
        return (float(measured[0]) if len(measured) else 0.0), 1.0
    return float(measured.mean()), float(measured.std())


def constant_static_findings(table: Table, values: np.ndarray | None) -> list[Finding]:
    """Return a finding about static columns that are equal in all series.

    Args:
        table: rows of the file.
        values: [S, K] values of the series of the dataset; None without a static column.
    """
    if values is None:
        return []
    columns = table.static
    varying = [
        name
        for name, column in zip(columns.names, values.T, strict=True)
        if len(np.unique(column[~np.isnan(column)])) > 1
    ]
    useful = file_columns(varying, columns.categories)
    useless = [name for name in file_columns(columns.names, columns.categories) if name not in useful]
    if not useless:
        return []
    return [
        Finding.at(
            in_file(table.source),
            "D641",
            f"the static {'column is' if len(useless) == 1 else 'columns are'} equal in all series, so "
            f"{quote_names(useless)} add{'s' if len(useless) == 1 else ''} nothing (leave it out of --static)",
            count=len(useless),
            flags=("--static",),
        )
    ]
