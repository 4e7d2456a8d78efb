"""Tests of ONNX files, compared with the torch model."""

import logging
import os
from collections.abc import Callable

import numpy as np
import onnx
import pytest
import torch
from small_networks import INPUTS, PARTS, TARGETS, Last, randomize_weights, segment, stacked, windows
from torch import Tensor, nn

from lstm_cli.export.clipped_model import ClippedModel
from lstm_cli.export.onnx import check_agreement, export_onnx
from lstm_cli.inference.session import open_session
from lstm_cli.models.mixture import Mixture
from lstm_cli.models.stacked_lstm import StackedLSTM

INFINITE = float("inf")
CLOSE = 1e-5  # of the target's deviation, which is 1 in scaled units


@pytest.fixture(scope="module", params=["segment", "segment, nothing known ahead", "stacked"])
def exported(request) -> tuple[nn.Module, int, bytes]:
    """Return a model, K, and its file."""
    known_ahead = 0 if "nothing" in request.param else 1
    model = stacked(known_ahead) if request.param == "stacked" else segment(known_ahead)
    return model, known_ahead, _export(model, known_ahead)


def _export(model: nn.Module, known_ahead: int, **bounds: Tensor) -> bytes:
    return export_onnx(
        model,
        inputs=INPUTS,
        known_ahead=known_ahead,
        lower=bounds.get("lower"),
        upper=bounds.get("upper"),
    )


def _as_exported(model: nn.Module) -> nn.Module:
    """Return a model with the outputs of the file."""
    return ClippedModel(model, None, None)


@pytest.mark.parametrize("size", [1, 3, 257])
def test_the_file_agrees_with_torch(exported, size: int) -> None:
    model, known_ahead, data = exported
    given = windows(size, known_ahead)
    assert check_agreement(data, _as_exported(model), *given) < CLOSE
    if isinstance(model, Mixture):  # also compares the forecasts of its parts
        forecast, parts = open_session(data, threads=1).forecast_with_parts(*(side.numpy() for side in given))
        expected = model.eval().part_forecasts(*given).detach().numpy()
        np.testing.assert_allclose(parts, expected, atol=CLOSE)
        assert expected.std(axis=-1).min() > 0  # the parts differ
        summed = (parts * model.weights.numpy()[None, :, None]).sum(axis=-1)
        np.testing.assert_allclose(forecast, summed, atol=CLOSE)


def test_the_comparison_disables_dropout_and_restores_training_mode(exported) -> None:
    model, known_ahead, data = exported
    model.train()
    assert check_agreement(data, _as_exported(model), *windows(5, known_ahead)) < CLOSE
    assert model.training
    assert all(isinstance(value, nn.Parameter) for value in model.parameters())


def test_a_model_with_other_weights_differs(exported) -> None:
    model, known_ahead, data = exported
    other = randomize_weights(
        stacked(known_ahead) if isinstance(model, StackedLSTM) else segment(known_ahead)
    )
    assert check_agreement(data, _as_exported(other), *windows(5, known_ahead)) > 100 * CLOSE


def test_padding_does_not_change_the_forecast(exported) -> None:
    _, known_ahead, data = exported
    past, future, mask = (part.numpy() for part in windows(7, known_ahead))
    session = open_session(data, threads=1)
    loud = np.where(mask[:, :, None] > 0, past, 1e3).astype(np.float32)
    np.testing.assert_allclose(session(loud, future, mask), session(past, future, mask), atol=CLOSE)


def test_inputs_have_their_names_and_any_batch_size(exported) -> None:
    model, known_ahead, data = exported
    graph = onnx.load_model_from_string(data).graph
    shapes = {
        value.name: [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.output)
    }
    parts = {"parts": ["batch", 10, TARGETS, len(PARTS)]} if isinstance(model, Mixture) else {}
    assert shapes == {
        "past": ["batch", 30, INPUTS],
        "future": ["batch", 10, known_ahead],
        "mask": ["batch", 30],
        "forecast": ["batch", 10, TARGETS],
        **parts,
    }


def test_the_file_is_complete_and_has_no_text_of_this_machine(exported) -> None:
    _, _, data = exported
    model = onnx.load_model_from_string(data)
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    for text in (os.sep + "work", os.getcwd(), os.path.expanduser("~") + os.sep, ".py", "site-packages"):  # noqa: PTH109, PTH111
        assert text.encode() not in data


@pytest.mark.parametrize("exported", ["stacked"], indirect=True)
def test_export_is_silent_reproducible_and_does_not_change_the_model(
    exported, capfd, caplog, recwarn
) -> None:
    model = stacked(1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    capfd.readouterr()
    repeated = _export(model, 1)
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert not list(recwarn)
    assert repeated == exported[2]
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    model(*windows(2, 1)).sum().backward()  # its weights still have gradients


def test_the_graph_has_the_bounds_and_ignores_infinite_bounds() -> None:
    model = stacked(0)
    lower, upper = torch.tensor([-0.05, -INFINITE]), torch.tensor([INFINITE, 0.05])
    data = _export(model, 0, lower=lower, upper=upper)
    given = windows(40, 0)
    forecast = open_session(data, threads=1)(*(part.numpy() for part in given))
    free = model.eval()(*given).detach().numpy()
    assert free[..., 0].min() < -0.1 < 0.1 < free[..., 0].max()
    assert free[..., 1].min() < -0.1 < 0.1 < free[..., 1].max()
    expected = np.clip(free, lower.numpy(), upper.numpy())
    np.testing.assert_allclose(forecast, expected, atol=CLOSE)
    assert check_agreement(data, ClippedModel(model, lower, upper), *given) < CLOSE


@pytest.mark.parametrize("network", [segment, stacked])
def test_other_weights_change_the_weights_only(network: Callable[[int], nn.Module]) -> None:
    """A graph from before a refit has the same nodes, even if its weights are all equal."""
    model, equal = network(1), network(1)
    with torch.no_grad():
        for value in equal.state_dict().values():
            value.fill_(0.5)
    graphs = [onnx.load_model_from_string(_export(each, 1)).graph for each in (model, equal)]
    assert graphs[0].node == graphs[1].node
    names = [[(tensor.name, tuple(tensor.dims)) for tensor in graph.initializer] for graph in graphs]
    assert names[0] == names[1]


def test_a_model_without_a_graph_is_refused() -> None:
    with pytest.raises(TypeError, match="no graph for a model of the class Last"):
        _export(Last(), 0)
