"""Windows gathered on the device. The data are copied there once, and a batch is a set of row indices."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from lstm_cli.data.dataset.windows import Windows, sampling_weights
from lstm_cli.training.loop.batches import shuffled_batches, weighted_batches

MAX_IMBALANCE = 3  # ratio of window counts; above it, windows are sampled at random
SAMPLING_POWER = 0.5  # exponent of a series' window count in its sampling probability


@dataclass(frozen=True, kw_only=True)
class TensorBatch:
    """Gathered windows as tensors, with the shapes of `data.dataset.windows.Batch`."""

    past: Tensor
    future: Tensor
    mask: Tensor
    target: Tensor
    observed: Tensor  # float, 1 if the target was measured
    series: Tensor

    @property
    def device(self) -> torch.device:
        return self.past.device

    def loss(self, model: nn.Module, kind: str, *, measured: Tensor | None = None) -> Tensor:
        """Return the mean loss [] over the measured targets, each error divided by the model's loss scale.

        Args:
            model: network.
            kind: `mae`, `mse` or `huber`.
            measured: divisor [] of the sum; None uses the number of measured targets in this batch.
        """
        forecast = model(self.past, self.future, self.mask)
        error = (forecast - self.target) / model.loss_scale(self.past, self.mask)  # type: ignore[operator]
        if kind == "mae":
            cost = error.abs()
        elif kind == "mse":
            cost = error.square()
        else:
            cost = nn.functional.huber_loss(error, torch.zeros_like(error), reduction="none")
        measured = self.observed.sum().clamp(min=1) if measured is None else measured
        return (cost * self.observed).sum() / measured


@dataclass(frozen=True, kw_only=True)
class DeviceWindows:
    """Windows of a dataset on a device, equal to `gather_windows` of `data.dataset.windows` (a test checks this)."""

    lookback: int
    horizon: int
    targets: int
    hidden: int  # inputs that are not known ahead; they come first
    scored_at_once: int  # windows in a batch of the validation
    inputs: Tensor  # [T, F]
    observed: Tensor  # [T, C] float, 1 for targets that were measured
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
            observed=copy(data.measured[:, : data.targets].astype(np.float32)),
            origins=copy(windows.origins),
            series=copy(windows.series),
            series_starts=copy(data.series.offset),
            last_observed=None if data.last_observed is None else copy(data.last_observed),
            last_observed_ahead=None if data.last_observed_ahead is None else copy(data.last_observed_ahead),
        )

    @property
    def device(self) -> torch.device:
        return self.inputs.device

    @property
    def has_fixed_shape(self) -> bool:
        return True

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
            observed=self.observed[ahead],
            series=series,
        )

    def _values_up_to(self, rows: Tensor, last_known: Tensor, *, first: int) -> Tensor:
        """Return what `columns_up_to` of `data.dataset.dataset` returns, for the inputs on the device."""
        row_indices = torch.minimum(rows[:, :, None], last_known[:, None, :])
        columns = self.inputs[:, first : first + last_known.shape[1]]
        return columns.gather(0, row_indices.flatten(0, 1)).view_as(row_indices)

    def measured(self, indices: Tensor) -> Tensor:
        """Return the number [] of measured targets in the windows at these indices [B]."""
        return self.observed[self.origins[indices][:, None] + self.future_offsets].sum()

    def batches(self, size: int) -> Iterator[TensorBatch]:
        """Yield all windows, at most `size` at a time; the last batch holds the remainder."""
        for indices in torch.arange(len(self), device=self.device).split(size):
            yield self.gather(indices)

    def order(self, size: int, generator: torch.Generator) -> Iterator[Tensor]:
        """Yield endless batches of window indices [size] for training.

        Each window comes once before any comes twice. But if some series have several times as many windows as others,
        windows are sampled at random, so that long series do not dominate short ones.

        Args:
            size: windows in a batch.
            generator: source of random numbers.
        """
        series = self.series.numpy(force=True)
        counts = np.unique(series, return_counts=True)[1]
        if len(counts) and counts.max() > MAX_IMBALANCE * counts.min():
            return weighted_batches(sampling_weights(series, power=SAMPLING_POWER), size, generator)
        return shuffled_batches(len(self), size, generator)
