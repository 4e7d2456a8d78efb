"""Quantization of ONNX graphs to int8 layers or fp16 weights."""

import contextlib
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lstm_cli.errors import CorruptArtifact, LstmError
from lstm_cli.inference.onnx_format import TRAIN_AGAIN
from lstm_cli.inference.onnx_runtime import error_text, import_onnxruntime

LAYER_TYPES = ("LSTM", "MatMul", "Gemm")
MIN_WEIGHTS = 256  # smaller tensors are not converted, because the Cast node costs more than it saves


@contextlib.contextmanager
def _reading_graph() -> Iterator[None]:
    """Raise CorruptArtifact for an unexpected error in the block, because the content of the graph caused it."""
    try:
        yield
    except (LstmError, OSError, MemoryError):
        raise
    except Exception as error:  # the libraries can raise any class for a forged graph
        raise CorruptArtifact(
            f"the ONNX graph of the model cannot be quantized ({type(error).__name__}: {error_text(error)})",
            hint=TRAIN_AGAIN,
        ) from error


@_reading_graph()
def to_int8(model: bytes, *, scratch: Path, lstm_only: bool = True) -> bytes:
    """Return the graph with dynamic int8 quantization: int8 weights, and activations that are scaled at run time.

    Pre-processing folds constants first. Without it, the LSTM weights are not constants and stay in float.

    Args:
        model: ONNX graph.
        scratch: Empty folder for temporary files.
        lstm_only: True quantizes only the LSTMs. `segment` needs this, because int8 makes the error of its linear
            forecast 3 to 16 % larger. Excluding single nodes by name does not work, because pre-processing renames
            them. False also quantizes the linear layers. In `stacked` they are half of a small network, and its error
            does not change (benchmarks/README.md).
    """
    import_onnxruntime()
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    source, folded, quantized = (scratch / f"{name}.onnx" for name in ("source", "folded", "quantized"))
    source.write_bytes(_remove_weight_shapes(model))
    disabled = logging.root.manager.disable
    # It recommends pre-processing, which has just been done. It logs errors that it also raises.
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            quant_pre_process(str(source), str(folded), skip_symbolic_shape=True)
            quantize_dynamic(
                str(folded),
                str(quantized),
                op_types_to_quantize=["LSTM"] if lstm_only else list(LAYER_TYPES),
                weight_type=QuantType.QInt8,
            )
    finally:
        logging.disable(disabled)
    return quantized.read_bytes()


def _remove_weight_shapes(model: bytes) -> bytes:
    """Remove recorded shapes of weights. ONNX Runtime 1.24 transposes some weights and keeps their old shapes."""
    import onnx

    graph = onnx.load_model_from_string(model)
    weights = {tensor.name for tensor in graph.graph.initializer}
    kept = [value for value in graph.graph.value_info if value.name not in weights]
    del graph.graph.value_info[:]
    graph.graph.value_info.extend(kept)
    return bytes(graph.SerializeToString(deterministic=True))


@_reading_graph()
def to_fp16(model: bytes) -> bytes:
    """Return the graph with fp16 weights, which are converted to fp32 once when the graph is loaded.

    The file is about half as large and forecasts are as fast. A tensor with values too large for fp16 stays fp32.
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
