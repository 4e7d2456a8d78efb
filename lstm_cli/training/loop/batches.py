"""Order of training examples: batches of indices, and their way to the device."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
from torch import Tensor

TRANSFER_INDICES = 1_000_000  # indices per transfer, 8 bytes each


def prefetch_to_device(order: Iterator[Tensor], count: int, device: torch.device) -> Iterator[Tensor]:
    """Yield the next `count` batches of indices [size] on the device; a GPU gets many per transfer, without waiting.

    Args:
        order: batches of indices on the CPU.
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
        raise ValueError("no examples to shuffle")
    remaining = torch.empty(0, dtype=torch.long)
    while True:
        while len(remaining) < size:
            remaining = torch.cat([remaining, torch.randperm(count, generator=generator)])
        yield remaining[:size]
        remaining = remaining[size:]
