"""Tests of the check that an ONNX graph holds all its values, whatever the encoding of its protobuf."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from small_graph import small_graph

from lstm_cli.errors import CorruptArtifact
from lstm_cli.inference.onnx_format import MAX_DEPTH, require_self_contained
from lstm_cli.inference.session import open_session

GOLDEN = Path(__file__).parents[1] / "golden"


def external(name: str = "secret") -> TensorProto:
    """Return a tensor whose values are in /etc/hostname."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/hostname")
    return tensor


def sparse() -> onnx.SparseTensorProto:
    return onnx.SparseTensorProto(
        values=external(), indices=numpy_helper.from_array(np.array([0]), "indices"), dims=[4]
    )


def graph_of(*nodes: onnx.NodeProto, initializer: list[TensorProto] | None = None) -> onnx.GraphProto:
    return helper.make_graph(list(nodes), "inner", [], [], initializer=initializer or [])


def model_with(place: str) -> bytes:
    """Return a model with an external tensor at a place."""
    model = onnx.load_model_from_string(small_graph())
    constant = helper.make_node("Constant", [], ["c"], value=external())
    match place:
        case "initializer":
            model.graph.initializer.append(external())
        case "sparse initializer":
            model.graph.sparse_initializer.append(sparse())
        case "attribute":
            model.graph.node.append(constant)
        case "list of tensors":
            model.graph.node.append(helper.make_node("Op", [], ["c"], values=[external()]))
        case "sparse attribute":
            model.graph.node.append(helper.make_node("Constant", [], ["c"], sparse_value=sparse()))
        case "branch of If":
            branch = graph_of(constant, helper.make_node("If", ["a"], ["d"], then_branch=graph_of(constant)))
            model.graph.node.append(
                helper.make_node("If", ["a"], ["b"], then_branch=branch, else_branch=branch)
            )
        case "initializer of a loop":
            body = graph_of(initializer=[external()])
            model.graph.node.append(helper.make_node("Loop", ["a"], ["b"], body=body))
        case "function":
            model.functions.append(
                helper.make_function("own", "f", ["x"], ["c"], [constant], [helper.make_opsetid("", 18)])
            )
        case "default of a function":
            function = helper.make_function("own", "f", ["x"], ["c"], [], [helper.make_opsetid("", 18)])
            function.attribute_proto.append(helper.make_attribute("value", external()))
            model.functions.append(function)
        case "training":
            model.training_info.add().initialization.CopyFrom(graph_of(constant))
    return bytes(model.SerializeToString())


PLACES = (
    "initializer",
    "sparse initializer",
    "attribute",
    "list of tensors",
    "sparse attribute",
    "branch of If",
    "initializer of a loop",
    "function",
    "default of a function",
    "training",
)


@pytest.mark.parametrize("place", PLACES)
def test_values_in_another_file_are_refused_at_any_place(place: str) -> None:
    with pytest.raises(CorruptArtifact, match="has values in another file"):
        require_self_contained(model_with(place))


def varint(value: int, length: int = 0) -> bytes:
    """Return a number, with zeros at its end up to a length."""
    parts = []
    while value or not parts or len(parts) < length:
        parts.append(value & 0x7F)
        value >>= 7
    return bytes([*(part | 0x80 for part in parts[:-1]), parts[-1]])


def field(number: int, data: bytes, *, longer: int = 0) -> bytes:
    """Return a field of bytes, with `longer` bytes more for its tag and its size than necessary."""
    tag, size = varint(number << 3 | 2), varint(len(data))
    return varint(number << 3 | 2, len(tag) + longer) + varint(len(data), len(size) + longer) + data


def location(longer: int, *, swapped: bool = False) -> bytes:
    """Return a model with one initializer that is external, in an encoding that onnx does not write."""
    key, value = field(1, b"location", longer=longer), field(2, b"/etc/hostname", longer=longer)
    entry = field(13, value + key if swapped else key + value, longer=longer)
    tensor = b"\x08\x01\x10\x01" + field(8, b"x") + varint(14 << 3, 1 + longer) + b"\x01" + entry
    return small_graph() + field(7, field(5, tensor, longer=longer), longer=longer)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("longer", [0, 1, 2])
def test_longer_numbers_and_another_order_do_not_hide_a_file(longer: int, swapped: bool) -> None:
    """0.1.0 looked for the bytes `0a 08 location`, which a longer number passes."""
    model = location(longer, swapped=swapped)
    parsed = onnx.load_model_from_string(model)
    assert parsed.graph.initializer[-1].external_data[0].value == "/etc/hostname"
    with pytest.raises(CorruptArtifact, match="has values in another file"):
        open_session(model, threads=1)


@pytest.mark.parametrize("value", [1, 2, 1 << 32 | 1, 1 << 63])
def test_the_location_alone_is_refused(value: int) -> None:
    """A number above 32 bits is cut by protobuf."""
    tensor = b"\x08\x01\x10\x01" + varint(14 << 3) + varint(value)
    with pytest.raises(CorruptArtifact, match="has values in another file"):
        require_self_contained(field(7, field(5, tensor)))


def test_a_tensor_that_says_it_holds_its_values_is_accepted() -> None:
    model = onnx.load_model_from_string(small_graph())
    for tensor in model.graph.initializer:
        tensor.data_location = TensorProto.DEFAULT
    require_self_contained(model.SerializeToString())


@pytest.mark.parametrize("path", sorted(GOLDEN.rglob("*.onnx")), ids=lambda path: "-".join(path.parts[-5:-1]))
def test_the_graphs_of_older_releases_are_accepted(path: Path) -> None:
    require_self_contained(path.read_bytes())


MALFORMED = {
    "empty": b"",
    "field 0": b"\x00\x01",
    "a group": b"\x3b\x3c",
    "the end of a group": b"\x3c",
    "wire type 7": b"\x3f",
    "a number without end": b"\x08" + b"\xff" * 11,
    "a cut number": b"\x08\xff",
    "a cut field": b"\x3a\x05ab",
    "a field longer than its message": field(7, b"\x0a\x7f"),
    "a cut 8-byte number": b"\x09abc",
    "a tag above 32 bits": varint((1 << 40) | 0x3A) + b"\x00",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_protobuf_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptArtifact, match="cannot be loaded"):
        require_self_contained(data)


def test_deep_graphs_are_refused() -> None:
    def nested(depth: int) -> bytes:
        data = b""
        for _ in range(depth):  # an attribute with a graph, in a node
            data = field(1, field(5, field(6, data)))
        return field(7, data)

    require_self_contained(nested((MAX_DEPTH - 2) // 3))
    with pytest.raises(CorruptArtifact, match="nested too deeply"):
        require_self_contained(nested(MAX_DEPTH))


def test_the_format_of_onnx_runtime_is_not_recognized() -> None:
    """Its first bytes could also be those of protobuf: here, a field with the name of the producer."""
    ort = field(2, b"\x00\x00ORTM" + bytes(20))
    assert ort[4:8] == b"ORTM"
    require_self_contained(ort)
    with pytest.raises(CorruptArtifact, match="cannot be loaded") as caught:
        open_session(ort, threads=1)
    assert "ORT format" not in caught.value.message
