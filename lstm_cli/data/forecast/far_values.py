"""Values of new data that are far outside of the training range."""

from collections.abc import Iterator, Sequence

import numpy as np

from lstm_cli.data.dataset.dataset import Schema, TrainingStatistics
from lstm_cli.data.dataset.scaling import Scaler
from lstm_cli.data.forecast.series_names import SeriesIndex
from lstm_cli.data.forecast.value_limits import value_limits
from lstm_cli.data.grid.sorting import in_series_text, location_formatter
from lstm_cli.data.reading.table import Table
from lstm_cli.findings import Finding
from lstm_cli.wording import count_noun


def find_far_values(
    table: Table,
    schema: Schema,
    names: Sequence[str],
    scaler: Scaler,
    training: TrainingStatistics,
    *,
    first: int = 0,
) -> Iterator[Finding]:
    """Yield a finding for each column with values far outside of the training range, at the first such value.

    Series without a scaler, which get the baseline, have no range.

    Args:
        table: rows of the new file.
        schema: columns of the run.
        names: names of the series [S] of the scaler.
        scaler: scaler of these series.
        training: statistics of these series.
        first: index in the schema of the first column of the table.
    """
    series_index = _series_of_rows(table, schema, names)
    known = series_index >= 0
    if not known.any():
        return
    for position, name in enumerate(table.columns):
        low, high = value_limits(first + position, len(schema.targets), scaler, training)
        values = table.values[:, position]
        far = known & ((values > high[series_index]) | (values < low[series_index]))
        if far.any():
            row = int(np.argmax(far))
            count = int(far.sum())
            yield Finding.at(
                location_formatter(table).at(table.lines[row], name),
                "D807",
                f"{values[row]:.15g} is far outside of the training range{in_series_text(table, table.series[row])}, "
                f"{count_noun(count, 'such value')} (no option for this; check the unit of the column)",
                count=count,
            )


def _series_of_rows(table: Table, schema: Schema, names: Sequence[str]) -> np.ndarray:
    """Return for each row [R] of a table the index of its series in the names; -1 for another series."""
    if not schema.series_columns:
        return np.zeros(len(table.series), dtype=np.int64) if len(names) else np.full(len(table.series), -1)
    index = SeriesIndex(names)
    found = [index.find(name) for name in table.series_names]
    return np.array([-1 if position is None else position for position in found])[table.series]
