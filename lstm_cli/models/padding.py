"""Recurrence over sequences that are padded at the front.

Each row is shifted so that its real steps come first, so neither the content nor the amount of padding changes the
result. (Packed sequences do this too, but cannot be exported to ONNX.)
"""

import torch
from torch import Tensor, nn

from lstm_cli.models.attention import SelfAttention


def left_align(steps: Tensor, lengths: Tensor) -> Tensor:
    """Return steps [B, T, D] with the padding moved from the front to the end; lengths [B] count the real steps."""
    length = steps.shape[1]
    positions = torch.arange(length, device=steps.device)
    return _gather_steps(steps, (positions[None, :] + (length - lengths)[:, None]) % length)


def reverse_steps(steps: Tensor, lengths: Tensor) -> Tensor:
    """Return steps [B, T, D] with the real steps of each row in reverse order; the padding stays at the end."""
    length = steps.shape[1]
    positions = torch.arange(length, device=steps.device)
    return _gather_steps(steps, (lengths[:, None] - 1 - positions[None, :]) % length)


def step_mask(lengths: Tensor, count: int) -> Tensor:
    """Return a mask [B, count], 1 for real steps, which come first."""
    return (torch.arange(count, device=lengths.device)[None, :] < lengths[:, None]).float()


def last_step(steps: Tensor, lengths: Tensor) -> Tensor:
    """Return the last real step [B, D] of steps [B, T, D], where the real steps come first."""
    return _gather_steps(steps, (lengths - 1)[:, None])[:, 0]


def run_unpadded(
    layers: nn.ModuleList,
    dropout: nn.Module,
    steps: Tensor,
    lengths: Tensor,
    attention: SelfAttention | None = None,
) -> Tensor:
    """Return the last output [B, hidden] of stacked LSTM layers, after attention over their outputs if given.

    Args:
        layers: LSTM layers.
        dropout: applied between the layers.
        steps: [B, T, D], padded at the front.
        lengths: [B] number of real steps, at least 1.
        attention: self-attention over the outputs of the last layer.
    """
    output = left_align(steps, lengths)
    for number, layer in enumerate(layers):
        output, _ = layer(output if number == 0 else dropout(output))
    if attention is not None:
        output = attention(output, step_mask(lengths, output.shape[1]))
    return last_step(output, lengths)


def _gather_steps(steps: Tensor, indices: Tensor) -> Tensor:
    """Return the steps [B, S, D] at indices [B, S]."""
    return torch.gather(steps, 1, indices[:, :, None].expand(-1, -1, steps.shape[2]))
