"""Windows gathered on the device: the data lie there once, a batch is a choice of row numbers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lstm_cli.data.windows import Windows


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
        self.device, self.lookback = device, windows.lookback
        self.horizon, self.targets = data.schema.horizon, data.targets
        self.known = data.inputs.shape[1] - data.schema.known_ahead
        # A copy in memory: training reads every row many times, and the file may be replaced meanwhile.
        self.inputs = torch.from_numpy(np.array(data.inputs)).to(device)
        self.measured = torch.from_numpy(data.measured[:, : data.targets].astype(np.float32)).to(device)
        self.reach = None if data.reach is None else torch.from_numpy(data.reach).to(device)
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
            hidden = self.reach.shape[1]
            seen = torch.minimum(rows[:, :, None], self.reach[origins - 1][:, None, :])
            past[:, :, :hidden] = self.inputs[:, :hidden].gather(0, seen.flatten(0, 1)).view_as(seen)
        ahead = origins[:, None] + self.ahead
        return TensorBatch(
            past=past,
            future=self.inputs[ahead, self.known :],
            mask=mask,
            target=self.inputs[ahead, : self.targets],
            observed=self.measured[ahead],
            series=series,
        )

    def in_order(self, size: int) -> Iterator[TensorBatch]:
        """All windows, at most `size` at a time; the last batch holds the remainder."""
        for chosen in torch.arange(len(self), device=self.device).split(size):
            yield self.gather(chosen)


def shuffled(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
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
