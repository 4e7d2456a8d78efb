"""A torch model as one ONNX file with an open batch axis, the bounds of the forecast inside."""

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from lstm_cli.models.combined import Combined
from lstm_cli.runtime.session import INPUTS, OUTPUT, PARTS, open_session

OPSET = 18  # what torch's exporter writes natively since 2.6: no conversion on the way
WITHIN = "model."  # how the names of a model's weights begin inside of `Bounded`
FOLD_LIMIT = 1 << 26  # bytes: every constant of a forecaster is smaller


class Bounded(nn.Module):
    """The model, its forecast held between `lower` and `upper` [C] (scaled; infinite: no bound).

    With the forecasts of its parts beside it, where it combines several.
    """

    lower: Tensor | None
    upper: Tensor | None

    def __init__(self, model: nn.Module, lower: Tensor | None, upper: Tensor | None) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("lower", lower)
        self.register_buffer("upper", upper)

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        if isinstance(self.model, Combined):
            each = self.model.each(past, future, mask)
            return self._held(self.model.mixed(each)), each
        return (self._held(self.model(past, future, mask)),)

    def _held(self, forecast: Tensor) -> Tensor:
        if self.lower is not None:
            forecast = torch.maximum(forecast, self.lower)
        if self.upper is not None:
            forecast = torch.minimum(forecast, self.upper)
        return forecast


def export_onnx(
    model: nn.Module, *, inputs: int, known_ahead: int, lower: Tensor | None, upper: Tensor | None
) -> bytes:
    """The bytes of one ONNX file that forecasts as `model` does, without dropout.

    model: see `lstm_cli.models`, on any device; it is left as it is. inputs F, known_ahead K (may be 0: the
    input `future` then has zero width). lower, upper [C] in scaled units, or None; they may hold infinities.
    The graph takes past [batch, L, F], future [batch, H, K] and mask [batch, L], all float32, and gives
    forecast [batch, H, C]; beside it parts [batch, H, C, P] where the model combines P of them. Equal weights
    give equal bytes; no text of the machine that wrote it stays inside.
    """
    return export_versions([model], inputs=inputs, known_ahead=known_ahead, lower=lower, upper=upper)[0]


def export_versions(
    models: Sequence[nn.Module],
    *,
    inputs: int,
    known_ahead: int,
    lower: Tensor | None,
    upper: Tensor | None,
) -> list[bytes]:
    """The same for several models that differ in their weights alone: the first is traced, which takes seconds,
    and the others' weights are put into its graph. `check_agreement` tells whether that was so.
    """
    model = models[0]
    bounded = Bounded(copy.deepcopy(model), _float32(lower), _float32(upper)).to("cpu").eval()
    lookback, horizon = cast(int, model.lookback), cast(int, model.horizon)
    # An example batch of 2: the exporter takes an axis of length 1 for one that never changes.
    example = (
        torch.zeros(2, lookback, inputs),
        torch.zeros(2, horizon, known_ahead),
        torch.ones(2, lookback),
    )
    batch = torch.export.Dim("batch")
    with _silence(), torch.no_grad():
        program = torch.onnx.export(
            bounded,
            example,
            input_names=list(INPUTS),
            output_names=[OUTPUT, PARTS] if isinstance(model, Combined) else [OUTPUT],
            dynamic_shapes={name: {0: batch} for name in INPUTS},
            dynamo=True,
            opset_version=OPSET,
            external_data=False,
            verbose=False,
            optimize=False,  # weights keep their names until every version has its own
        )
        assert program is not None
        traced = program.model_proto
        return [_finished(traced, one) for one in models]


def _finished(traced: "onnx.ModelProto", model: nn.Module) -> bytes:
    """The traced graph with the weights of `model`, simplified."""
    from onnx import numpy_helper
    from onnxscript import ir
    from onnxscript.optimizer import fold_constants, optimize

    graph = onnx.ModelProto()
    graph.CopyFrom(traced)
    weights = {f"{WITHIN}{name}": value for name, value in model.state_dict().items()}
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
    found = session.with_parts(*inputs) if len(outputs) > 1 else (session(*inputs),)
    differences = [
        float(np.abs(ours - torchs.cpu().numpy()).max(initial=0.0))
        for ours, torchs in zip(found, outputs, strict=True)
    ]
    return float(np.max(differences))  # NaN where any is


def _float32(bound: Tensor | None) -> Tensor | None:
    return None if bound is None else bound.detach().to("cpu", torch.float32)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The exporter prints its progress and warns of what it does itself; none of that is for our user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


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
