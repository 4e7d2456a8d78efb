"""Recurrence over sequences that are padded at the front."""

import torch
from torch import Tensor, nn


def run_unpadded(layers: nn.ModuleList, dropout: nn.Module, steps: Tensor, lengths: Tensor) -> Tensor:
    """The last output of stacked LSTM layers over sequences padded at the front.

    steps [B, T, D]; lengths [B]: how many steps, at the end, are real (at least 1). Returns [B, hidden]. Each
    row is turned so that its real steps come first, run plain, and read at its last real step: what stands in
    the padding, and how much of it there is, changes nothing. (Packed sequences do the same but cannot be
    exported to ONNX.)
    """
    length = steps.shape[1]
    place = torch.arange(length, device=steps.device)
    turned = (place[None, :] + (length - lengths)[:, None]) % length
    output = torch.gather(steps, 1, turned[:, :, None].expand(-1, -1, steps.shape[2]))
    for number, layer in enumerate(layers):
        output, _ = layer(output if number == 0 else dropout(output))
    last = (lengths - 1)[:, None, None].expand(-1, 1, output.shape[2])
    return torch.gather(output, 1, last)[:, 0]
