"""Builder of an ONNX graph, whose values have the operators of a tensor.

    graph = Graph(model)
    past = graph.input("past", 48, 1)  # [batch, 48, 1]
    graph.output("forecast", past - past.mean(1), 48, 1)

A node or constant that the graph has already is used again. Weights are never merged, even if they are equal, so two
models with the same settings have the same nodes.
"""

from collections.abc import Sequence
from typing import Any, Union

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET, IR_VERSION = 18, 10  # the lowest version of ONNX Runtime, 1.20, reads both
BATCH = "batch"  # name of the open axis
END = np.iinfo(np.int64).max  # end of a slice that has all that follows
Operand = Union["Value", Tensor, np.ndarray, float]


class Value:
    """Result of a node. Each method adds a node, and a reduction keeps its axis with length 1."""

    def __init__(self, graph: "Graph", name: str) -> None:
        self.graph, self.name = graph, name

    def __add__(self, other: Operand) -> "Value":
        return self.graph.add("Add", self, other)

    def __sub__(self, other: Operand) -> "Value":
        return self.graph.add("Sub", self, other)

    def __mul__(self, other: Operand) -> "Value":
        return self.graph.add("Mul", self, other)

    def __truediv__(self, other: Operand) -> "Value":
        return self.graph.add("Div", self, other)

    def __matmul__(self, other: Operand) -> "Value":
        return self.graph.add("MatMul", self, other)

    def sum(self, axis: int) -> "Value":
        """Return the sum over an axis."""
        return self.graph.add("ReduceSum", self, integers(axis), keepdims=1)

    def mean(self, axis: int) -> "Value":
        """Return the mean over an axis."""
        return self.graph.add("ReduceMean", self, integers(axis), keepdims=1)

    def maximum(self, axis: int) -> "Value":
        """Return the maximum over an axis."""
        return self.graph.add("ReduceMax", self, integers(axis), keepdims=1)

    def minimum(self, axis: int) -> "Value":
        """Return the minimum over an axis."""
        return self.graph.add("ReduceMin", self, integers(axis), keepdims=1)

    def softmax(self, axis: int) -> "Value":
        """Return the softmax over an axis."""
        return self.graph.add("Softmax", self, axis=axis)

    def last(self, axis: int, count: int) -> "Value":
        """Return the last values of an axis."""
        return self.graph.add("Slice", self, integers(-count), integers(END), integers(axis))

    def first(self, axis: int, count: int) -> "Value":
        """Return the first values of an axis."""
        return self.graph.add("Slice", self, integers(0), integers(count), integers(axis))

    def take(self, axis: int, indices: int | Sequence[int] | np.ndarray) -> "Value":
        """Return the values at constant indices [...], whose axes replace the axis."""
        return self.graph.add("Gather", self, np.asarray(indices, np.int64), axis=axis)

    def reshape(self, *shape: int) -> "Value":
        """Return the values in another shape: 0 keeps the length of an axis, and -1 is what remains."""
        return self.graph.add("Reshape", self, integers(*shape))

    def transpose(self, *axes: int) -> "Value":
        """Return the values with their axes in another order."""
        return self.graph.add("Transpose", self, perm=axes)

    def unsqueeze(self, *axes: int) -> "Value":
        """Return the values with additional axes of length 1."""
        return self.graph.add("Unsqueeze", self, integers(*axes))

    def squeeze(self, axis: int) -> "Value":
        """Return the values without an axis of length 1."""
        return self.graph.add("Squeeze", self, integers(axis))

    def to_integers(self, bits: int = 64) -> "Value":
        """Return the values as integers."""
        return self.graph.add("Cast", self, to=TensorProto.INT64 if bits == 64 else TensorProto.INT32)

    def to_floats(self) -> "Value":
        """Return the values as 32-bit floats."""
        return self.graph.add("Cast", self, to=TensorProto.FLOAT)


class Graph:
    """Graph of a model. Its weights keep their names."""

    def __init__(self, model: nn.Module) -> None:
        self._names = {id(value): name for name, value in (*model.named_parameters(), *model.named_buffers())}
        self._nodes: list[onnx.NodeProto] = []
        self._results: dict[tuple[Any, ...], tuple[Value, ...]] = {}  # of each node
        self._constants: dict[tuple[Any, ...], str] = {}
        self._tensors: dict[str, onnx.TensorProto] = {}  # weights and constants
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def input(
        self, name: str, *shape: int | str, kind: int = TensorProto.FLOAT, batch_axis: int = 0
    ) -> Value:
        """Add an input, by default [batch, *shape].

        Args:
            name: name of the input.
            *shape: shape without the batch; a name is an open axis.
            kind: type of ONNX.
            batch_axis: place of the batch in the shape.
        """
        self._inputs.append(_information(name, kind, shape, batch_axis))
        return Value(self, name)

    def output(self, name: str, value: Value, *shape: int | str, batch_axis: int = 0) -> None:
        """Make a value an output of 32-bit floats, by default [batch, *shape].

        Args:
            name: name of the output, and new name of the value.
            value: value.
            *shape: shape without the batch; a name is an open axis.
            batch_axis: place of the batch in the shape.
        """
        for node in self._nodes:
            for names in (node.input, node.output):
                names[:] = [name if other == value.name else other for other in names]
        value.name = name
        self._outputs.append(_information(name, TensorProto.FLOAT, shape, batch_axis))

    def add(self, operator: str, *inputs: Operand | None, **attributes: Any) -> Value:
        """Return the result of an operator.

        Args:
            operator: operator of ONNX.
            *inputs: values, weights and constants; None for an input that is left out.
            **attributes: Attributes of the operator.
        """
        return self.add_many(operator, 1, *inputs, **attributes)[0]

    def add_many(
        self, operator: str, outputs: int, *inputs: Operand | None, **attributes: Any
    ) -> tuple[Value, ...]:
        """Return the results of an operator with several outputs.

        Args:
            operator: operator of ONNX.
            outputs: number of outputs.
            *inputs: values, weights and constants; None for an input that is left out.
            **attributes: Attributes of the operator.
        """
        names = ["" if value is None else self._name(value) for value in inputs]
        key = (operator, outputs, *names, *attributes.items())
        if key not in self._results:
            first = f"{operator}_{len(self._nodes)}"
            results = [first, *(f"{first}_{number}" for number in range(1, outputs))]
            self._nodes.append(helper.make_node(operator, names, results, name=first, **attributes))
            self._results[key] = tuple(Value(self, result) for result in results)
        return self._results[key]

    def weight(self, values: Tensor, like: Tensor, part: str = "") -> Value:
        """Return a weight in the form that an operator needs, such as its transpose.

        Args:
            values: values in this form.
            like: parameter or buffer of the model that gives the name.
            part: end of the name, if several weights are made of one.
        """
        name = self._names[id(like)] + part
        if name not in self._tensors:
            self._add_tensor(name, values)
        return Value(self, name)

    def to_bytes(self) -> bytes:
        """Return the bytes of the file. The same weights give the same bytes, without text of this machine."""
        nodes, used = self._live_nodes()
        tensors = [tensor for name, tensor in self._tensors.items() if name in used]
        model = helper.make_model(
            helper.make_graph(nodes, "lstm", self._inputs, self._outputs, tensors),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="lstm",
        )
        return bytes(model.SerializeToString(deterministic=True))

    def _live_nodes(self) -> tuple[list[onnx.NodeProto], set[str]]:
        """Return the nodes that an output depends on, and the names that they and the outputs use."""
        used = {output.name for output in self._outputs}
        nodes = []
        for node in reversed(self._nodes):
            if used.isdisjoint(node.output):
                continue
            # An operator does not compute an output without a name.
            kept = [name if name in used else "" for name in node.output]
            while not kept[-1]:
                kept.pop()
            node.output[:] = kept
            used.update(node.input)
            nodes.append(node)
        return nodes[::-1], used

    def _name(self, value: Operand) -> str:
        """Return the name of a value, weight or constant. Weights and constants are added to the graph."""
        if isinstance(value, Value):
            return value.name
        if isinstance(value, Tensor):
            name = self._names.get(id(value), f"weight_{len(self._tensors)}")
            if name not in self._tensors:
                self._add_tensor(name, value)
            return name
        array = value if isinstance(value, np.ndarray) else np.array(value, np.float32)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = f"constant_{len(self._constants)}"
            self._tensors[self._constants[key]] = numpy_helper.from_array(array, self._constants[key])
        return self._constants[key]

    def _add_tensor(self, name: str, values: Tensor) -> None:
        array = values.detach().float().cpu().contiguous().numpy()
        self._tensors[name] = numpy_helper.from_array(array, name)


def _information(name: str, kind: int, shape: Sequence[int | str], batch_axis: int) -> onnx.ValueInfoProto:
    """Return the description of an input or output, with the open axis of the batch."""
    axes = [*shape[:batch_axis], BATCH, *shape[batch_axis:]]
    return helper.make_tensor_value_info(name, kind, axes)


def integers(*values: int) -> np.ndarray:
    """Return a constant list of integers."""
    return np.array(values, np.int64)
