"""Recurrence over sequences that are padded at the front.

Each row is turned so that its real steps come first, and run plain: what stands in the padding, and how much of it
there is, changes nothing. (Packed sequences do the same but cannot be exported to ONNX.)
"""

import torch
from torch import Tensor, nn

from lstm_cli.models.attention import SelfAttention


def left_align(steps: Tensor, lengths: Tensor) -> Tensor:
    """steps [B, T, D] padded at the front -> the same with the padding behind; lengths [B] count the real ones."""
    length = steps.shape[1]
    positions = torch.arange(length, device=steps.device)
    return _gather_steps(steps, (positions[None, :] + (length - lengths)[:, None]) % length)


def reverse_steps(steps: Tensor, lengths: Tensor) -> Tensor:
    """Each row of steps [B, T, D] backwards by its own length; the padding stays behind. Twice is as it was."""
    length = steps.shape[1]
    positions = torch.arange(length, device=steps.device)
    return _gather_steps(steps, (lengths[:, None] - 1 - positions[None, :]) % length)


def step_mask(lengths: Tensor, count: int) -> Tensor:
    """[B, count] of 1 and 0, where the real steps come first."""
    return (torch.arange(count, device=lengths.device)[None, :] < lengths[:, None]).float()


def last_step(steps: Tensor, lengths: Tensor) -> Tensor:
    """The last real step [B, D] of steps [B, T, D], where the real ones come first."""
    return _gather_steps(steps, (lengths - 1)[:, None])[:, 0]


def run_unpadded(
    layers: nn.ModuleList,
    dropout: nn.Module,
    steps: Tensor,
    lengths: Tensor,
    attention: SelfAttention | None = None,
) -> Tensor:
    """The last output of stacked LSTM layers, and of attention over their outputs where there is some.

    steps [B, T, D] padded at the front; lengths [B]: how many steps, at the end, are real (at least 1). Returns
    [B, hidden].
    """
    output = left_align(steps, lengths)
    for number, layer in enumerate(layers):
        output, _ = layer(output if number == 0 else dropout(output))
    if attention is not None:
        output = attention(output, step_mask(lengths, output.shape[1]))
    return last_step(output, lengths)


def _gather_steps(steps: Tensor, indices: Tensor) -> Tensor:
    """The steps [B, S, D] at places [B, S]."""
    return torch.gather(steps, 1, indices[:, :, None].expand(-1, -1, steps.shape[2]))
