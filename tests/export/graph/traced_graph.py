"""Graph of a model from the exporter of torch, with which the tests compare ours."""

import copy

import onnx
import torch
from onnxscript import ir
from onnxscript.optimizer import fold_constants, optimize
from torch import Tensor, nn

from lstm_cli.export.clipped_model import ClippedModel, example_windows
from lstm_cli.export.quiet import quiet
from lstm_cli.inference.session import INPUTS, OUTPUT, PARTS
from lstm_cli.models.mixture import Mixture

OPSET = 18
FOLD_LIMIT = 1 << 26  # bytes; every constant of a model is smaller


def trace_graph(
    model: nn.Module,
    *,
    inputs: int,
    known_ahead: int,
    lower: Tensor | None = None,
    upper: Tensor | None = None,
) -> bytes:
    """Return the bytes of the traced and simplified graph, which take seconds.

    Args:
        model: model to trace.
        inputs: number of past inputs F.
        known_ahead: number of known-ahead inputs K.
        lower: lower bounds [C], scaled; infinite or None: no bound.
        upper: upper bounds [C], scaled; infinite or None: no bound.
    """
    bounded = ClippedModel(copy.deepcopy(model), lower, upper).eval()
    batch = torch.export.Dim("batch")
    with quiet(), torch.no_grad():
        program = torch.onnx.export(
            bounded,
            example_windows(model, inputs=inputs, known_ahead=known_ahead),
            input_names=list(INPUTS),
            output_names=[OUTPUT, PARTS] if isinstance(model, Mixture) else [OUTPUT],
            dynamic_shapes={name: {0: batch} for name in INPUTS},
            dynamo=True,
            opset_version=OPSET,
            external_data=False,
            verbose=False,
            optimize=False,
        )
        assert program is not None
        traced = ir.from_proto(program.model_proto)
        optimize(traced)
        # The graph slices the weights of an LSTM for its order of gates. Only constants are quantized.
        fold_constants(traced, input_size_limit=FOLD_LIMIT, output_size_limit=FOLD_LIMIT)
        return _serialize(ir.to_proto(traced))


def _serialize(model: onnx.ModelProto) -> bytes:
    """Return the bytes of the model without the exporter's text, which would make it larger."""
    graph = model.graph
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
    graph.doc_string = model.doc_string = ""
    del graph.metadata_props[:], model.metadata_props[:]
    return bytes(model.SerializeToString())
