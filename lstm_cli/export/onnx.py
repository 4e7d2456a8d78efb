"""A torch model as one ONNX file with an open batch axis, the bounds of the forecast inside."""

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

OPSET = 18  # what torch's exporter writes natively since 2.6: no conversion on the way
WEIGHT_PREFIX = "model."  # how the names of a model's weights begin inside of `Bounded`
FOLD_LIMIT = 1 << 26  # bytes: every constant of a forecaster is smaller


def export_versions(
    models: Sequence[nn.Module],
    *,
    inputs: int,
    known_ahead: int,
    lower: Tensor | None,
    upper: Tensor | None,
    on_export: Callable[[], None] = lambda: None,
) -> list[bytes]:
    """Return an ONNX file's bytes for each model, which forecasts as the model does, without dropout.

    models: see `lstm_cli.models`, on any device; they are left as they are. They differ in their weights alone: the
    first is traced, which takes seconds, and the others' weights are put into its graph. `check_agreement` tells
    whether that was so. inputs F, known_ahead K (may be 0: the input `future` then has zero width). lower, upper [C]
    in scaled units, or None; they may hold infinities. made: called after the trace and after each model.

    The graph takes past [batch, L, F], future [batch, H, K] and mask [batch, L], all float32, and gives
    forecast [batch, H, C]; beside it parts [batch, H, C, P] where the model combines P of them. Equal weights
    give equal bytes; no text of the machine that wrote it stays inside.
    """
    graph = trace_graph(models[0], inputs=inputs, known_ahead=known_ahead, lower=lower, upper=upper)
    on_export()
    graphs = []
    for one in models:
        with preserve_interrupts(), quiet(), torch.no_grad():
            graphs.append(_finished(graph, one))
        on_export()
    return graphs


def trace_graph(
    model: nn.Module, *, inputs: int, known_ahead: int, lower: Tensor | None, upper: Tensor | None
) -> "onnx.ModelProto":
    """The graph of a model as the exporter writes it, with every weight under its name."""
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
            optimize=False,  # weights keep their names until every version has its own
        )
        assert program is not None
        return program.model_proto


def _finished(traced: "onnx.ModelProto", model: nn.Module) -> bytes:
    """The traced graph with the weights of `model`, simplified."""
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
    # Torch orders the gates of an LSTM otherwise than ONNX: its weights are slices put together anew.
    # Doing so here makes them constants, which quantising needs, and spares every start the work.
    fold_constants(program, input_size_limit=FOLD_LIMIT, output_size_limit=FOLD_LIMIT)
    return _plain(ir.to_proto(program))


def check_agreement(model: bytes, network: nn.Module, past: Tensor, future: Tensor, mask: Tensor) -> float:
    """The largest |difference| of the forecasts of an ONNX file and of the torch model that it was made from.

    past [B, L, F], future [B, H, K], mask [B, L], scaled; returns it in scaled units, NaN where either holds
    one. The torch model is put into evaluation mode and back. Bounds in the file count as a difference: for
    a file with bounds, compare a module that has them too.
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
    found = session.forecast_with_parts(*inputs) if len(outputs) > 1 else (session(*inputs),)
    differences = [
        float(np.abs(ours - torchs.cpu().numpy()).max(initial=0.0))
        for ours, torchs in zip(found, outputs, strict=True)
    ]
    return float(np.max(differences))  # NaN where any is


def _float32(bound: Tensor | None) -> Tensor | None:
    return None if bound is None else bound.detach().to("cpu", torch.float32)


def _plain(model: "onnx.ModelProto") -> bytes:
    """The model without what tells of the machine that wrote it: stack traces, paths, torch's own names."""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for part in (*model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
    model.graph.doc_string = model.doc_string = ""
    del model.graph.metadata_props[:], model.metadata_props[:]
    return bytes(model.SerializeToString(deterministic=True))
