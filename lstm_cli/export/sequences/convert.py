"""Conversion of a classifier to another format, with a comparison of the probabilities."""

from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from lstm_cli.export.pt2 import export_pt2, open_pt2
from lstm_cli.export.torchscript import export_torchscript, open_torchscript
from lstm_cli.inference.sequence_session import INPUTS
from lstm_cli.models.ngram_classifier import NgramClassifier
from lstm_cli.models.sequence_classifier import CombinedClassifier, SequenceClassifier, SimpleClassifier

TOLERANCE = 1e-5  # largest difference between two probabilities


class ProbabilitiesOnly(nn.Module):
    """Classifier with the inputs of the ONNX graph, which returns the probabilities of the model alone."""

    def __init__(self, model: CombinedClassifier) -> None:
        super().__init__()
        self.model = model

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Return the probabilities [B, K].

        Args:
            values: [B, L, F] scaled, with the padding at the end.
            lengths: [B, 1] number of real steps, as floats.
        """
        probabilities: Tensor = self.model(values, lengths.reshape(-1).to(torch.int64))[0]
        return probabilities


def load_classifier_model(
    about: dict[str, Any], simple: dict[str, Any], weights: bytes
) -> CombinedClassifier:
    """Return the trained classifier on the CPU, in evaluation mode, without gradients.

    Args:
        about: content of model.json.
        simple: content of simple.json.
        weights: content of weights.safetensors.
    """
    settings = about["settings"]
    network = SequenceClassifier(**{**settings, "hidden": tuple(settings["hidden"])})
    network.load_state_dict(safetensors.torch.load(weights))
    if network.embedding is not None:
        ngrams = NgramClassifier.from_dict(simple)
        return CombinedClassifier(network, ngrams, about["share"]).requires_grad_(False).eval()
    regression = SimpleClassifier(**{name: settings[name] for name in ("inputs", "classes", "max_length")})
    regression.load_state_dict({name: torch.tensor(simple[name]) for name in regression.state_dict()})
    return CombinedClassifier(network, regression, about["share"]).requires_grad_(False).eval()


def convert_classifier(
    to: str, model: CombinedClassifier, values: np.ndarray, lengths: np.ndarray
) -> tuple[bytes, float]:
    """Return the bytes of the file, and the largest difference between its probabilities and those of torch.

    Args:
        to: torchscript or pt2.
        model: model on the CPU, in evaluation mode.
        values: sequences [B, L, F] that are compared, scaled; tokens [B, L, 1] of documents.
        lengths: number of real steps [B].

    Raises:
        RuntimeError: the probabilities differ by more than the tolerance.
    """
    network = ProbabilitiesOnly(model).eval()
    kind = torch.float32 if model.network.embedding is None else torch.int64
    inputs = torch.from_numpy(values).to(kind), torch.from_numpy(lengths[:, None].astype(np.float32))
    # Two sequences, because exporters treat an axis of length 1 as constant.
    length, width = values.shape[1:]
    example = torch.zeros(2, length, width, dtype=kind), torch.full((2, 1), float(length))
    if to == "torchscript":
        data = export_torchscript(network, example)
        opened: nn.Module = open_torchscript(data)
    else:
        data = export_pt2(network, example, INPUTS)
        opened = open_pt2(data)
    with torch.no_grad():
        difference = float((opened(*inputs) - network(*inputs)).abs().max())
    if not difference <= TOLERANCE:
        raise RuntimeError(f"the {to} file differs from torch by {difference:g}")
    return data, difference
