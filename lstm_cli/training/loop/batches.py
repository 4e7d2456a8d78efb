"""Windows gathered on the device: the data lie there once, a batch is a choice of row numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from lstm_cli.data.dataset.windows import Windows, sampling_weights

UNEQUAL = 3  # times the windows of the shortest series: from there on windows are drawn
POWER = 0.5  # of a series' number of windows, in its chance to be drawn
SENT_AT_ONCE = 1_000_000  # places of windows, of 8 bytes


@dataclass(frozen=True, kw_only=True)
class TensorBatch:
    """Gathered windows as tensors; shapes as in `data.windows.Batch`."""

    past: Tensor
    future: Tensor
    mask: Tensor
    target: Tensor
    observed: Tensor  # float: 1 where the target was measured
    series: Tensor


class DeviceWindows:
    """Windows of a dataset on a device: the arithmetic of `data.windows.gather`; a test holds them equal."""

    def __init__(self, windows: Windows, device: torch.device) -> None:
        data = windows.dataset
        self.windows = windows
        self.device, self.lookback = device, windows.lookback
        self.horizon, self.targets = data.schema.horizon, data.targets
        self.hidden = data.past_only_inputs
        # A copy in memory: training reads every row many times, and the file may be replaced meanwhile.
        self.inputs = torch.from_numpy(np.array(data.inputs)).to(device)
        self.measured = torch.from_numpy(data.measured[:, : data.targets].astype(np.float32)).to(device)
        self.reach = None if data.last_observed is None else torch.from_numpy(data.last_observed).to(device)
        self.reach_ahead = (
            None
            if data.last_observed_ahead is None
            else torch.from_numpy(data.last_observed_ahead).to(device)
        )
        self.origins = torch.from_numpy(windows.origins).to(device)
        self.series = torch.from_numpy(windows.series).to(device)
        self.begins = torch.from_numpy(data.series.offset).to(device)
        self.back = torch.arange(-windows.lookback, 0, device=device)
        self.ahead = torch.arange(self.horizon, device=device)

    def __len__(self) -> int:
        return len(self.origins)

    def gather(self, chosen: Tensor) -> TensorBatch:
        """The windows at these places [B]."""
        origins, series = self.origins[chosen], self.series[chosen]
        begin = self.begins[series][:, None]
        rows = origins[:, None] + self.back
        mask = (rows >= begin).to(self.inputs.dtype)
        rows = torch.maximum(rows, begin)
        past = self.inputs[rows]
        if self.reach is not None:
            past[:, :, : self.hidden] = self._up_to(rows, self.reach[origins - 1], first=0)
        ahead = origins[:, None] + self.ahead
        future = self.inputs[ahead, self.hidden :]
        if self.reach_ahead is not None:
            last_known = self.reach_ahead[origins + (self.horizon - 1)]
            width = last_known.shape[1]
            past[:, :, self.hidden : self.hidden + width] = self._up_to(rows, last_known, first=self.hidden)
            future[:, :, :width] = self._up_to(ahead, last_known, first=self.hidden)
        return TensorBatch(
            past=past,
            future=future,
            mask=mask,
            target=self.inputs[ahead, : self.targets],
            observed=self.measured[ahead],
            series=series,
        )

    def _up_to(self, rows: Tensor, last_known: Tensor, *, first: int) -> Tensor:
        """Return what `data.dataset.up_to` returns, of the inputs on the device."""
        seen = torch.minimum(rows[:, :, None], last_known[:, None, :])
        columns = self.inputs[:, first : first + last_known.shape[1]]
        return columns.gather(0, seen.flatten(0, 1)).view_as(seen)

    def measured_targets(self, chosen: Tensor) -> Tensor:
        """How many targets [] of the windows at these places [B] were measured."""
        return self.measured[self.origins[chosen][:, None] + self.ahead].sum()

    def batches(self, size: int) -> Iterator[TensorBatch]:
        """All windows, at most `size` at a time; the last batch holds the remainder."""
        for chosen in torch.arange(len(self), device=self.device).split(size):
            yield self.gather(chosen)


def prefetch_to_device(order: Iterator[Tensor], count: int, device: torch.device) -> Iterator[Tensor]:
    """The next `count` batches of places [size], on the device; to a GPU many go at a time and nothing waits."""
    if device.type == "cpu":
        yield from islice(order, count)
        return
    for together in stacked_batches(order, count):
        yield from together.pin_memory().to(device, non_blocking=True)


def stacked_batches(order: Iterator[Tensor], count: int) -> Iterator[Tensor]:
    """The next `count` batches of places [size], many at a time: [n, size], about `SENT_AT_ONCE` places."""
    while count:
        first = next(order)
        more = min(count, max(1, SENT_AT_ONCE // len(first)))
        yield torch.stack([first, *islice(order, more - 1)])
        count -= more


def training_batches(windows: DeviceWindows, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Endless batches of places [size] for training.

    Every window once before any twice; but where some series have several times as many windows as others, they
    are drawn by chance, so that long series do not drown short ones.
    """
    series = windows.windows.series
    counts = np.unique(series, return_counts=True)[1]
    if len(counts) and counts.max() > UNEQUAL * counts.min():
        return weighted_batches(sampling_weights(series, power=POWER), size, generator)
    return shuffled_batches(len(windows), size, generator)


def weighted_batches(chances: np.ndarray, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Endless batches of places [size], each drawn with these chances [N], which sum to 1."""
    reached = torch.from_numpy(np.cumsum(chances))
    while True:
        found = torch.rand(size, generator=generator, dtype=torch.float64) * reached[-1]
        yield torch.searchsorted(reached, found, right=True).clamp(max=len(reached) - 1)


def shuffled_batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Endless batches of places [size]: a new order each time all were seen, no remainder left out.

    Raises ValueError where there is nothing to choose from.
    """
    if count < 1:
        raise ValueError("there are no windows to shuffle")
    rest = torch.empty(0, dtype=torch.long)
    while True:
        while len(rest) < size:
            rest = torch.cat([rest, torch.randperm(count, generator=generator)])
        yield rest[:size]
        rest = rest[size:]
