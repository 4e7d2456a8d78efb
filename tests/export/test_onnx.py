"""Tests of ONNX files, compared with the torch model."""

import collections
import logging
import os

import numpy as np
import onnx
import pytest
import torch
from small_networks import INPUTS, PARTS, TARGETS, Last, randomize_weights, segment, stacked, windows
from torch import Tensor, nn

from lstm_cli.errors import Interrupted
from lstm_cli.export.clipped_model import ClippedModel
from lstm_cli.export.onnx import check_agreement, export_versions
from lstm_cli.inference.quantization import to_int8
from lstm_cli.inference.session import open_session
from lstm_cli.models.mixture import Mixture
from lstm_cli.models.stacked_lstm import StackedLSTM

INFINITE = float("inf")
CLOSE = 1e-4  # of the target's deviation, which is 1 in scaled units


@pytest.fixture(scope="module", params=["segment", "segment, nothing known ahead", "stacked"])
def exported(request) -> tuple[nn.Module, int, bytes]:
    """Return a model, K, and its file. Export takes seconds, so the tests share a file."""
    known_ahead = 0 if "nothing" in request.param else 1
    model = stacked(known_ahead) if request.param == "stacked" else segment(known_ahead)
    return model, known_ahead, _export(model, known_ahead)


def _export(model: nn.Module, known_ahead: int, **bounds: Tensor) -> bytes:
    (data,) = export_versions(
        [model],
        inputs=INPUTS,
        known_ahead=known_ahead,
        lower=bounds.get("lower"),
        upper=bounds.get("upper"),
    )
    return data


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
    np.testing.assert_allclose(session(loud, future, mask), session(past, future, mask), atol=1e-4)


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


def test_the_lstm_is_one_operator_with_constant_weights_and_becomes_int8(exported, tmp_path, capfd) -> None:
    model, _, data = exported
    capfd.readouterr()
    graph = onnx.load_model_from_string(data).graph
    operators = collections.Counter(node.op_type for node in graph.node)
    layers = len([module for module in model.modules() if isinstance(module, nn.LSTM)])
    assert operators["LSTM"] == layers == 2
    assert not {"Loop", "Scan", "If"} & set(operators)
    constants = {tensor.name for tensor in graph.initializer}
    assert all(set(node.input[1:4]) <= constants for node in graph.node if node.op_type == "LSTM")
    quantized = onnx.load_model_from_string(to_int8(data, scratch=tmp_path)).graph
    operators = collections.Counter(node.op_type for node in quantized.node)
    assert (operators["DynamicQuantizeLSTM"], operators["LSTM"]) == (layers, 0)
    assert capfd.readouterr() == ("", "")


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
    model(*windows(2, 1)).sum().backward()  # the exporter left no tensors of its own in the model


def test_the_graph_has_the_bounds_and_ignores_infinite_bounds() -> None:
    model = Last()
    lower, upper = torch.tensor([-0.05, -INFINITE]), torch.tensor([INFINITE, 0.05])
    data = _export(model, 0, lower=lower, upper=upper)
    given = windows(40, 0)
    forecast = open_session(data, threads=1)(*(part.numpy() for part in given))
    free = model.eval()(*given).detach().numpy()
    assert free[..., 0].min() < -0.1 < 0.1 < free[..., 0].max()
    assert free[..., 1].min() < -0.1 < 0.1 < free[..., 1].max()
    expected = np.clip(free, lower.numpy(), upper.numpy())
    np.testing.assert_allclose(forecast, expected)
    assert check_agreement(data, ClippedModel(model, lower, upper), *given) < CLOSE


def test_a_signal_during_optimization_is_not_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors are wrapped by onnxscript, but the interrupt is raised unchanged."""
    import signal

    from onnxscript import ir, optimizer

    class InterruptingPass(ir.passes.InPlacePass):
        def call(self, model: ir.Model) -> ir.passes.PassResult:
            raise Interrupted(signal.SIGTERM)

    monkeypatch.setattr(
        optimizer, "optimize", lambda program: ir.passes.Sequential(InterruptingPass())(program)
    )
    with pytest.raises(Interrupted):
        _export(stacked(known_ahead=0), 0)
