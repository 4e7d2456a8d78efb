"""Tests of the builder of ONNX graphs."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from lstm_cli.export.graph.builder import Graph, Value

VALUES = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def forecast(graph: Graph, value: Value, *shape: int) -> np.ndarray:
    graph.output("out", value, *shape)
    session = onnxruntime.InferenceSession(graph.to_bytes(), providers=["CPUExecutionProvider"])
    result: np.ndarray = session.run(None, {"in": VALUES})[0]
    return result


def nodes(graph: Graph) -> list[onnx.NodeProto]:
    return list(onnx.load_model_from_string(graph.to_bytes()).graph.node)


@pytest.fixture
def graph() -> Graph:
    return Graph(nn.Linear(4, 2))


@pytest.fixture
def value(graph: Graph) -> Value:
    return graph.input("in", 3, 4)


def test_values_count_like_arrays(graph: Graph, value: Value) -> None:
    result = (value.first(2, 3) - value.last(2, 3) * 2.0) / value.mean(1).take(2, [0, 1, 3])
    expected = (VALUES[..., :3] - 2 * VALUES[..., -3:]) / VALUES.mean(1, keepdims=True)[..., [0, 1, 3]]
    np.testing.assert_allclose(forecast(graph, result, 3, 3), expected, rtol=1e-6)


def test_shapes_change_like_those_of_arrays(graph: Graph, value: Value) -> None:
    result = value.transpose(0, 2, 1).reshape(0, 2, -1).unsqueeze(1, 3).squeeze(1).take(2, 0)
    expected = VALUES.transpose(0, 2, 1).reshape(2, 2, 6)[:, :, None][:, :, 0]
    np.testing.assert_array_equal(forecast(graph, result, 2, 6), expected)


def test_equal_nodes_and_constants_are_added_once(graph: Graph, value: Value) -> None:
    graph.output("out", (value * 2.0).sum(1) + (value * 2.0).sum(1), 1, 4)
    assert [node.op_type for node in nodes(graph)] == ["Mul", "ReduceSum", "Add"]


def test_nodes_without_use_are_left_out_with_their_constants(graph: Graph, value: Value) -> None:
    value.softmax(1).take(1, [2])
    graph.output("out", value * 2.0, 3, 4)
    (node,) = nodes(graph)
    assert list(node.input) == ["in", *(tensor.name for tensor in tensors(graph))]


def test_outputs_without_use_have_no_name(graph: Graph, value: Value) -> None:
    """ONNX Runtime does not compute an output without a name."""
    first, second, _ = graph.add_many("Split", 3, value, axis=1, num_outputs=3)
    graph.output("out", second, 1, 4)
    assert list(nodes(graph)[0].output) == ["", "out"]
    assert first.name == "Split_0"


def test_an_output_is_still_an_input_of_other_nodes(graph: Graph, value: Value) -> None:
    doubled = value * 2.0
    total = doubled.sum(1)
    graph.output("total", total, 1, 4)
    graph.output("doubled", doubled, 3, 4)
    multiply, add = nodes(graph)
    assert (list(multiply.output), add.input[0], list(add.output)) == (["doubled"], "doubled", ["total"])


def test_equal_weights_stay_apart_and_have_their_names() -> None:
    layer = nn.Linear(4, 4)
    torch.nn.init.ones_(layer.weight)
    torch.nn.init.ones_(layer.bias)
    graph = Graph(layer)
    value = graph.input("in", 3, 4)
    result = (
        value @ graph.weight(2 * layer.weight, layer.weight) + layer.bias * 3 + layer.bias * 3 + layer.bias
    )
    expected = VALUES @ np.full((4, 4), 2) + 7
    np.testing.assert_allclose(forecast(graph, result, 3, 4), expected)
    assert [tensor.name for tensor in tensors(graph)] == ["weight", "weight_1", "weight_2", "bias"]


def tensors(graph: Graph) -> list[onnx.TensorProto]:
    return list(onnx.load_model_from_string(graph.to_bytes()).graph.initializer)


def test_weights_are_32_bit_floats() -> None:
    layer = nn.Linear(4, 2).double()
    graph = Graph(layer)
    graph.output("out", graph.input("in", 3, 4) @ graph.weight(layer.weight.T, layer.weight), 3, 2)
    (tensor,) = tensors(graph)
    array = numpy_helper.to_array(tensor)
    assert array.dtype == np.float32
    np.testing.assert_allclose(array, layer.weight.detach().numpy().T, rtol=1e-6)
