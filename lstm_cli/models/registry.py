"""A network from its name and settings, as a run's model.json keeps them."""

from typing import Any

from torch import nn

from lstm_cli.models.mixture import Mixture
from lstm_cli.models.stacked_lstm import StackedLSTM

MODELS: dict[str, type[nn.Module]] = {"segment": Mixture, "stacked": StackedLSTM}


def build_model(name: str, settings: dict[str, Any]) -> nn.Module:
    """The network `name` with random weights; settings are the arguments of its class."""
    lists_as_tuples = {
        key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()
    }
    return MODELS[name](**lists_as_tuples)
