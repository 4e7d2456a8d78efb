"""Check of ONNX bytes before a library reads them: the protobuf is well formed, and no values are in another file.

A tensor of ONNX can name a file and an offset for its values. ONNX Runtime would open that file, wherever it is. The
fields are read here as protobuf encodes them, because the same field can be encoded in many ways. ORT and onnx must not
see more fields than this reader, so it refuses what no writer of ONNX makes, such as groups.

https://protobuf.dev/programming-guides/encoding, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from lstm_cli.errors import CorruptArtifact

TRAIN_AGAIN = "train the model again"
MAX_BYTES = 1 << 31  # protobuf refuses larger messages
MAX_DEPTH = 100  # of messages, as in protobuf
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types; 3 and 4 are groups
_EXTERNAL = (13, 14)  # fields external_data and data_location of a tensor

Fields = dict[int, "str"]  # number of a field -> kind of its message
# The fields on each way to a tensor.
_MESSAGES: dict[str, Fields] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse tensor",
        23: "sparse tensor",
    },
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {},
}


def require_self_contained(model: bytes) -> None:
    """Raise CorruptArtifact if an ONNX model is not well-formed protobuf, or has values in another file."""
    try:
        external = _has_external_values(model)
    except ValueError as error:
        raise CorruptArtifact(
            f"the ONNX graph of the model cannot be loaded: {error}", hint=TRAIN_AGAIN
        ) from None
    if external:
        raise CorruptArtifact("the ONNX graph of the model has values in another file", hint=TRAIN_AGAIN)


def _has_external_values(model: bytes) -> bool:
    """Return whether a tensor of the model names another file. Raise ValueError for malformed protobuf."""
    if not model or len(model) >= MAX_BYTES:
        raise ValueError("it is empty or too large")
    pending = [(0, len(model), "model")]
    while pending:
        at, end, kind = pending.pop()
        messages = _MESSAGES[kind]
        while at < end:
            tag = model[at]
            if tag < 0x80:
                at += 1
            else:
                tag, at = _read_varint(model, at, end)
            number, wire = tag >> 3, tag & 7
            if not 0 < number < 1 << 29:  # a longer tag would be cut by other readers
                raise ValueError(f"invalid protobuf, field {number}")
            if kind == "tensor" and number in _EXTERNAL:
                # data_location 0 means that the tensor holds its values.
                value, at = _read_varint(model, at, end) if wire == VARINT else (1, at)
                if number == 13 or value:
                    return True
            elif wire == BYTES:
                size, at = _read_varint(model, at, end)
                if number in messages and at + size <= end:
                    if len(pending) == MAX_DEPTH:
                        raise ValueError("its graphs are nested too deeply")
                    pending.append((at + size, end, kind))  # read on after this message
                    end, kind = at + size, messages[number]
                    messages = _MESSAGES[kind]
                else:
                    at += size
            elif wire == VARINT:
                _, at = _read_varint(model, at, end)
            elif wire in (FIXED64, FIXED32):
                at += 8 if wire == FIXED64 else 4
            else:
                raise ValueError(f"invalid protobuf, wire type {wire}")
            if at > end:
                raise ValueError("invalid protobuf, a field ends after its message")
    return False


def _read_varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the whole number at a position, and the position after it. Raise ValueError if it is not complete.

    Args:
        data: protobuf.
        at: position of its first byte.
        end: end of the message.
    """
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("invalid protobuf, a number does not end")
