"""Test that the ONNX graph of a classifier gives the probabilities of torch."""

from typing import Any

import numpy as np
import pytest
import torch

from lstm_cli.export.onnx import check_classifier, export_classifier
from lstm_cli.models.sequence_classifier import CombinedClassifier, SequenceClassifier, SimpleClassifier

OPTIONS: list[dict[str, Any]] = [
    {},
    {"bidirectional": True},
    {"batch_norm": True, "attention": 2},
    {"layer_norm": True, "bidirectional": True, "attention": 4},
]


def model(length: int, pooling: str, **options: Any) -> CombinedClassifier:
    torch.manual_seed(0)
    network = SequenceClassifier(
        inputs=2, classes=3, max_length=length, hidden=(6, 4), dropout=0.3, pooling=pooling, **options
    )
    simple = SimpleClassifier(inputs=2, classes=3, max_length=length)
    simple.center.copy_(torch.randn(simple.center.shape))
    simple.scale.copy_(torch.rand(simple.scale.shape) + 0.5)
    return CombinedClassifier(network, simple, 0.4).eval()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("pooling", ["last", "mean", "max", "concat", "attention"])
@pytest.mark.parametrize("length", [1, 11])
def test_the_graph_agrees_with_torch(length: int, pooling: str, options: dict[str, Any]) -> None:
    combined = model(length, pooling, **options)
    generator = np.random.default_rng(0)
    lengths = np.unique(np.minimum(np.arange(1, 12), length))
    values = generator.normal(size=(len(lengths), length, 2)).astype(np.float32)
    graph = export_classifier(combined, inputs=2, classes=3)
    # The last steps are padding with any content.
    assert check_classifier(graph, combined, values, lengths) < 1e-5
    other = model(length, pooling, **options)
    with torch.no_grad():
        other.simple.linear.bias.add_(torch.tensor([0.5, 0.0, 0.0]))
    assert check_classifier(graph, other, values, lengths) > 1e-3
