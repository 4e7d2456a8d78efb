"""Weights of another model, at which the networks of a training start (a warm start)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from lstm_cli.models.mixture import Mixture
from lstm_cli.models.registry import build_model
from lstm_cli.models.segment_lstm import SegmentLSTM

STATISTICS = ("unit",)  # tensors that are computed from the training rows, and not learnt
CANDIDATES = "gate"  # layer that weights the candidate forecasts


@dataclass(frozen=True, kw_only=True)
class TakenWeights:
    """Layers of one network that begin with weights of another model, and those that begin at random."""

    part: str
    taken: tuple[str, ...]
    left: Mapping[str, str]  # layer: why it is not taken

    def __str__(self) -> str:
        total = len(self.taken) + len(self.left)
        left = ", ".join(f"{name} ({reason})" for name, reason in self.left.items())
        return f"{self.part} {len(self.taken)} of {total} layers{f', not {left}' if left else ''}"


class StartWeights:
    """Trained model whose weights are the start of another training.

    The weights work on scaled values. The new training keeps its own scaling, linear forecast and weights of the parts.
    """

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        model: nn.Module | None = None,  # network for the tensors; None: the model of the name
    ) -> None:
        self.name, self.settings = name, settings
        model = build_model(name, settings) if model is None else model
        model.load_state_dict(dict(tensors), strict=False)  # weights before a refit have no linear forecast
        self._model = model

    def network(self, part: str, number: int) -> nn.Module | None:
        """Return the network of a part, or None. Further seeds start from the last one that there is."""
        if not isinstance(self._model, Mixture):
            return self._model
        networks = getattr(self._model, part)
        return networks[min(number, len(networks) - 1)] if len(networks) else None

    def take(
        self,
        network: nn.Module,
        part: str,
        *,
        number: int = 0,
        settings: Mapping[str, Any],
        left_out: Mapping[str, str] | None = None,
    ) -> TakenWeights:
        """Copy the layers that fit into a network, and return which ones.

        A layer fits if all its tensors have the same shapes, and if they have the same meaning.

        Args:
            network: new network; it is changed.
            part: part of the model, or the name of a model that is trained as a whole.
            number: number of the network among those of its part, which differ in their seeds.
            settings: arguments of the new network.
            left_out: layers that are not taken, with the reason.
        """
        own = {name: value for name, value in network.state_dict().items() if name not in STATISTICS}
        layers = list(dict.fromkeys(_layer(name) for name in own))
        start = self.network(part, number)
        if start is None:
            return TakenWeights(
                part=part, taken=(), left=dict.fromkeys(layers, f"the model has no part {part}")
            )
        given = start.state_dict()
        left = {}
        for layer in layers:
            names = [name for name in own if _layer(name) == layer]
            if left_out and layer in left_out:
                left[layer] = left_out[layer]
            elif reason := _other_meaning(layer, network, start, settings, self.settings):
                left[layer] = reason
            elif any(name not in given for name in names):
                left[layer] = "the model lacks it"
            elif any(given[name].shape != own[name].shape for name in names):
                left[layer] = f"shape {_shape(own[names[0]])}, in the model {_shape(given[names[0]])}"
        taken = tuple(layer for layer in layers if layer not in left)
        network.load_state_dict({name: given[name] for name in own if _layer(name) in taken}, strict=False)
        return TakenWeights(part=part, taken=taken, left=left)


def _layer(name: str) -> str:
    """Return the layer of a tensor: `layers.0` for `layers.0.weight_ih_l0`."""
    return name.rpartition(".")[0]


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape))


def _other_meaning(
    layer: str, network: nn.Module, start: nn.Module, settings: Mapping[str, Any], given: Mapping[str, Any]
) -> str:
    """Return why the weights of a layer mean something else in the new network, even if they fit; "" if not."""
    if layer.startswith("attention.") and settings["attention"] != given.get("attention", 0):
        return "another number of heads"
    if layer.startswith("norms.") and settings["batch_norm"] != given.get("batch_norm", False):
        return "another normalization"
    if layer == CANDIDATES and isinstance(network, SegmentLSTM) and isinstance(start, SegmentLSTM):
        seasons, others = ((each.seasons, each.cycles, each.far_seasons) for each in (network, start))
        return "" if seasons == others else "other seasons"
    return ""
