"""Intermittent series: targets that are 0 most of the time, for which the median is a poor forecast."""

from collections.abc import Sequence

import numpy as np

from lstm_cli.data.chunks import chunks_with_series
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.locations import quote_name
from lstm_cli.findings import Finding

MAX_ZERO_SHARE = 0.5  # of the measured training values; above it the median is 0


def find_intermittent(rows: GridLines, train_end: np.ndarray, targets: Sequence[str]) -> list[Finding]:
    """Return a finding for each target with more than half of its measured training values at 0.

    For several series the finding counts those series and names the first.

    Args:
        rows: rows of a grid with the kept series.
        train_end: [S] training rows of each series.
        targets: names of the targets.
    """
    zeros, measured = _count_zeros(rows, train_end, len(targets))
    findings = []
    for column, name in enumerate(targets):
        intermittent = np.flatnonzero(zeros[:, column] > MAX_ZERO_SHARE * measured[:, column])
        if len(intermittent):
            findings.append(
                _finding(
                    rows, name, intermittent, zeros[intermittent, column], measured[intermittent, column]
                )
            )
    return findings


def _count_zeros(rows: GridLines, train_end: np.ndarray, targets: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of training values that are 0, and the number measured, both [S, targets]."""
    zeros = np.zeros((len(train_end), targets), dtype=np.int64)
    measured = np.zeros_like(zeros)
    for span, series_index in chunks_with_series(rows.offset, rows.grid.rows):
        cells = rows.values_between(span.start, span.stop)[:, :targets]
        series_index = np.broadcast_to(series_index, len(cells))
        is_training = (np.arange(span.start, span.stop) < (rows.offset + train_end)[series_index])[:, None]
        firsts = np.flatnonzero(np.diff(series_index, prepend=-1))
        for counts, cell in ((zeros, cells == 0), (measured, ~np.isnan(cells))):
            counts[series_index[firsts]] += np.add.reduceat(
                cell & is_training, firsts, axis=0, dtype=np.int64
            )
    return zeros, measured


def _finding(
    rows: GridLines, name: str, intermittent: np.ndarray, zeros: np.ndarray, measured: np.ndarray
) -> Finding:
    series = rows.grid.names
    line = rows.line(int(rows.offset[intermittent[0]]))  # a series begins with a measured target
    if len(series) == 1:
        share = 100 * zeros[0] / measured[0]
        description = f"{share:.0f} % of the {measured[0]:,} training values are 0"
    else:
        description = (
            f"more than half of the training values are 0 in {len(intermittent):,} of {len(series):,} series, "
            f"first {quote_name(series[intermittent[0]])}"
        )
    return Finding.at(
        rows.location(name).at(line),
        "D707",
        f"{description}. The default --loss mae forecasts the median, which is then near 0 "
        "(use --loss mse to forecast the mean)",
        kind="intermittent",
        count=int(zeros.sum()),
        flags=("--loss",),
    )
