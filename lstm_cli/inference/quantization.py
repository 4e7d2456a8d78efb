"""Smaller graphs: layers in 8-bit integers, or every weight stored in 16-bit floats."""

import contextlib
import io
import logging
from pathlib import Path

import numpy as np

LAYER_TYPES = ("LSTM", "MatMul", "Gemm")
MIN_WEIGHTS = 256  # weights; smaller tensors stay as they are, a Cast would cost more than it saves


def to_int8(model: bytes, *, scratch: Path, lstm_only: bool = True) -> bytes:
    """The graph with its LSTMs quantised dynamically: 8-bit weights, activations scaled as they come.

    lstm_only: for `segment`, whose linear forecast loses 3 to 16 % in int8; leaving single nodes out by name fails in
    silence, since they are renamed on the way. Else the linear layers too: that of `stacked` is half of a small
    network, and its error stays as it is (benchmarks/README.md). The pre-processing folds constants first; without
    it the LSTM's weights are no constants and stay in float. scratch: an empty folder for what is written on
    the way.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    source, folded, small = (scratch / f"{name}.onnx" for name in ("source", "folded", "small"))
    source.write_bytes(_without_shapes_of_weights(model))
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it advises to do what has just been done
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            quant_pre_process(str(source), str(folded), skip_symbolic_shape=True)
            quantize_dynamic(
                str(folded),
                str(small),
                op_types_to_quantize=["LSTM"] if lstm_only else list(LAYER_TYPES),
                weight_type=QuantType.QInt8,
            )
    finally:
        logging.disable(disabled)
    return small.read_bytes()


def _without_shapes_of_weights(model: bytes) -> bytes:
    """The graph without shapes noted for its weights: older ONNX Runtimes (1.24) transpose some and keep the note."""
    import onnx

    graph = onnx.load_model_from_string(model)
    weights = {tensor.name for tensor in graph.graph.initializer}
    noted = [value for value in graph.graph.value_info if value.name not in weights]
    del graph.graph.value_info[:]
    graph.graph.value_info.extend(noted)
    return bytes(graph.SerializeToString(deterministic=True))


def to_fp16(model: bytes) -> bytes:
    """The graph with its weights stored as 16-bit floats, each turned back into 32 bits once, when it is loaded.

    About half the size and the same speed. A tensor that does not fit into 16 bits stays as it is.
    """
    import onnx
    from onnx import helper, numpy_helper

    graph = onnx.load_model_from_string(model)
    casts = []
    for tensor in list(graph.graph.initializer):
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < MIN_WEIGHTS or np.abs(values).max() > np.finfo(np.float16).max:
            continue
        stored = f"{tensor.name}_fp16"
        casts.append(
            helper.make_node(
                "Cast", [stored], [tensor.name], name=f"{tensor.name}_cast", to=onnx.TensorProto.FLOAT
            )
        )
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    return bytes(graph.SerializeToString(deterministic=True))
