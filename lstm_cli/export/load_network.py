"""The torch model of a run, from its settings and weights."""

from typing import Any

import safetensors.torch
from torch import nn

from lstm_cli.models.registry import build_model


def load_network(name: str, settings: dict[str, Any], weights: bytes) -> nn.Module:
    """The network as it was shipped, on the CPU, in evaluation mode, without gradients.

    name, settings: of model.json; weights: of weights.safetensors.
    """
    network = build_model(name, settings)
    network.load_state_dict(safetensors.torch.load(weights))
    return network.requires_grad_(False).eval()
