"""Windows: what a model sees (lookback L) and what it must say (horizon H), derived and never stored.

A window is one number, the row of its first target. Its inputs are the L rows before, its targets the H rows
from there on. A window belongs to the split that holds all its targets; its inputs may reach back into the
split before. Of the validation and test rows only those origins count that `predict` would forecast from
(`RowsMeasured.serve`). Training windows may begin at any row: a missing value is no reason to learn from fewer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lstm_cli.data.dataset.dataset import Dataset, Schema, SeriesTable, UsableRows, columns_up_to
from lstm_cli.errors import DataError
from lstm_cli.findings import in_file

# No lookback that is left to the tool, and no regression on it, is longer: two weeks of 10 minutes. The time of a
# regression grows with the cube of it (2 s here, half an hour at two weeks of minutes), its memory with the square.
FREE_LOOKBACK_FACTOR = 1.5  # lookback of the free network over that of the anchored one
MAX_LOOKBACK = 2_016
MAX_SEGMENTS = 28  # that a network reads a lookback in, unless its season is a segment
BATCH = 512  # windows scored at a time; int8 results depend on it, since activations are scaled by batch
MAX_SCORED_ROWS = 4_096  # windows x targets scored at a time: each is a row of a network
MAX_GATHERED_CELLS = 1 << 24  # windows x lookback x inputs gathered at a time
SPLITS = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Gathered windows; everything scaled."""

    past: np.ndarray  # [B, L, F] float32; the targets are the first C inputs
    future: np.ndarray  # [B, H, K] float32
    mask: np.ndarray  # [B, L] float32: 1 for rows of the series, 0 for padding at the front
    target: np.ndarray  # [B, H, C] float32
    observed: np.ndarray  # [B, H, C] bool: which targets were measured
    series: np.ndarray  # [B] int64


@dataclass(frozen=True, kw_only=True)
class Windows:
    """An indexable set of windows over a dataset."""

    dataset: Dataset
    lookback: int
    origins: np.ndarray  # [N] int64: the row of each window's first target
    series: np.ndarray  # [N] int64

    def __len__(self) -> int:
        return len(self.origins)

    def __getitem__(self, index: int | slice | np.ndarray) -> Batch:
        """The windows at these places, gathered."""
        chosen = np.atleast_1d(np.arange(len(self))[index])
        return gather_windows(self.dataset, self.origins[chosen], self.series[chosen], self.lookback)

    @property
    def batch_size(self) -> int:
        """How many windows are scored at a time: `BATCH`, fewer of many targets or long lookbacks."""
        each = self.lookback * self.dataset.inputs.shape[1]
        return max(1, min(BATCH, MAX_SCORED_ROWS // self.dataset.targets, MAX_GATHERED_CELLS // max(each, 1)))

    def batches(self, size: int) -> Iterator[Batch]:
        """All windows in order, at most `size` at a time; the last batch holds the remainder."""
        for first in range(0, len(self), size):
            yield self[first : first + size]

    def select(self, chosen: np.ndarray) -> "Windows":
        """Some of the windows, by place or mask [N]."""
        return replace(self, origins=self.origins[chosen], series=self.series[chosen])

    def sample(self, max_windows: int) -> "Windows":
        """At most so many of the windows: spread over the series as `spread` says, and evenly over their time.

        Of each series the newest one is taken, and from two on also the oldest. With more series than `most`,
        one of every so many series is asked.
        """
        if len(self) <= max_windows:
            return self
        order = np.argsort(self.series, kind="stable")
        _, first, counts = np.unique(self.series[order], return_index=True, return_counts=True)
        if len(counts) > max_windows:
            asked = np.linspace(0, len(counts) - 1, max_windows).round().astype(np.int64)
            first, counts = first[asked], counts[asked]
        taken = allocate_windows(counts, max_windows)
        which = np.repeat(np.arange(len(counts)), taken)
        number = np.arange(taken.sum()) - np.repeat(np.cumsum(taken) - taken, taken)
        back = (taken[which] - 1 - number) * (counts[which] - 1) / np.maximum(taken[which] - 1, 1)
        chosen = order[(first + counts - 1)[which] - back.round().astype(np.int64)]
        return self.select(chosen)

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """All windows as (X [N, L, F], y [N, H, C]), scaled, for a notebook.

        Views of the data where the windows lie in one series, nothing is padded and no cell was interpolated;
        else copies. Raises DataError where there are no windows.
        """
        if not len(self):
            raise DataError("there are no windows in this split", rule="D621")
        data, horizon = self.dataset, self.dataset.schema.horizon
        first, last = int(self.origins[0]), int(self.origins[-1])
        begin = first - self.lookback
        one = len(np.unique(self.series)) == 1 and last - first + 1 == len(self)
        whole = data.last_observed is None and data.last_observed_ahead is None
        if one and whole and begin >= data.series.offset[self.series[0]]:
            past = sliding_window_view(data.inputs[begin:last], self.lookback, axis=0)
            target = sliding_window_view(data.inputs[first : last + horizon, : data.targets], horizon, axis=0)
            return np.swapaxes(past, 1, 2), np.swapaxes(target, 1, 2)
        batch = self[:]
        return batch.past, batch.target


def sampling_weights(series: np.ndarray, *, power: float) -> np.ndarray:
    """How likely each window [N] is to be drawn, so that long series do not drown short ones; sums to 1.

    series: [N] of each window. A series of n windows is drawn in proportion to n^power: 1 draws every window
    alike, 0 every series alike. Between them a long series counts for more, yet for less than its length, as
    multilingual models sample their languages (Conneau and Lample 2019, "Cross-lingual language model
    pretraining", at 0.5). Raises ValueError for a power outside of 0 to 1.
    """
    if not 0 <= power <= 1:
        raise ValueError(f"power {power} is not within 0 and 1")
    _, place, counts = np.unique(series, return_inverse=True, return_counts=True)
    weight = counts.astype(np.float64) ** (power - 1)
    return weight[place] / max(float((weight * counts).sum()), np.finfo(np.float64).tiny)


def allocate_windows(counts: np.ndarray, total: int) -> np.ndarray:
    """How many windows of each series [S] to take, `most` in all: in proportion to the root of their number.

    counts: [S], each 1 or more, S <= most < their sum. Each series gives one at least, and none more than it has.
    Shares are rounded down, at the largest factor of the roots that fits (the divisor method of Jefferson).
    """
    low, high = 0.0, float(total)
    for _ in range(60):  # the factor of the root, by bisection
        factor = (low + high) / 2
        wanted = np.clip(factor * np.sqrt(counts), 1, counts)
        low, high = (factor, high) if np.floor(wanted).sum() <= total else (low, factor)
    wanted = np.clip(low * np.sqrt(counts), 1, counts)
    taken = np.floor(wanted).astype(np.int64)
    rest = total - int(taken.sum())  # of ties: the largest fractions get one more
    room = np.where(taken < counts, wanted - taken, -1.0)
    taken[np.argsort(-room, kind="stable")[:rest]] += 1
    return taken


def gather_windows(dataset: Dataset, origins: np.ndarray, series: np.ndarray, lookback: int) -> Batch:
    """The windows whose first targets are at rows `origins` [B] of series [B].

    A window without enough history is padded at the front with its first row, and masked. No input was
    measured after the row before the origin, and no known-ahead covariate after the last step of the horizon:
    see `Dataset.reach` and `Dataset.reach_ahead`. Rows beyond the end of the data (a forecast's own) come back
    as the last row, not observed.
    """
    schema, table, inputs, hidden = dataset.schema, dataset.series, dataset.inputs, dataset.past_only_inputs
    rows = origins[:, None] + np.arange(-lookback, 0)
    begin = table.offset[series][:, None]
    mask = rows >= begin
    rows = np.maximum(rows, begin)
    past = inputs[rows]
    if dataset.last_observed is not None:
        past[:, :, :hidden] = columns_up_to(inputs, rows, dataset.last_observed[origins - 1], first=0)
    ahead = origins[:, None] + np.arange(schema.horizon)
    end = (table.offset + table.count + table.ahead)[series][:, None]
    inside = ahead < end
    ahead = np.minimum(ahead, end - 1)
    future = inputs[ahead, hidden:]
    if dataset.last_observed_ahead is not None:
        last_known = dataset.last_observed_ahead[ahead[:, -1]]  # [B, future]
        width = last_known.shape[1]
        past[:, :, hidden : hidden + width] = columns_up_to(inputs, rows, last_known, first=hidden)
        future[:, :, :width] = columns_up_to(inputs, ahead, last_known, first=hidden)
    return Batch(
        past=past,
        future=future,
        mask=mask.astype(np.float32),
        target=inputs[ahead, : dataset.targets],
        observed=dataset.measured[ahead, : dataset.targets] & inside[:, :, None],
        series=series,
    )


def split_windows(dataset: Dataset, split: str, lookback: int | None = None) -> Windows:
    """The windows of a split: `train`, `val` or `test`, in order of series, then time.

    lookback: the steps that a window looks back; None: the schema's. A window has at least `history_needed`
    rows before its origin. Windows of `val` and `test` begin where `predict` would.
    """
    schema, table = dataset.schema, dataset.series
    lookback = schema.lookback if lookback is None else lookback
    series, origins = _origins(schema, table, split, lookback)
    windows = Windows(dataset=dataset, lookback=lookback, origins=origins, series=series)
    if split == "train" or bool(dataset.measured.all()):
        return windows
    return windows.select(dataset.usable_rows.are_origins(origins, schema.horizon))


def count_windows(schema: Schema, table: SeriesTable, split: str, measured: UsableRows | None = None) -> int:
    """Return how many windows `split_windows` gives. measured: of the rows of all series; None: every cell is."""
    if split == "train" or measured is None:
        return int(_first_and_count(schema, table, split, schema.lookback)[1].sum())
    origins = _origins(schema, table, split, schema.lookback)[1]
    return int(measured.are_origins(origins, schema.horizon).sum())


def _origins(schema: Schema, table: SeriesTable, split: str, lookback: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the series [N] and the first target's row [N] of every window whose targets lie in a split."""
    begin, counts = _first_and_count(schema, table, split, lookback)
    series = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return series, (table.offset + begin)[series] + within


def _first_and_count(
    schema: Schema, table: SeriesTable, split: str, lookback: int
) -> tuple[np.ndarray, np.ndarray]:
    """The first origin of each series [S], counted in its rows, and its number of windows [S]."""
    begin, end = {
        "train": (np.zeros_like(table.count), table.train_end),
        "val": (table.train_end, table.val_end),
        "test": (table.val_end, table.count),
    }[split]
    begin = np.maximum(begin, required_history(schema, table, lookback))
    return begin, np.maximum(end - schema.horizon + 1 - begin, 0)


def required_history(schema: Schema, table: SeriesTable, lookback: int) -> np.ndarray:
    """Rows [S] that a window of each series needs before its origin.

    All of the lookback where a series has training windows so. Where it was left to the tool, or `--pad` given,
    a series too short for that is padded: its windows need two seasons, or half of its training rows.
    """
    if schema.lookback_fixed and not schema.pad:
        return np.full_like(table.count, min(lookback, schema.lookback))
    full = np.full_like(table.count, lookback)
    least = np.minimum(2 * schema.season, (table.train_end - schema.horizon) // 2)
    return np.where(table.train_end >= lookback + schema.horizon, full, np.clip(least, 1, lookback))


def require_windows(
    schema: Schema,
    series: SeriesTable,
    source: str,
    *,
    test_wanted: bool,
    measured: UsableRows | None = None,
) -> dict[str, int]:
    """Return how many windows each split has. Raises DataError where one that is wanted has none.

    measured: of the rows of all series; None: every cell was measured.
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
        need = (
            f"a window needs {schema.lookback} + {schema.horizon} (lookback and horizon)"
            if split == "train" and schema.lookback_fixed and not schema.pad
            else f"a window needs {schema.horizon} of them for its targets"
        )
        raise DataError(
            f"no {name} window fits into {int(rows[split].max())} {name} rows: {need}",
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
    """Return the error for a split of which missing values spoil each of its `possible` windows."""
    ahead = ", ".join(f"'{column}'" for column in schema.future)
    lacks = "no measured target right before it" + (
        f", or a missing {ahead} within the horizon" if ahead else ""
    )
    return DataError(
        f"none of {possible:,} {name} windows can be forecast: each has {lacks}",
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
