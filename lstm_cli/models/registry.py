"""Networks by name and settings, as stored in a run's model.json."""

from typing import Any

from torch import nn

from lstm_cli.models.mixture import Mixture
from lstm_cli.models.stacked_lstm import StackedLSTM

MODELS: dict[str, type[nn.Module]] = {"segment": Mixture, "stacked": StackedLSTM}


def build_model(name: str, settings: dict[str, Any]) -> nn.Module:
    """Return the named network with random weights; settings are the arguments of its class."""
    lists_as_tuples = {
        key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()
    }
    return MODELS[name](**lists_as_tuples)
