"""Tests of the ONNX export of all network options: agreement with torch, padding, and int8."""

import collections
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from lstm_cli.export.clipped_model import ClippedModel
from lstm_cli.export.onnx import check_agreement, export_versions
from lstm_cli.inference.quantization import to_int8
from lstm_cli.inference.session import open_session
from lstm_cli.models.segment_lstm import SegmentLSTM
from lstm_cli.models.stacked_lstm import StackedLSTM

LOOKBACK, HORIZON, INPUTS, TARGETS = 24, 6, 4, 2
CLOSE = 1e-4  # of the target's deviation, which is 1 in scaled units
OPTIONS: dict[str, dict[str, Any]] = {
    "both directions, layer norm": {"bidirectional": True, "layer_norm": True},
    "mean, batch norm, attention": {"head": "mean", "batch_norm": True, "attention": 4, "known_ahead": 0},
    "pooling": {"head": "attention", "hidden": (16,)},
    "seq2seq, both directions, attention": {
        "head": "seq2seq",
        "bidirectional": True,
        "layer_norm": True,
        "attention": 2,
        "known_ahead": 2,
    },
}


def stacked(**options: Any) -> StackedLSTM:
    shape: dict[str, Any] = {"known_ahead": 1, "hidden": (24, 16), "dropout": 0.2}
    return StackedLSTM(inputs=INPUTS, targets=TARGETS, lookback=LOOKBACK, horizon=HORIZON, **shape | options)


def segment() -> SegmentLSTM:
    shape: dict[str, Any] = {"inputs": INPUTS, "targets": TARGETS, "known_ahead": 1, "dropout": 0.2}
    return SegmentLSTM(
        lookback=LOOKBACK,
        horizon=HORIZON,
        segment=4,
        seasons=(4,),
        hidden=16,
        anchored=False,
        attention=4,
        **shape,
    )


@torch.no_grad()
def randomize_weights(model: nn.Module) -> nn.Module:
    """Add random numbers to weights and statistics, so that each part of the graph affects the forecast."""
    for value in model.parameters():
        value.add_(0.1 * torch.randn_like(value))
    for name, value in model.named_buffers():
        if "running" in name:
            value.uniform_(0.5, 2)
    return model.eval()


@pytest.mark.parametrize("name", [*OPTIONS, "segment, attention"])
def test_the_graph_agrees_with_torch_and_becomes_int8(name: str, tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = randomize_weights(stacked(**OPTIONS[name]) if name in OPTIONS else segment())
    known = model.known_ahead
    assert isinstance(known, int)
    (data,) = export_versions([model], inputs=INPUTS, known_ahead=known, lower=None, upper=None)
    for size in (1, 3, 130):
        assert check_agreement(data, ClippedModel(model, None, None).eval(), *windows(size, known)) < CLOSE
    past, future, mask = windows(7, known)
    session = open_session(data, threads=1)
    forecast = session(past.numpy(), future.numpy(), mask.numpy())
    assert forecast.std(axis=0).min() > 0
    loud = torch.where(mask[:, :, None] > 0, past, 1e3)
    np.testing.assert_allclose(session(loud.numpy(), future.numpy(), mask.numpy()), forecast, atol=CLOSE)
    if isinstance(model, StackedLSTM):  # compares padding with shorter windows in torch
        for row in range(7):
            real = int(mask[row].sum())
            window = past[row : row + 1, LOOKBACK - real :], future[row : row + 1], torch.ones(1, real)
            with torch.no_grad():
                np.testing.assert_allclose(forecast[row : row + 1], model(*window).numpy(), atol=CLOSE)
    operators = collections.Counter(node.op_type for node in onnx.load_model_from_string(data).graph.node)
    layers = len([module for module in model.modules() if isinstance(module, nn.LSTM)])
    assert operators["LSTM"] == layers
    assert not {"Loop", "Scan", "If"} & set(operators)
    quantized = to_int8(data, scratch=tmp_path, lstm_only=not isinstance(model, StackedLSTM))
    operators = collections.Counter(
        node.op_type for node in onnx.load_model_from_string(quantized).graph.node
    )
    assert (operators["DynamicQuantizeLSTM"], operators["LSTM"]) == (layers, 0)
    rounded = open_session(quantized, threads=1)(past.numpy(), future.numpy(), mask.numpy())
    assert 0 < np.abs(rounded - forecast).mean() < 0.05 * forecast.std()


def windows(size: int, known_ahead: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return windows. Every second window has padding at the front, of all rows but one at most."""
    generator = torch.Generator().manual_seed(size)
    mask = torch.ones(size, LOOKBACK)
    for row in range(1, size, 2):
        mask[row, : 1 + (5 * row) % (LOOKBACK - 1)] = 0
    past = torch.randn(size, LOOKBACK, INPUTS, generator=generator)
    return past, torch.randn(size, HORIZON, known_ahead, generator=generator), mask
