"""Windows: the lookback L that a model sees and the horizon H that it forecasts, derived and never stored.

A window is one number, the row of its first target. Its inputs are the L rows before that row. Its targets are the H
rows from that row on. A window belongs to the split that holds all its targets. Its inputs may reach back into the
previous split. In the validation and test rows, only origins that `predict` would forecast from count
(`UsableRows.are_origins`). Training windows may begin at any row, because missing values must not cost training data.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lstm_cli.data.dataset.dataset import Dataset, Schema, SeriesTable, UsableRows, columns_up_to
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import in_file
from lstm_cli.wording import did_you_mean

FREE_LOOKBACK_FACTOR = 1.5  # lookback of the free network divided by that of the anchored network
# Limit of an automatic lookback, and of the regression on it: two weeks of 10 minutes. The time of a regression grows
# with the cube of the lookback (2 s here, half an hour at two weeks of minutes), its memory with the square.
MAX_LOOKBACK = 2_016
MAX_SEGMENTS = 28  # segments of a lookback that a network reads, unless its season is a segment
BATCH = 512  # windows scored at a time; int8 results depend on it, because activations are scaled by batch
MAX_SCORED_ROWS = 4_096  # windows x targets scored at a time: each is a row of a network
MAX_GATHERED_CELLS = 1 << 24  # windows x lookback x inputs gathered at a time
SPLITS = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Gathered windows. All values are scaled."""

    past: np.ndarray  # [B, L, F] float32; the targets are the first C inputs
    future: np.ndarray  # [B, H, K] float32
    mask: np.ndarray  # [B, L] float32: 1 for rows of the series, 0 for padding at the front
    target: np.ndarray  # [B, H, C] float32
    observed: np.ndarray  # [B, H, C] bool: targets that were measured
    series: np.ndarray  # [B] int64


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Indexable set of windows over a dataset."""

    dataset: Dataset
    lookback: int
    origins: np.ndarray  # [N] int64: the row of each window's first target
    series: np.ndarray  # [N] int64

    def __len__(self) -> int:
        return len(self.origins)

    def __getitem__(self, index: int | slice | np.ndarray) -> Batch:
        """Return the windows at `index`, gathered."""
        chosen = np.atleast_1d(np.arange(len(self))[index])
        return gather_windows(self.dataset, self.origins[chosen], self.series[chosen], self.lookback)

    @property
    def batch_size(self) -> int:
        """Return the number of windows to score at a time: `BATCH`, or fewer for many targets or long lookbacks."""
        return batch_size(self.dataset.schema, self.lookback)

    def batches(self, size: int) -> Iterator[Batch]:
        """Yield all windows in order, at most `size` at a time."""
        for first in range(0, len(self), size):
            yield self[first : first + size]

    def select(self, chosen: np.ndarray) -> "Windows":
        """Return the windows that `chosen` selects, by index or mask [N]."""
        return replace(self, origins=self.origins[chosen], series=self.series[chosen])

    def sample(self, max_windows: int) -> "Windows":
        """Return at most `max_windows` windows, spread over the series by `allocate_windows` and evenly over time.

        Each series gives its newest window, and from two windows on also its oldest. With more series than
        `max_windows`, evenly spaced series are used.
        """
        if len(self) <= max_windows:
            return self
        order = np.argsort(self.series, kind="stable")
        _, first, counts = np.unique(self.series[order], return_index=True, return_counts=True)
        if len(counts) > max_windows:
            series_used = np.linspace(0, len(counts) - 1, max_windows).round().astype(np.int64)
            first, counts = first[series_used], counts[series_used]
        taken_counts = allocate_windows(counts, max_windows)
        series_index = np.repeat(np.arange(len(counts)), taken_counts)
        rank = np.arange(taken_counts.sum()) - np.repeat(np.cumsum(taken_counts) - taken_counts, taken_counts)
        steps_back = (
            (taken_counts[series_index] - 1 - rank)
            * (counts[series_index] - 1)
            / np.maximum(taken_counts[series_index] - 1, 1)
        )
        chosen = order[(first + counts - 1)[series_index] - steps_back.round().astype(np.int64)]
        return self.select(chosen)

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return all windows as scaled arrays (X [N, L, F], y [N, H, C]) for a notebook.

        The arrays are views if the windows lie in one series, nothing is padded and no cell was interpolated.
        Otherwise they are copies.

        Raises:
            DataError: if there are no windows.
        """
        if not len(self):
            raise DataError("this split has no windows", rule="D621")
        data, horizon = self.dataset, self.dataset.schema.horizon
        first, last = int(self.origins[0]), int(self.origins[-1])
        begin = first - self.lookback
        contiguous = len(np.unique(self.series)) == 1 and last - first + 1 == len(self)
        no_interpolation = data.last_observed is None and data.last_observed_ahead is None
        if contiguous and no_interpolation and begin >= data.series.offset[self.series[0]]:
            past = sliding_window_view(data.inputs[begin:last], self.lookback, axis=0)
            target = sliding_window_view(data.inputs[first : last + horizon, : data.targets], horizon, axis=0)
            return np.swapaxes(past, 1, 2), np.swapaxes(target, 1, 2)
        batch = self[:]
        return batch.past, batch.target


def batch_size(schema: Schema, lookback: int) -> int:
    """Return the number of windows to score at a time, without the data: see `Windows.batch_size`."""
    cells_per_window = lookback * len(schema.inputs)
    return max(
        1, min(BATCH, MAX_SCORED_ROWS // len(schema.targets), MAX_GATHERED_CELLS // max(cells_per_window, 1))
    )


def sampling_weights(series: np.ndarray, *, power: float) -> np.ndarray:
    """Return the probability [N] of drawing each window, so that long series do not dominate; the sum is 1.

    A series of n windows is drawn in proportion to n^power: 1 weights all windows equally, 0 all series equally. Powers
    in between give a long series more weight than a short one, but less than its length. Multilingual models sample
    their languages the same way (Conneau and Lample 2019, "Cross-lingual language model pretraining", at 0.5).

    Raises:
        ValueError: if `power` is not within 0 and 1.
    """
    if not 0 <= power <= 1:
        raise ValueError(f"the power of the sampling weights is {power}, but must be from 0 to 1")
    _, index, counts = np.unique(series, return_inverse=True, return_counts=True)
    weight = counts.astype(np.float64) ** (power - 1)
    return weight[index] / max(float((weight * counts).sum()), np.finfo(np.float64).tiny)


def allocate_windows(counts: np.ndarray, total: int) -> np.ndarray:
    """Return the number of windows [S] to take from each series, `total` in sum, in proportion to the root of `counts`.

    counts: [S], each at least 1, with S <= total < sum(counts). Each series gives at least one window and at most
    `counts`. Shares are rounded down, at the largest factor of the roots that fits (the divisor method of Jefferson).
    """
    low, high = 0.0, float(total)
    for _ in range(60):  # the factor of the root, by bisection
        factor = (low + high) / 2
        share = np.clip(factor * np.sqrt(counts), 1, counts)
        low, high = (factor, high) if np.floor(share).sum() <= total else (low, factor)
    share = np.clip(low * np.sqrt(counts), 1, counts)
    windows = np.floor(share).astype(np.int64)
    remaining = total - int(windows.sum())  # the largest fractions get one more
    fraction = np.where(windows < counts, share - windows, -1.0)
    windows[np.argsort(-fraction, kind="stable")[:remaining]] += 1
    return windows


def gather_windows(dataset: Dataset, origins: np.ndarray, series: np.ndarray, lookback: int) -> Batch:
    """Return the windows whose first targets are at rows `origins` of the given series.

    A window without enough history is padded at the front with its first row, and masked. No input was measured after
    the row before the origin, and no known-ahead covariate after the last step of the horizon (`Dataset.last_observed`,
    `Dataset.last_observed_ahead`). Rows beyond the end of the data, as in a forecast, repeat the last row and count as
    not observed.

    Args:
        dataset: dataset of the windows.
        origins: [B] row of each first target.
        series: [B] series of each window.
        lookback: steps.
    """
    schema, table, inputs, past_only = (
        dataset.schema,
        dataset.series,
        dataset.inputs,
        dataset.past_only_inputs,
    )
    rows = origins[:, None] + np.arange(-lookback, 0)
    begin = table.offset[series][:, None]
    mask = rows >= begin
    rows = np.maximum(rows, begin)
    past = inputs[rows]
    if dataset.last_observed is not None:
        past[:, :, :past_only] = columns_up_to(inputs, rows, dataset.last_observed[origins - 1], first=0)
    ahead = origins[:, None] + np.arange(schema.horizon)
    end = (table.offset + table.count + table.ahead)[series][:, None]
    inside = ahead < end
    ahead = np.minimum(ahead, end - 1)
    future = inputs[ahead, past_only:]
    if dataset.last_observed_ahead is not None:
        last_known = dataset.last_observed_ahead[ahead[:, -1]]  # [B, future]
        width = last_known.shape[1]
        past[:, :, past_only : past_only + width] = columns_up_to(inputs, rows, last_known, first=past_only)
        future[:, :, :width] = columns_up_to(inputs, ahead, last_known, first=past_only)
    return Batch(
        past=past,
        future=future,
        mask=mask.astype(np.float32),
        target=inputs[ahead, : dataset.targets],
        observed=dataset.measured[ahead, : dataset.targets] & inside[:, :, None],
        series=series,
    )


def split_windows(dataset: Dataset, split: str, lookback: int | None = None) -> Windows:
    """Return the windows of a split, in order of series, then time.

    A window has at least `required_history` rows before its origin. Windows of `val` and `test` begin where `predict`
    would begin.

    Args:
        dataset: dataset of the windows.
        split: `train`, `val` or `test`.
        lookback: steps; None takes the lookback of the schema.
    """
    schema, table = dataset.schema, dataset.series
    lookback = schema.lookback if lookback is None else lookback
    series, origins = _origins(schema, table, split, lookback)
    windows = Windows(dataset=dataset, lookback=lookback, origins=origins, series=series)
    if split == "train" or bool(dataset.measured.all()):
        return windows
    return windows.select(dataset.usable_rows.are_origins(origins, schema.horizon))


def require_split(split: str) -> None:
    """Raise UsageError unless a split is train, val or test."""
    if split not in SPLITS:
        raise UsageError(
            f"the split {split!r} is unknown: use one of {', '.join(SPLITS)}",
            hint=did_you_mean(str(split), SPLITS) or "test has the newest rows, and train the oldest ones",
        )


def count_windows(schema: Schema, table: SeriesTable, split: str, measured: UsableRows | None = None) -> int:
    """Return the number of windows that `split_windows` gives.

    Args:
        schema: columns and sizes of the windows.
        table: series and their splits.
        split: `train`, `val` or `test`.
        measured: usable rows of all series; None if each cell was measured.
    """
    if split == "train" or measured is None:
        return int(_first_and_count(schema, table, split, schema.lookback)[1].sum())
    origins = _origins(schema, table, split, schema.lookback)[1]
    return int(measured.are_origins(origins, schema.horizon).sum())


def _origins(schema: Schema, table: SeriesTable, split: str, lookback: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the series [N] and the row of the first target [N] of each window of a split."""
    begin, counts = _first_and_count(schema, table, split, lookback)
    series = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return series, (table.offset + begin)[series] + within


def _first_and_count(
    schema: Schema, table: SeriesTable, split: str, lookback: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first origin [S] of each series, counted from its first row, and its number of windows [S]."""
    begin, end = {
        "train": (np.zeros_like(table.count), table.train_end),
        "val": (table.train_end, table.val_end),
        "test": (table.val_end, table.count),
    }[split]
    begin = np.maximum(begin, required_history(schema, table, lookback))
    return begin, np.maximum(end - schema.horizon + 1 - begin, 0)


def required_history(schema: Schema, table: SeriesTable, lookback: int) -> np.ndarray:
    """Return the number of rows [S] that a window of each series needs before its origin.

    A window needs the whole lookback if the series then has training windows. A series too short for that is padded if
    the lookback is automatic or `--pad` is given. Its windows need two seasons, or half of its training rows.

    Args:
        schema: columns and sizes of the windows.
        table: series and their splits.
        lookback: steps.
    """
    if schema.lookback_fixed and not schema.pad:
        return np.full_like(table.count, min(lookback, schema.lookback))
    full_lookback = np.full_like(table.count, lookback)
    min_rows = np.minimum(2 * schema.season, (table.train_end - schema.horizon) // 2)
    return np.where(
        table.train_end >= lookback + schema.horizon, full_lookback, np.clip(min_rows, 1, lookback)
    )


def require_windows(
    schema: Schema,
    series: SeriesTable,
    source: str,
    *,
    test_wanted: bool,
    measured: UsableRows | None = None,
) -> dict[str, int]:
    """Return the number of windows of each split.

    Args:
        schema: columns and sizes of the windows.
        series: series and their splits.
        source: name of the data in messages.
        test_wanted: the test split must have windows.
        measured: usable rows of all series; None if each cell was measured.

    Raises:
        DataError: if a required split has no windows.
    """
    windows = {split: count_windows(schema, series, split, measured) for split in SPLITS}
    rows = {
        "train": series.train_end,
        "val": series.val_end - series.train_end,
        "test": series.count - series.val_end,
    }
    for split, name in SPLITS.items():
        if windows[split] or (split == "test" and not test_wanted):
            continue
        possible = count_windows(schema, series, split)
        if possible:
            raise _all_missing_error(schema, source, name, possible)
        requirement = (
            f"a window needs {schema.lookback} + {schema.horizon} rows (lookback and horizon)"
            if split == "train" and schema.lookback_fixed and not schema.pad
            else f"the targets of a window need {schema.horizon} rows"
        )
        raise DataError(
            f"the data are too short: no {name} window fits into {int(rows[split].max())} {name} rows ({requirement})",
            hint="shorten --horizon or --lookback, or change --val and --test",
            rule="D621",
            at=in_file(source),
            flags=(
                "--horizon",
                "--lookback",
                "--val",
                "--test",
            ),
        )
    return windows


def _all_missing_error(schema: Schema, source: str, name: str, possible: int) -> DataError:
    """Return the error for a split in which missing values make each of its `possible` windows unusable."""
    ahead = ", ".join(f"'{column}'" for column in schema.future_columns)
    missing = "the target right before the window is missing" + (
        f", or {ahead} is missing within the horizon" if ahead else ""
    )
    return DataError(
        f"none of the {possible:,} {name} windows can be forecast: in each, {missing}",
        hint="fill the missing values in the file"
        + (", name the covariate with --past," if ahead else "")
        + " or change --val and --test",
        rule="D622",
        at=in_file(source),
        flags=(
            "--past",
            "--val",
            "--test",
        ),
    )
