"""Property test of the graphs of random networks: `make faults`.

The name of this file keeps pytest from collecting it in the test suite. `test_graph_options.py` has six networks.
`LSTM_FAULTS_COUNT=20 make faults` tries fewer networks.
"""

import os
from typing import Any

import onnx
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_networks import PARTS, randomize_weights
from torch import Tensor, nn

from lstm_cli.export.clipped_model import ClippedModel
from lstm_cli.export.onnx import check_agreement, export_onnx
from lstm_cli.models.mixture import Mixture
from lstm_cli.models.stacked_lstm import StackedLSTM

COUNT = int(os.environ.get("LSTM_FAULTS_COUNT", "1000"))
CLOSE = 1e-5  # of the largest scaled value
SIZES = st.sampled_from([4, 8, 20])  # units, for up to 4 heads
HEADS = st.sampled_from([0, 0, 1, 2, 4])
WINDOWS = 6


@st.composite
def columns(draw: st.DrawFn) -> dict[str, int]:
    """Return the numbers of columns and the horizon. Known-ahead inputs are the last inputs."""
    targets, others = draw(st.integers(1, 3)), draw(st.integers(0, 3))
    return {
        "inputs": targets + others,
        "targets": targets,
        "known_ahead": draw(st.integers(0, others)),
        "horizon": draw(st.integers(1, 14)),
    }


@st.composite
def segment_settings(draw: st.DrawFn) -> dict[str, Any]:
    shape, segment = draw(columns()), draw(st.integers(1, 6))
    anchored, free = (segment * draw(st.integers(1, 5)) for _ in range(2))
    reach, window, simple = (draw(st.integers(1, 20)) for _ in range(3))
    far = draw(st.lists(st.integers(1, 24), max_size=2, unique=True))
    return shape | {
        "lookback": max(anchored, free, reach, window, simple, *far, 1) + draw(st.integers(0, 2)),
        "parts": tuple(draw(st.lists(st.sampled_from(PARTS), min_size=1, unique=True))),
        "linear_reach": reach,
        "linear_window": window,
        "linear_share": draw(st.floats(0, 1)),
        "linear_response": draw(st.sampled_from([0, shape["known_ahead"]])),
        "anchored_lookback": anchored,
        "free_lookback": free,
        "networks": draw(st.integers(1, 3)),
        "segment": segment,
        "seasons": tuple(draw(st.lists(st.integers(1, 30), max_size=3, unique=True))),
        "hidden": draw(SIZES),
        "dropout": 0.2,
        "simple_season": simple,
        "attention": draw(HEADS),
        "far_seasons": tuple(far),
    }


@st.composite
def stacked_settings(draw: st.DrawFn) -> dict[str, Any]:
    norm = draw(st.sampled_from(["", "batch_norm", "layer_norm"]))
    return draw(columns()) | {
        "lookback": draw(st.integers(1, 20)),
        "hidden": tuple(draw(st.lists(SIZES, min_size=1, max_size=3))),
        "dropout": 0.2,
        "bidirectional": draw(st.booleans()),
        "batch_norm": norm == "batch_norm",
        "layer_norm": norm == "layer_norm",
        "attention": draw(HEADS),
        "head": draw(st.sampled_from(["last", "mean", "attention", "seq2seq"])),
    }


@settings(max_examples=COUNT)
@given(segment_settings(), st.data())
def test_a_segment_graph_agrees_with_torch(options: dict[str, Any], data: st.DataObject) -> None:
    compare(Mixture(**options), options, data)


@settings(max_examples=COUNT)
@given(stacked_settings(), st.data())
def test_a_stacked_graph_agrees_with_torch(options: dict[str, Any], data: st.DataObject) -> None:
    compare(StackedLSTM(**options), options, data)


def compare(model: nn.Module, options: dict[str, Any], data: st.DataObject) -> None:
    """Compare the forecasts of random weights on random windows with any amount of padding, even of all steps."""
    torch.manual_seed(data.draw(st.integers(0, 100)))
    randomize_weights(model)
    lengths = data.draw(st.lists(st.integers(0, options["lookback"]), min_size=WINDOWS, max_size=WINDOWS))
    lower, upper = (data.draw(bounds(options["targets"], sign)) for sign in (-1, 1))
    shape = {"inputs": options["inputs"], "known_ahead": options["known_ahead"]}
    graph = export_onnx(model, **shape, lower=lower, upper=upper)
    onnx.checker.check_model(onnx.load_model_from_string(graph), full_check=True)
    past = torch.randn(WINDOWS, options["lookback"], shape["inputs"])
    future = torch.randn(WINDOWS, options["horizon"], shape["known_ahead"])
    mask = torch.stack([torch.arange(options["lookback"]) >= options["lookback"] - real for real in lengths])
    network = ClippedModel(model, lower, upper).eval()
    with torch.no_grad():
        largest = max(1.0, *(float(output.abs().max()) for output in network(past, future, mask.float())))
    assert check_agreement(graph, network, past, future, mask.float()) < CLOSE * largest


def bounds(targets: int, sign: int) -> st.SearchStrategy[Tensor | None]:
    """Return bounds on one side, of which some are infinite."""
    sides = st.lists(st.sampled_from([0.1, 0.5, float("inf")]), min_size=targets, max_size=targets)
    return st.none() | sides.map(lambda values: sign * torch.tensor(values))
