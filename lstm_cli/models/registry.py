"""Networks by name and settings, as stored in a run's model.json, and as sent to another process that trains them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from lstm_cli.models.linear_layer import LinearForecast
from lstm_cli.models.mixture import Mixture
from lstm_cli.models.segment_lstm import AnchoredNetwork, SegmentLSTM
from lstm_cli.models.stacked_lstm import StackedLSTM

MODELS: dict[str, type[nn.Module]] = {"segment": Mixture, "stacked": StackedLSTM}


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Class and sizes of a network that is trained as a whole. All values are JSON values."""

    name: str  # name of a model in `MODELS`, or `free` or `anchored` for a part of `segment`
    settings: Mapping[str, Any]  # arguments of the class
    linear: Mapping[str, Any] | None = None  # arguments of the linear forecast in an anchored network

    def build(self) -> nn.Module:
        """Return the network with random weights; a linear forecast is 0."""
        if self.name in MODELS:
            return build_model(self.name, self.settings)
        network = SegmentLSTM(**_lists_as_tuples(self.settings))
        return network if self.linear is None else AnchoredNetwork(LinearForecast(**self.linear), network)


def build_model(name: str, settings: Mapping[str, Any]) -> nn.Module:
    """Return the named network with random weights; settings are the arguments of its class."""
    return MODELS[name](**_lists_as_tuples(settings))


def _lists_as_tuples(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
