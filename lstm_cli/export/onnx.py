"""Export of torch models as ONNX files with a free batch size and the bounds of the forecast."""

import copy
from collections.abc import Callable, Sequence

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from lstm_cli.export.clipped_model import ClippedModel, example_windows
from lstm_cli.export.quiet import quiet
from lstm_cli.inference.session import INPUTS, OUTPUT, PARTS, open_session
from lstm_cli.interrupts import preserve_interrupts
from lstm_cli.models.mixture import Mixture

OPSET = 18  # native to the torch exporter since 2.6, so no conversion is needed
WEIGHT_PREFIX = "model."  # prefix of the weight names in `ClippedModel`
FOLD_LIMIT = 1 << 26  # bytes; every constant of a model is smaller


def export_versions(
    models: Sequence[nn.Module],
    *,
    inputs: int,
    known_ahead: int,
    lower: Tensor | None,
    upper: Tensor | None,
    on_export: Callable[[], None] = lambda: None,
) -> list[bytes]:
    """Return the bytes of an ONNX file for each model, without dropout.

    The inputs of the graph are past [batch, L, F], future [batch, H, K] and mask [batch, L], all float32. The output is
    forecast [batch, H, C]. A model that combines P forecasts has a second output, parts [batch, H, C, P]. The same
    weights give the same bytes. The file has no text from this machine.

    Tracing takes seconds, so only the first model is traced. The weights of the others are inserted into its graph.
    `check_agreement` verifies the result.

    Args:
        models: Models of `lstm_cli.models` on any device, which differ only in their weights. They are not changed.
        inputs: Number of past inputs F.
        known_ahead: Number of known-ahead inputs K; if it is 0, the input `future` has zero width.
        lower: Lower bounds [C], scaled; infinite or None: no bound.
        upper: Upper bounds [C], scaled; infinite or None: no bound.
        on_export: Function that is called after the trace and after each model.
    """
    graph = trace_graph(models[0], inputs=inputs, known_ahead=known_ahead, lower=lower, upper=upper)
    on_export()
    graphs = []
    for model in models:
        with preserve_interrupts(), quiet(), torch.no_grad():
            graphs.append(_insert_weights(graph, model))
        on_export()
    return graphs


def trace_graph(
    model: nn.Module, *, inputs: int, known_ahead: int, lower: Tensor | None, upper: Tensor | None
) -> "onnx.ModelProto":
    """Return the graph of a model from the exporter, in which all weights keep their names.

    Args:
        model: Model to trace.
        inputs: Number of past inputs F.
        known_ahead: Number of known-ahead inputs K.
        lower: Lower bounds [C], scaled; infinite or None: no bound.
        upper: Upper bounds [C], scaled; infinite or None: no bound.
    """
    bounded = ClippedModel(copy.deepcopy(model), _float32(lower), _float32(upper)).to("cpu").eval()
    example = example_windows(model, inputs=inputs, known_ahead=known_ahead)
    batch = torch.export.Dim("batch")
    with preserve_interrupts(), quiet(), torch.no_grad():
        program = torch.onnx.export(
            bounded,
            example,
            input_names=list(INPUTS),
            output_names=[OUTPUT, PARTS] if isinstance(model, Mixture) else [OUTPUT],
            dynamic_shapes={name: {0: batch} for name in INPUTS},
            dynamo=True,
            opset_version=OPSET,
            external_data=False,
            verbose=False,
            optimize=False,  # keeps the names of the weights for `_insert_weights`
        )
        assert program is not None
        return program.model_proto


def _insert_weights(traced: "onnx.ModelProto", model: nn.Module) -> bytes:
    """Return the traced graph with the weights of `model`, optimized."""
    from onnx import numpy_helper
    from onnxscript import ir
    from onnxscript.optimizer import fold_constants, optimize

    graph = onnx.ModelProto()
    graph.CopyFrom(traced)
    weights = {f"{WEIGHT_PREFIX}{name}": value for name, value in model.state_dict().items()}
    for tensor in graph.graph.initializer:
        if tensor.name in weights:
            tensor.CopyFrom(numpy_helper.from_array(weights[tensor.name].cpu().numpy(), tensor.name))
    program = ir.from_proto(graph)
    optimize(program)
    # Torch and ONNX order the gates of an LSTM differently, so the graph slices and concatenates the weights.
    # Folding makes them constants, which quantization needs, and which load faster.
    fold_constants(program, input_size_limit=FOLD_LIMIT, output_size_limit=FOLD_LIMIT)
    return _serialize(ir.to_proto(program))


def check_agreement(model: bytes, network: nn.Module, past: Tensor, future: Tensor, mask: Tensor) -> float:
    """Return the largest absolute difference between the forecasts of an ONNX file and its torch model.

    The torch model is set to evaluation mode and back. For a file with bounds, use a torch model with the same bounds.

    Args:
        model: Bytes of the ONNX file.
        network: Torch model.
        past: Inputs [B, L, F], scaled.
        future: Known-ahead inputs [B, H, K], scaled.
        mask: 1 for a step of the series, 0 for padding [B, L].

    Returns:
        The difference in scaled units; NaN if a forecast is NaN.
    """
    training = network.training
    network.eval()
    try:
        device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
        with torch.no_grad():
            expected = network(past.to(device), future.to(device), mask.to(device))
    finally:
        network.train(training)
    session = open_session(model, threads=None)
    inputs = [side.cpu().numpy() for side in (past, future, mask)]
    outputs = expected if isinstance(expected, tuple) else (expected,)
    actual = session.forecast_with_parts(*inputs) if len(outputs) > 1 else (session(*inputs),)
    differences = [
        float(np.abs(values - tensor.cpu().numpy()).max(initial=0.0))
        for values, tensor in zip(actual, outputs, strict=True)
    ]
    return float(np.max(differences))  # NaN if any difference is NaN


def _float32(bound: Tensor | None) -> Tensor | None:
    return None if bound is None else bound.detach().to("cpu", torch.float32)


def _serialize(model: "onnx.ModelProto") -> bytes:
    """Return the bytes of the model without metadata of this machine (stack traces, paths, names of torch)."""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for part in (*model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
    model.graph.doc_string = model.doc_string = ""
    del model.graph.metadata_props[:], model.metadata_props[:]
    return bytes(model.SerializeToString(deterministic=True))
