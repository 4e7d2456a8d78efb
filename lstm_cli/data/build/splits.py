"""Chronological splits: training rows, validation rows, test rows; one time divides a panel."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.panel_times import PanelTimes
from lstm_cli.errors import DataError, UsageError


@dataclass(frozen=True, kw_only=True)
class SplitSize:
    """Size of a split. Exactly one of the three is set."""

    fraction: float | None = None  # of the steps of the panel, or of each series
    rows: int | None = None  # steps of the panel, or of each series
    date: str | None = None  # the first row of the split in every series


def parse_split_size(flag: str, text: str) -> SplitSize:
    """Return the size that `0.1`, `10%`, `48` or a date means. Raise UsageError for an invalid share."""
    text = text.strip()
    if re.fullmatch(r"\d+", text) and len(text) < 8:
        return SplitSize(rows=int(text))
    number = re.fullmatch(r"(\d*\.?\d+(?:[eE][+-]?\d+)?)(%?)", text)
    if number and ("." in text or "%" in text or "e" in text.lower()):
        fraction = float(number[1]) / (100 if number[2] else 1)
        if fraction >= 1:
            raise UsageError(
                f"{flag} {text} leaves no rows to train on",
                hint=f"use a share below 1 (e.g. {flag} 0.2), a number of steps, or a date",
                flag=flag,
            )
        return SplitSize(rows=0) if fraction == 0 else SplitSize(fraction=fraction)
    if text.startswith("-") and re.fullmatch(r"-[\d.]+%?", text):
        raise UsageError(f"{flag} {text} is negative", flag=flag)
    return SplitSize(date=text)


def check_split_sizes(val: str, test: str) -> None:
    """Raise UsageError if the text of --val or --test is not a valid share."""
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
    """Return the row numbers [S] at which training and validation end, counted from the first row of each series.

    A fraction takes at least `horizon` rows, so that the split holds a window. A series too short for its splits gets a
    training end of 0 or less.

    Args:
        counts: [S] usable rows.
        val: size of the validation split.
        test: size of the test split.
        horizon: steps.
        rows_before: function of a date that returns the rows [S] before it.
        panel: times that the shares are taken of, so that one time divides all series; None gives each series its own.

    Raises:
        DataError: if the date of --val leaves no validation rows.
    """

    def begin(size: SplitSize, ends: np.ndarray) -> np.ndarray:
        """Return the rows [S] before a split of this size that ends at `ends` [S]."""
        if size.date is not None:
            return rows_before(size.date)
        if panel is None:
            return ends - _split_steps(size, counts, horizon)
        steps = int(_split_steps(size, np.array(panel.steps), horizon))
        return panel.rows_before(panel.index_before(ends) - steps)

    val_end = begin(test, counts)
    train_end = begin(val, val_end)
    if val.date is not None and np.all(train_end >= val_end):
        raise DataError(
            f"--val {val.date} is not before the test rows, so no validation rows are left",
            hint="use an earlier --val, or a later or smaller --test",
            rule="D616",
            flags=(
                "--val",
                "--test",
            ),
        )
    return np.minimum(train_end, val_end).astype(np.int64), val_end.astype(np.int64)


def _split_steps(size: SplitSize, counts: np.ndarray, horizon: int) -> np.ndarray:
    if size.rows is not None:
        return np.full_like(counts, size.rows)
    assert size.fraction is not None
    # The small addition undoes binary rounding, so that 0.1 of 30 rows is 3.
    return np.maximum(np.floor(counts * size.fraction + 1e-9).astype(np.int64), horizon)
