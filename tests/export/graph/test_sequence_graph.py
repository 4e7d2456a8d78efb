"""Test that the ONNX graph of a classifier gives the probabilities of torch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lstm_cli.export.onnx import check_classifier, export_classifier
from lstm_cli.inference.quantization import to_int8
from lstm_cli.inference.sequence_session import open_sequence_session
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


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("pooling", ["last", "max"])
def test_int8_hardly_changes_the_network_and_keeps_the_simple_model(
    tmp_path: Path, pooling: str, options: dict[str, Any]
) -> None:
    combined = model(11, pooling, **options)
    lengths = np.arange(1, 12)
    values = np.random.default_rng(0).normal(size=(len(lengths), 11, 2)).astype(np.float32)
    graph = export_classifier(combined, inputs=2, classes=3)
    small = to_int8(graph, scratch=tmp_path, lstm_only=True)
    (before, simple), (after, kept) = (
        open_sequence_session(each, threads=1).probabilities(values, lengths) for each in (graph, small)
    )
    np.testing.assert_allclose(kept, simple, rtol=1e-5, atol=1e-6)
    assert 0 < np.abs(after - before).max() < 0.02
