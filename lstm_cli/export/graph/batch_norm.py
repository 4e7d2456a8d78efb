"""Graph of `models/batch_norm.py`."""

import torch

from lstm_cli.export.graph.builder import Value
from lstm_cli.models.batch_norm import EPSILON, MaskedBatchNorm


def batch_norm(layer: MaskedBatchNorm, steps: Value) -> Value:
    """Return the steps [..., width] normalized with the running statistics."""
    return (steps - layer.running_mean) * (
        torch.rsqrt(layer.running_var + EPSILON) * layer.weight
    ) + layer.bias
