"""Windows gathered on the device. The data are copied there once, and a batch is a set of row indices."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from lstm_cli.data.dataset.windows import Windows, sampling_weights

MAX_IMBALANCE = 3  # ratio of window counts; above it, windows are sampled at random
SAMPLING_POWER = 0.5  # exponent of a series' window count in its sampling probability
TRANSFER_INDICES = 1_000_000  # window indices per transfer, 8 bytes each


@dataclass(frozen=True, kw_only=True)
class TensorBatch:
    """Gathered windows as tensors, with the shapes of `data.dataset.windows.Batch`."""

    past: Tensor
    future: Tensor
    mask: Tensor
    target: Tensor
    observed: Tensor  # float, 1 if the target was measured
    series: Tensor


@dataclass(frozen=True, kw_only=True)
class DeviceWindows:
    """Windows of a dataset on a device, equal to `gather_windows` of `data.dataset.windows` (a test checks this)."""

    lookback: int
    horizon: int
    targets: int
    hidden: int  # inputs that are not known ahead; they come first
    scored_at_once: int  # windows in a batch of the validation
    inputs: Tensor  # [T, F]
    measured: Tensor  # [T, C] float, 1 for targets that were measured
    origins: Tensor  # [N]
    series: Tensor  # [N]
    series_starts: Tensor  # [S] first row of each series
    last_observed: Tensor | None = None  # as in `Dataset`
    last_observed_ahead: Tensor | None = None

    @staticmethod
    def from_windows(windows: Windows, device: torch.device) -> "DeviceWindows":
        """Return the windows with their data copied to the device."""
        data = windows.dataset

        def copy(array: np.ndarray) -> Tensor:
            return torch.from_numpy(array).to(device)

        return DeviceWindows(
            lookback=windows.lookback,
            horizon=data.schema.horizon,
            targets=data.targets,
            hidden=data.past_only_inputs,
            scored_at_once=windows.batch_size,
            # Copy to memory: training reads each row many times, and the file may be replaced meanwhile.
            inputs=copy(np.array(data.inputs)),
            measured=copy(data.measured[:, : data.targets].astype(np.float32)),
            origins=copy(windows.origins),
            series=copy(windows.series),
            series_starts=copy(data.series.offset),
            last_observed=None if data.last_observed is None else copy(data.last_observed),
            last_observed_ahead=None if data.last_observed_ahead is None else copy(data.last_observed_ahead),
        )

    @property
    def device(self) -> torch.device:
        return self.inputs.device

    @cached_property
    def past_offsets(self) -> Tensor:
        """Return the rows [L] of the past of a window, counted from its origin."""
        return torch.arange(-self.lookback, 0, device=self.device)

    @cached_property
    def future_offsets(self) -> Tensor:
        """Return the rows [H] of the horizon of a window, counted from its origin."""
        return torch.arange(self.horizon, device=self.device)

    def __len__(self) -> int:
        return len(self.origins)

    def gather(self, indices: Tensor) -> TensorBatch:
        """Return the windows at these indices [B]."""
        origins, series = self.origins[indices], self.series[indices]
        begin = self.series_starts[series][:, None]
        rows = origins[:, None] + self.past_offsets
        mask = (rows >= begin).to(self.inputs.dtype)
        rows = torch.maximum(rows, begin)
        past = self.inputs[rows]
        if self.last_observed is not None:
            past[:, :, : self.hidden] = self._values_up_to(rows, self.last_observed[origins - 1], first=0)
        ahead = origins[:, None] + self.future_offsets
        future = self.inputs[ahead, self.hidden :]
        if self.last_observed_ahead is not None:
            last_known = self.last_observed_ahead[origins + (self.horizon - 1)]
            width = last_known.shape[1]
            past[:, :, self.hidden : self.hidden + width] = self._values_up_to(
                rows, last_known, first=self.hidden
            )
            future[:, :, :width] = self._values_up_to(ahead, last_known, first=self.hidden)
        return TensorBatch(
            past=past,
            future=future,
            mask=mask,
            target=self.inputs[ahead, : self.targets],
            observed=self.measured[ahead],
            series=series,
        )

    def _values_up_to(self, rows: Tensor, last_known: Tensor, *, first: int) -> Tensor:
        """Return what `columns_up_to` of `data.dataset.dataset` returns, for the inputs on the device."""
        row_indices = torch.minimum(rows[:, :, None], last_known[:, None, :])
        columns = self.inputs[:, first : first + last_known.shape[1]]
        return columns.gather(0, row_indices.flatten(0, 1)).view_as(row_indices)

    def count_measured_targets(self, indices: Tensor) -> Tensor:
        """Return the number [] of measured targets in the windows at these indices [B]."""
        return self.measured[self.origins[indices][:, None] + self.future_offsets].sum()

    def batches(self, size: int) -> Iterator[TensorBatch]:
        """Yield all windows, at most `size` at a time; the last batch holds the remainder."""
        for indices in torch.arange(len(self), device=self.device).split(size):
            yield self.gather(indices)


def prefetch_to_device(order: Iterator[Tensor], count: int, device: torch.device) -> Iterator[Tensor]:
    """Yield the next `count` batches of indices [size] on the device; a GPU gets many per transfer, without waiting.

    Args:
        order: batches of window indices on the CPU.
        count: number of batches.
        device: device that the batches are copied to.
    """
    if device.type == "cpu":
        yield from islice(order, count)
        return
    for stacked in stacked_batches(order, count):
        yield from stacked.pin_memory().to(device, non_blocking=True)


def stacked_batches(order: Iterator[Tensor], count: int) -> Iterator[Tensor]:
    """Yield the next `count` batches of indices as stacks [n, size] of about `TRANSFER_INDICES` indices."""
    while count:
        first = next(order)
        rows = min(count, max(1, TRANSFER_INDICES // len(first)))
        yield torch.stack([first, *islice(order, rows - 1)])
        count -= rows


def training_batches(windows: DeviceWindows, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield endless batches of window indices [size] for training.

    Each window comes once before any comes twice. But if some series have several times as many windows as others,
    windows are sampled at random, so that long series do not dominate short ones.

    Args:
        windows: training windows.
        size: windows in a batch.
        generator: source of random numbers.
    """
    series = windows.series.numpy(force=True)
    counts = np.unique(series, return_counts=True)[1]
    if len(counts) and counts.max() > MAX_IMBALANCE * counts.min():
        return weighted_batches(sampling_weights(series, power=SAMPLING_POWER), size, generator)
    return shuffled_batches(len(windows), size, generator)


def weighted_batches(probabilities: np.ndarray, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield endless batches of random indices [size].

    Args:
        probabilities: probability [N] of each index; the sum is 1.
        size: indices in a batch.
        generator: source of random numbers.
    """
    cumulative = torch.from_numpy(np.cumsum(probabilities))
    while True:
        draws = torch.rand(size, generator=generator, dtype=torch.float64) * cumulative[-1]
        yield torch.searchsorted(cumulative, draws, right=True).clamp(max=len(cumulative) - 1)


def shuffled_batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield endless batches of indices [size], in a new random order after each pass; no remainder is dropped.

    Args:
        count: number of indices.
        size: indices in a batch.
        generator: source of random numbers.

    Raises:
        ValueError: `count` is 0.
    """
    if count < 1:
        raise ValueError("no windows to shuffle")
    remaining = torch.empty(0, dtype=torch.long)
    while True:
        while len(remaining) < size:
            remaining = torch.cat([remaining, torch.randperm(count, generator=generator)])
        yield remaining[:size]
        remaining = remaining[size:]
