"""Labelled sequences on a device, as the examples of `fit`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.sequences.dataset import SequenceData, batches_of_similar_length
from lstm_cli.training.loop.batches import shuffled_batches

SORTED_BATCHES = 20  # batches that are sorted by length together
STEPS_AT_ONCE = 100_000  # steps of a batch of the validation, with their padding


@dataclass(frozen=True, kw_only=True)
class SequenceBatch:
    """Sequences of one step, padded at the end to the longest."""

    values: Tensor  # [B, L, F]
    lengths: Tensor  # [B]
    labels: Tensor  # [B]
    weights: Tensor  # [B] weight of each label in the loss

    @property
    def device(self) -> torch.device:
        return self.values.device

    def loss(self, model: nn.Module, kind: str, *, measured: Tensor | None = None) -> Tensor:
        """Return the mean cross-entropy [], weighted by class.

        Args:
            model: network that returns scores [B, K].
            kind: not used: there is one loss.
            measured: divisor [] of the sum; None uses the sum of the weights in this batch.
        """
        costs = nn.functional.cross_entropy(model(self.values, self.lengths), self.labels, reduction="none")
        return (costs * self.weights).sum() / (self.weights.sum() if measured is None else measured)


@dataclass(frozen=True, kw_only=True)
class DeviceSequences:
    """Sequences of a split on a device."""

    values: Tensor  # [T, F]
    offsets: Tensor  # [N] first step of each sequence
    lengths: Tensor  # [N]
    labels: Tensor  # [N]
    weights: Tensor  # [N] weight of each label in the loss

    @staticmethod
    def from_data(
        data: SequenceData, split: str, device: torch.device, *, class_weights: np.ndarray | None = None
    ) -> "DeviceSequences":
        """Return the sequences of a split with their data copied to the device.

        Args:
            data: sequences of all splits.
            split: `train`, `val` or `test`.
            device: device.
            class_weights: weight [K] of each class in the loss; None: 1.
        """
        chosen = data.indices(split)
        labels = data.labels[chosen]
        weights = np.ones(len(data.schema.classes)) if class_weights is None else class_weights

        def copy(array: np.ndarray) -> Tensor:
            return torch.from_numpy(array).to(device)

        return DeviceSequences(
            values=copy(np.array(data.values)),
            offsets=copy(data.offsets[chosen]),
            lengths=copy(data.lengths[chosen]),
            labels=copy(labels),
            weights=copy(weights[labels].astype(np.float32)),
        )

    @property
    def device(self) -> torch.device:
        return self.values.device

    @property
    def has_fixed_shape(self) -> bool:
        return False

    def __len__(self) -> int:
        return len(self.offsets)

    def select(self, indices: Tensor) -> "DeviceSequences":
        """Return the sequences at these indices [n] as a set of its own."""
        return DeviceSequences(
            values=self.values,
            offsets=self.offsets[indices],
            lengths=self.lengths[indices],
            labels=self.labels[indices],
            weights=self.weights[indices],
        )

    def gather(self, indices: Tensor) -> SequenceBatch:
        """Return the sequences at these indices [B]."""
        lengths = self.lengths[indices]
        steps = torch.arange(int(lengths.max()), device=self.device)
        rows = self.offsets[indices][:, None] + torch.minimum(steps, lengths[:, None] - 1)
        real = (steps < lengths[:, None]).to(self.values.dtype)
        return SequenceBatch(
            values=self.values[rows] * real[:, :, None],
            lengths=lengths,
            labels=self.labels[indices],
            weights=self.weights[indices],
        )

    def measured(self, indices: Tensor) -> Tensor:
        """Return the sum [] of the weights of the sequences at these indices [B]."""
        return self.weights[indices].sum()

    def order(self, size: int, generator: torch.Generator) -> Iterator[Tensor]:
        """Yield endless batches of indices [size] with similar lengths, in a random order.

        Some random batches are sorted by length together. A short sequence then gets little padding, and each sequence
        still comes once before any comes twice, but for the sequences at the end of a pass.

        Args:
            size: sequences in a batch.
            generator: source of random numbers.
        """
        lengths = self.lengths.cpu()
        together = max(1, min(SORTED_BATCHES, len(self) // size))
        for chunk in shuffled_batches(len(self), together * size, generator):
            by_length = chunk[torch.argsort(lengths[chunk], stable=True)]
            batches = by_length.split(size)
            for number in torch.randperm(together, generator=generator).tolist():
                yield batches[number]


def log_loss_validator(
    sequences: DeviceSequences, *, should_stop: Callable[[], int | None] = lambda: None
) -> Callable[[nn.Module], float]:
    """Return a function that computes the log-loss of a network over all sequences, without class weights.

    Args:
        sequences: validation sequences.
        should_stop: asked before every batch; a signal raises Interrupted.
    """

    def validate(model: nn.Module) -> float:
        scores = class_scores(model, sequences, should_stop=should_stop)
        return float(nn.functional.cross_entropy(scores, sequences.labels))

    return validate


@torch.no_grad()
def class_scores(
    model: nn.Module, sequences: DeviceSequences, *, should_stop: Callable[[], int | None] = lambda: None
) -> Tensor:
    """Return the scores [N, K] of a network for all sequences, in their order.

    Args:
        model: network in evaluation mode.
        sequences: sequences.
        should_stop: asked before every batch; a signal raises Interrupted.
    """
    results: list[Tensor] = []
    orders: list[np.ndarray] = []
    for indices in batches_of_similar_length(sequences.lengths.numpy(force=True), STEPS_AT_ONCE):
        raise_if_interrupted(should_stop)
        batch = sequences.gather(torch.from_numpy(indices).to(sequences.device))
        results.append(model(batch.values, batch.lengths))
        orders.append(indices)
    order = torch.from_numpy(np.argsort(np.concatenate(orders))).to(sequences.device)
    return torch.cat(results)[order]
