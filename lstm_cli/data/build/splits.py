"""Chronological splits: training rows, then validation rows, then test rows; one time divides a panel."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.panel_times import PanelTimes
from lstm_cli.errors import DataError, UsageError


@dataclass(frozen=True, kw_only=True)
class SplitSize:
    """How much a split takes: exactly one of the three is set."""

    fraction: float | None = None  # of the steps of the panel, or of each series
    rows: int | None = None  # steps of the panel, or of each series
    date: str | None = None  # the first row of the split in every series


def parse_split_size(flag: str, text: str) -> SplitSize:
    """Reads `0.1`, `10%`, `48` or a date. Raises UsageError for a number that can be no share."""
    text = text.strip()
    if re.fullmatch(r"\d+", text) and len(text) < 8:
        return SplitSize(rows=int(text))
    number = re.fullmatch(r"(\d*\.?\d+(?:[eE][+-]?\d+)?)(%?)", text)
    if number and ("." in text or "%" in text or "e" in text.lower()):
        fraction = float(number[1]) / (100 if number[2] else 1)
        if fraction >= 1:
            raise UsageError(
                f"{flag} {text} leaves no rows to train on",
                hint=f"give a share below 1 such as {flag} 0.2, a number of steps, or a date",
                flag=flag,
            )
        return SplitSize(rows=0) if fraction == 0 else SplitSize(fraction=fraction)
    if text.startswith("-") and re.fullmatch(r"-[\d.]+%?", text):
        raise UsageError(f"{flag} {text} is below 0", flag=flag)
    return SplitSize(date=text)


def check_split_sizes(val: str, test: str) -> None:
    """Raise UsageError where the text of --val or --test can be no share."""
    parse_split_size("--val", val)
    parse_split_size("--test", test)


def split_rows(
    counts: np.ndarray,
    *,
    val: SplitSize,
    test: SplitSize,
    horizon: int,
    rows_before: Callable[[str], np.ndarray],
    panel: PanelTimes | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Where training and validation end in each series.

    counts: [S] usable rows. A share given as a fraction takes at least `horizon` rows, so that it holds a
    window. rows_before: the number of rows of each series [S] that lie before a date. panel: the times of a panel,
    of which the shares are taken, so that one time divides all series; None: each series has shares of its own.
    Returns (train_end, val_end), both [S] row numbers counted from the series' first; a series too short for
    its splits gets train_end 0 or less.
    """

    def begin(share: SplitSize, ends: np.ndarray) -> np.ndarray:
        """Return the rows [S] before the split that a share takes of what lies before `ends` [S]."""
        if share.date is not None:
            return rows_before(share.date)
        if panel is None:
            return ends - _split_steps(share, counts, horizon)
        steps = int(_split_steps(share, np.array(panel.steps), horizon))
        return panel.rows_before(panel.index_before(ends) - steps)

    val_end = begin(test, counts)
    train_end = begin(val, val_end)
    if val.date is not None and np.all(train_end >= val_end):
        raise DataError(
            f"--val {val.date} is not before the test rows, so nothing is left to validate on",
            hint="give an earlier --val, or a later or smaller --test",
            rule="D616",
            flags=(
                "--val",
                "--test",
            ),
        )
    return np.minimum(train_end, val_end).astype(np.int64), val_end.astype(np.int64)


def _split_steps(share: SplitSize, counts: np.ndarray, horizon: int) -> np.ndarray:
    if share.rows is not None:
        return np.full_like(counts, share.rows)
    assert share.fraction is not None
    # The small addition undoes binary rounding: 0.1 of 30 rows is 3.
    return np.maximum(np.floor(counts * share.fraction + 1e-9).astype(np.int64), horizon)
