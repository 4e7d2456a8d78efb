"""Tests of the graphs of six networks that have every option, compared with torch and with its exporter."""

import collections
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
import torch
from real_windows import real_windows
from small_networks import segment, stacked
from torch import Tensor, nn
from traced_graph import trace_graph

from lstm_cli.export.clipped_model import ClippedModel
from lstm_cli.export.onnx import check_agreement, export_onnx
from lstm_cli.inference.quantization import to_fp16, to_int8
from lstm_cli.inference.session import open_session
from lstm_cli.models.mixture import Mixture
from lstm_cli.models.stacked_lstm import StackedLSTM

CLOSE = 1e-5  # of the target's deviation, which is 1 in scaled units
LOWER, UPPER = torch.tensor([0.0, -torch.inf]), torch.tensor([torch.inf, 0.3])
# At these sizes, fp16 stores the same weights of both graphs: it keeps small ones in fp32.
OPTIONS: dict[str, dict[str, Any]] = {
    "segment": {
        "inputs": 1,
        "targets": 1,
        "parts": ("linear", "anchored", "free"),
        "segment": 12,
        "anchored_lookback": 24,
        "linear_reach": 20,
    },
    "segment, all options": {
        "inputs": 5,
        "known_ahead": 2,
        "upper": UPPER,
        "parts": ("linear", "anchored", "simple"),
        "networks": 2,
        "attention": 4,
        "far_seasons": (28,),
    },
    "stacked": {
        "inputs": 3,
        "known_ahead": 1,
        "hidden": (32, 32),
        "bidirectional": True,
        "layer_norm": True,
        "attention": 4,
    },
    "stacked, seq2seq": {
        "known_ahead": 2,
        "head": "seq2seq",
        "attention": 2,
        "batch_norm": True,
        "lower": LOWER,
    },
    "stacked, mean": {"head": "mean", "batch_norm": True, "bidirectional": True, "hidden": (32,)},
    "stacked, attention head": {"known_ahead": 1, "head": "attention", "layer_norm": True, "upper": UPPER},
}


class Exported(NamedTuple):
    """Model with its graph, and that of torch's exporter."""

    model: nn.Module
    inputs: int
    known_ahead: int
    bounds: dict[str, Tensor | None]
    data: bytes
    traced: bytes

    def windows(self, *, padded: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        assert isinstance(self.model, Mixture | StackedLSTM)
        return real_windows(
            lookback=self.model.lookback,
            horizon=self.model.horizon,
            inputs=self.inputs,
            known_ahead=self.known_ahead,
            padded=padded,
        )


@cache
def exported(name: str) -> Exported:
    """Return a model and its graphs. A trace takes seconds, so the tests share it."""
    settings = dict(OPTIONS[name])
    bounds = {side: settings.pop(side, None) for side in ("lower", "upper")}
    known_ahead = settings.pop("known_ahead", 0)
    model = (segment if name.startswith("segment") else stacked)(known_ahead, **settings).eval()
    shape = {"inputs": settings.get("inputs", 4), "known_ahead": known_ahead}
    data, traced = export_onnx(model, **shape, **bounds), trace_graph(model, **shape, **bounds)
    return Exported(model, *shape.values(), bounds, data, traced)


@pytest.fixture(params=OPTIONS)
def case(request: pytest.FixtureRequest) -> Exported:
    return exported(request.param)


@pytest.mark.parametrize("padded", [False, True])
def test_the_graph_agrees_with_torch(case: Exported, padded: bool) -> None:
    windows = case.windows(padded=padded)
    network = ClippedModel(case.model, **case.bounds)
    assert check_agreement(case.data, network, *map(torch.from_numpy, windows)) < CLOSE
    forecast = open_session(case.data, threads=1)(*windows)
    assert forecast.std(axis=0).min() > 0
    for side, bound in case.bounds.items():  # some forecasts are clipped, others are not
        if bound is not None:
            assert 0 < np.isclose(forecast, bound.numpy()).mean() < 0.5, side


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_the_graph_agrees_with_the_traced_one(case: Exported, precision: str, tmp_path: Path) -> None:
    def convert(data: bytes, name: str) -> bytes:
        if precision == "int8":
            (tmp_path / name).mkdir()
            return to_int8(data, scratch=tmp_path / name, lstm_only=isinstance(case.model, Mixture))
        return to_fp16(data) if precision == "fp16" else data

    own, traced = convert(case.data, "own"), convert(case.traced, "traced")
    assert len(own) < len(traced)
    # int8 scales the inputs of a whole batch, and the traced graph also reads padding.
    windows = case.windows(padded=precision != "int8")
    difference = open_session(own, threads=1)(*windows) - open_session(traced, threads=1)(*windows)
    print(precision, np.abs(difference).max())
    assert np.abs(difference).max() < CLOSE


def test_padding_does_not_change_the_forecast(case: Exported) -> None:
    past, future, mask = case.windows(padded=True)
    session = open_session(case.data, threads=1)
    loud = np.where(mask[:, :, None] > 0, past, 1e3).astype(np.float32)
    np.testing.assert_allclose(session(loud, future, mask), session(past, future, mask), atol=CLOSE)


def test_an_lstm_is_one_operator_and_becomes_int8(case: Exported, tmp_path: Path) -> None:
    graph = onnx.load_model_from_string(case.data)
    onnx.checker.check_model(graph, full_check=True)
    operators = collections.Counter(node.op_type for node in graph.graph.node)
    traced = onnx.load_model_from_string(case.traced).graph
    assert len(graph.graph.node) < len(traced.node)
    assert not {"Loop", "Scan", "If"} & set(operators)
    layers = [module for module in case.model.modules() if isinstance(module, nn.LSTM)]
    backward = len(case.model.backward_layers) if isinstance(case.model, StackedLSTM) else 0
    assert operators["LSTM"] == len(layers) - backward  # one operator reads in both directions
    quantized = to_int8(case.data, scratch=tmp_path, lstm_only=isinstance(case.model, Mixture))
    rounded = collections.Counter(node.op_type for node in onnx.load_model_from_string(quantized).graph.node)
    assert (rounded["DynamicQuantizeLSTM"], rounded["LSTM"]) == (operators["LSTM"], 0)
    if isinstance(case.model, StackedLSTM):
        assert rounded["MatMulInteger"] > 0
    else:
        assert rounded["MatMul"] == operators["MatMul"]
    windows = case.windows(padded=True)
    forecast, other = (open_session(data, threads=1)(*windows) for data in (case.data, quantized))
    assert 0 < np.abs(other - forecast).mean() < 0.05 * forecast.std()
