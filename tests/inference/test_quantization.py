"""Tests of quantization: quantized and unchanged layers, file size, and change of the forecasts."""

import collections

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper
from small_graph import small_batch, small_graph

from lstm_cli.inference.quantization import to_fp16, to_int8
from lstm_cli.inference.session import open_session


def _operators(model: bytes) -> collections.Counter[str]:
    return collections.Counter(node.op_type for node in onnx.load_model_from_string(model).graph.node)


def _largest_difference(model: bytes, other: bytes) -> float:
    batch = small_batch(16)
    actual, expected = (open_session(each, threads=1)(*batch) for each in (other, model))
    assert np.abs(expected).max() > 0.05  # otherwise a small difference would be meaningless
    return float(np.abs(actual - expected).max() / expected.std())


@pytest.mark.parametrize("unfolded", [False, True], ids=["folded", "as exported"])
def test_int8_quantizes_only_the_lstm(tmp_path, unfolded: bool) -> None:
    model = small_graph(unfolded=unfolded)
    small = to_int8(model, scratch=tmp_path)
    operators = _operators(small)
    assert operators["DynamicQuantizeLSTM"] == 1
    assert operators["LSTM"] == 0
    assert operators["Gemm"] + operators["MatMul"] == 1
    assert not [name for name in operators if name.startswith(("MatMulInteger", "DynamicQuantizeMatMul"))]
    assert len(small) < 0.4 * len(model)


@pytest.mark.parametrize("unfolded", [False, True], ids=["folded", "as exported"])
def test_int8_of_all_layers_leaves_no_float_matrix(tmp_path, unfolded: bool) -> None:
    small = to_int8(small_graph(unfolded=unfolded), scratch=tmp_path, lstm_only=False)
    operators = _operators(small)
    assert operators["DynamicQuantizeLSTM"] == 1
    assert operators["LSTM"] + operators["Gemm"] + operators["MatMul"] == 0
    assert len(small) < len(to_int8(small_graph(unfolded=unfolded), scratch=tmp_path))


@pytest.mark.parametrize("lstm_only", [True, False])
def test_int8_hardly_changes_the_forecast(tmp_path, lstm_only: bool) -> None:
    model = small_graph()
    difference = _largest_difference(model, to_int8(model, scratch=tmp_path, lstm_only=lstm_only))
    assert 0 < difference < 0.05


def test_int8_prints_no_output_and_no_warnings(tmp_path, capfd, caplog, recwarn) -> None:
    to_int8(small_graph(), scratch=tmp_path)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    assert not list(recwarn)


def test_fp16_halves_the_file_and_keeps_the_forecast() -> None:
    model = small_graph()
    small = to_fp16(model)
    assert 0.45 < len(small) / len(model) < 0.55
    assert 0 < _largest_difference(model, small) < 0.005
    onnx.checker.check_model(onnx.load_model_from_string(small))


def test_fp16_does_not_convert_large_values_and_small_tensors() -> None:
    graph = onnx.load_model_from_string(small_graph())
    for tensor in graph.graph.initializer:
        if tensor.name == "head":
            values = numpy_helper.to_array(tensor).copy()
            values[0, 0] = 70_000.0  # the largest 16-bit float is 65,504
            tensor.CopyFrom(numpy_helper.from_array(values, "head"))
    small = to_fp16(graph.SerializeToString())
    kinds = {tensor.name: tensor.data_type for tensor in onnx.load_model_from_string(small).graph.initializer}
    assert kinds["head"] == TensorProto.FLOAT
    assert kinds["R_fp16"] == TensorProto.FLOAT16
    assert kinds["shape"] == TensorProto.INT64
    assert np.isfinite(open_session(small, threads=1)(*small_batch(2))).all()


def test_the_same_model_gives_the_same_bytes(tmp_path) -> None:
    model = small_graph()
    first, second = (tmp_path / name for name in ("first", "second"))
    first.mkdir()
    second.mkdir()
    assert to_int8(model, scratch=first) == to_int8(model, scratch=second)
    assert to_fp16(model) == to_fp16(model)
    assert str(tmp_path).encode() not in to_int8(model, scratch=first)
