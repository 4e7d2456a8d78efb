"""ONNX graphs that another person could put into a run: endless loops, slow loading, and random changes."""

import random
from pathlib import Path

import numpy as np
import onnx
from golden_run import forge
from onnx import TensorProto, helper, numpy_helper

GRAPHS = (
    Path("model/0001/model.onnx"),
    Path("model/0001/validated.onnx"),
    Path("quantized/0001/model.onnx"),
)
NAME = "\x1b[31mred\x1b[m\x07"
ENDLESS = 2**62
FOLDED = 6000  # rows of matrices that are multiplied when the graph is loaded: 400 times, for minutes


def replace_graphs(run: Path, graph: bytes) -> None:
    """Put a graph in place of each graph of a run, with valid checksums."""
    for file in GRAPHS:
        forge(run, file, graph)


def read_graph(run: Path) -> onnx.ModelProto:
    return onnx.load_model_from_string((run / GRAPHS[0]).read_bytes())


def endless_graph(like: onnx.ModelProto, *, is_empty: bool) -> bytes:
    """Return a graph with the inputs and outputs of another, whose loop runs 2^62 times.

    is_empty: the loop has no node, so that ONNX Runtime never looks whether it must stop.
    """
    scalar = helper.make_tensor_value_info
    nodes = [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Add", ["x", "x"], ["y"])]
    outputs = ["go", "x"] if is_empty else ["go_on", "y"]
    body = helper.make_graph(
        [] if is_empty else nodes,
        "body",
        [
            scalar("i", TensorProto.INT64, []),
            scalar("go", TensorProto.BOOL, []),
            scalar("x", TensorProto.FLOAT, []),
        ],
        [scalar(outputs[0], TensorProto.BOOL, []), scalar(outputs[1], TensorProto.FLOAT, [])],
    )
    first = [
        helper.make_node("ReduceSum", ["past"], ["begin"], keepdims=0),
        helper.make_node("Loop", ["times", "yes", "begin"], ["value"], body=body),
    ]
    constants = {"times": np.array(ENDLESS), "yes": np.array(True)}
    return _expanded(like, first, constants)


def failing_graph(like: onnx.ModelProto) -> bytes:
    """Return a graph with the inputs and outputs of another, whose node NAME fails when it runs."""
    nodes = [
        helper.make_node("Gather", ["past", "far"], [NAME], name=NAME, axis=1),
        helper.make_node("ReduceSum", [NAME], ["value"], keepdims=0),
    ]
    return _expanded(like, nodes, {"far": np.array(10**6)})


def slow_graph(like: onnx.ModelProto) -> bytes:
    """Return a graph with the inputs and outputs of another, which takes minutes to load."""
    nodes = [helper.make_node("ConstantOfShape", ["shape_of_matrix"], ["m0"])]
    nodes += [helper.make_node("MatMul", [f"m{step}", "m0"], [f"m{step + 1}"]) for step in range(400)]
    nodes += [helper.make_node("ReduceSum", ["m400"], ["value"], keepdims=0)]
    return _expanded(like, nodes, {"shape_of_matrix": np.array([FOLDED, FOLDED])})


def _expanded(like: onnx.ModelProto, nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray]) -> bytes:
    """Return a graph of nodes that make `value`, which is repeated in each output."""
    shapes = {
        output.name: [dimension.dim_value for dimension in output.type.tensor_type.shape.dim[1:]]
        for output in like.graph.output
    }
    nodes = [*nodes, helper.make_node("Shape", ["past"], ["batch"], start=0, end=1)]
    for name, shape in shapes.items():
        constants |= {f"{name}_rest": np.array(shape)}
        nodes += [
            helper.make_node("Concat", ["batch", f"{name}_rest"], [f"{name}_shape"], axis=0),
            helper.make_node("Expand", ["value", f"{name}_shape"], [name]),
        ]
    graph = helper.make_graph(
        nodes,
        NAME,
        list(like.graph.input),
        list(like.graph.output),
        initializer=[numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return bytes(model.SerializeToString())


def changed_graph(model: onnx.ModelProto, rng: random.Random) -> bytes:
    """Return the graph after one random change: of its bytes, or of its nodes, names, shapes and weights."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    node = rng.choice(graph.node)
    match rng.randrange(10):
        case 0:
            data = bytearray(model.SerializeToString())
            for _ in range(rng.choice((1, 3, 10))):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            return bytes(data)
        case 1:
            data = bytearray(model.SerializeToString())
            at = rng.randrange(len(data))
            data[at : at + rng.choice((0, 1, 8))] = rng.randbytes(rng.choice((0, 1, 8)))
            return bytes(data)
        case 2:
            node.op_type = rng.choice(
                ["Add", "If", "Loop", "Cast", "Einsum", NAME, rng.choice(graph.node).op_type]
            )
        case 3:
            node.input[:] = rng.sample([*node.input, NAME, "past"], rng.randint(0, len(node.input)))
        case 4:
            node.name = NAME
            node.output[0] = rng.choice([NAME, "past", ""])
        case 5:
            node.domain = rng.choice([NAME, "com.microsoft", "ai.onnx.ml"])
        case 6:
            for attribute in node.attribute:
                attribute.i, attribute.ints[:] = rng.choice([-1, 0, 99, 2**62]), [rng.choice([-1, 0, 7])]
        case 7:
            tensor = rng.choice(graph.initializer)
            tensor.name = rng.choice([tensor.name, NAME])
            tensor.dims[:] = rng.choice([[], [0], [3, 5], [2**40]])
        case 8:
            rng.choice([*graph.input, *graph.output]).type.tensor_type.shape.dim.add().dim_value = 3
        case _:
            changed.opset_import[0].version = rng.choice([0, 5, 9, 999])
    return bytes(changed.SerializeToString())
