"""Training examples as `fit` needs them. It knows nothing about their content."""

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor, nn


class Batch(Protocol):
    """Examples of one step."""

    @property
    def device(self) -> torch.device:
        """Return the device of the batch."""

    def loss(self, model: nn.Module, kind: str, *, measured: Tensor | None = None) -> Tensor:
        """Return the loss [] of the batch: a sum over its targets, and a divisor.

        Args:
            model: network.
            kind: name of the loss, if there are several.
            measured: divisor [] of the sum; None uses that of this batch.
        """


class Examples(Protocol):
    """Set of examples on one device; an index names one of them."""

    @property
    def device(self) -> torch.device:
        """Return the device of the examples."""

    @property
    def has_fixed_shape(self) -> bool:
        """Return whether batches of one size have one shape, so that a GPU can record a step."""

    def __len__(self) -> int: ...

    def order(self, size: int, generator: torch.Generator) -> Iterator[Tensor]:
        """Yield endless batches of indices [size] for training; they depend on the generator only."""

    def gather(self, indices: Tensor) -> Batch:
        """Return the examples at these indices [B]."""

    def measured(self, indices: Tensor) -> Tensor:
        """Return the divisor [] of the loss of the examples at these indices [B]."""
