"""ONNX graph with one LSTM layer, built without torch."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LOOKBACK, INPUTS, HORIZON, TARGETS, HIDDEN = 12, 3, 4, 2, 64


def small_graph(*, unfolded: bool = False, names: tuple[str, ...] = ("past", "future", "mask")) -> bytes:
    """Return a graph: past * mask -> LSTM -> last hidden state -> Gemm -> forecast. `future` [batch, H, 0] is unused.

    unfolded: Concat joins two halves of the LSTM weights, as in a graph of the torch exporter.
    """
    random = np.random.default_rng(7)
    deviation = 1 / np.sqrt(HIDDEN)
    weights = {
        "W": random.normal(0, deviation, (1, 4 * HIDDEN, INPUTS)),
        "R": random.normal(0, deviation, (1, 4 * HIDDEN, HIDDEN)),
        "B": random.normal(0, deviation, (1, 8 * HIDDEN)),
        "head": random.normal(0, deviation, (HIDDEN, HORIZON * TARGETS)),
    }
    constants = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    constants += [
        numpy_helper.from_array(np.array([2]), "last_axis"),
        numpy_helper.from_array(np.array([0]), "direction"),
        numpy_helper.from_array(np.array([-1, HORIZON, TARGETS]), "shape"),
    ]
    nodes = []
    if unfolded:
        constants = [tensor for tensor in constants if tensor.name not in ("W", "R")]
        for name in ("W", "R"):
            for half, part in enumerate(np.split(weights[name].astype(np.float32), 2, axis=1)):
                constants.append(numpy_helper.from_array(part, f"{name}{half}"))
            nodes.append(helper.make_node("Concat", [f"{name}0", f"{name}1"], [name], axis=1))
    nodes += [
        helper.make_node("Unsqueeze", [names[2], "last_axis"], ["column"]),
        helper.make_node("Mul", [names[0], "column"], ["real"]),
        helper.make_node("Transpose", ["real"], ["steps"], perm=[1, 0, 2]),
        helper.make_node("LSTM", ["steps", "W", "R", "B"], ["", "last"], hidden_size=HIDDEN),
        helper.make_node("Squeeze", ["last", "direction"], ["state"]),
        helper.make_node("Gemm", ["state", "head"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["forecast"]),
    ]
    shapes = (["batch", LOOKBACK, INPUTS], ["batch", HORIZON, 0], ["batch", LOOKBACK])
    graph = helper.make_graph(
        nodes,
        "small",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in zip(names, shapes, strict=True)
        ],
        [helper.make_tensor_value_info("forecast", TensorProto.FLOAT, ["batch", HORIZON, TARGETS])],
        initializer=constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def small_batch(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return past, future and mask of `size` windows, float32."""
    past = np.random.default_rng(3).normal(size=(size, LOOKBACK, INPUTS)).astype(np.float32)
    return past, np.zeros((size, HORIZON, 0), np.float32), np.ones((size, LOOKBACK), np.float32)
