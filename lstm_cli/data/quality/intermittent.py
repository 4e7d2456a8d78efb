"""Intermittent series: targets that are 0 most of the time, of which the median says little."""

from collections.abc import Sequence

import numpy as np

from lstm_cli.data.chunks import chunks_with_series
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.locations import quote_name
from lstm_cli.findings import Finding

MAX_ZERO_SHARE = 0.5  # of the measured training values: with more of them the median is 0


def find_intermittent(rows: GridLines, train_end: np.ndarray, targets: Sequence[str]) -> list[Finding]:
    """Return a finding for each target of which more than half of the measured training values are 0.

    rows: of the grid whose series were kept. train_end: [S] training rows of each series. Of several series, those
    with so many zeros are counted, and the first is named.
    """
    zeros, measured = _count_zeros(rows, train_end, len(targets))
    found = []
    for column, name in enumerate(targets):
        many = np.flatnonzero(zeros[:, column] > MAX_ZERO_SHARE * measured[:, column])
        if len(many):
            found.append(_finding(rows, name, many, zeros[many, column], measured[many, column]))
    return found


def _count_zeros(rows: GridLines, train_end: np.ndarray, targets: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how many training values of each series are 0, and how many are measured: both [S, targets]."""
    zeros = np.zeros((len(train_end), targets), dtype=np.int64)
    measured = np.zeros_like(zeros)
    for span, which in chunks_with_series(rows.offset, rows.grid.rows):
        cells = rows.values_between(span.start, span.stop)[:, :targets]
        which = np.broadcast_to(which, len(cells))
        trained = (np.arange(span.start, span.stop) < (rows.offset + train_end)[which])[:, None]
        firsts = np.flatnonzero(np.diff(which, prepend=-1))
        for counts, cell in ((zeros, cells == 0), (measured, ~np.isnan(cells))):
            counts[which[firsts]] += np.add.reduceat(cell & trained, firsts, axis=0, dtype=np.int64)
    return zeros, measured


def _finding(
    rows: GridLines, name: str, many: np.ndarray, zeros: np.ndarray, measured: np.ndarray
) -> Finding:
    series = rows.grid.names
    line = rows.line(int(rows.offset[many[0]]))  # a series begins with a measured target
    if len(series) == 1:
        share = 100 * zeros[0] / measured[0]
        what = f"{share:.0f} % of the {measured[0]:,} training values are 0"
    else:
        what = (
            f"more than half of the training values are 0 in {len(many):,} of {len(series):,} series, "
            f"first {quote_name(series[many[0]])}"
        )
    return Finding.at(
        rows.location(name).at(line),
        "D707",
        f"{what}, and train --loss mae, the default, forecasts the median, which is near 0 then "
        "(--loss mse forecasts the mean)",
        kind="intermittent",
        count=int(zeros.sum()),
        flags=("--loss",),
    )
