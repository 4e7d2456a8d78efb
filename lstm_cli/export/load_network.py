"""Loader for the torch model of a run."""

from typing import Any

import safetensors.torch
from torch import nn

from lstm_cli.models.registry import build_model


def load_network(name: str, settings: dict[str, Any], weights: bytes) -> nn.Module:
    """Return the trained network on the CPU, in evaluation mode, without gradients.

    Args:
        name: Name of the model, from model.json.
        settings: Settings of the model, from model.json.
        weights: Content of weights.safetensors.
    """
    network = build_model(name, settings)
    network.load_state_dict(safetensors.torch.load(weights))
    return network.requires_grad_(False).eval()
