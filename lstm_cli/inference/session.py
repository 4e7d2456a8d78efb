"""ONNX Runtime session that forecasts with an ONNX graph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.errors import CorruptArtifact, DeviceError, LstmError
from lstm_cli.inference.onnx_format import TRAIN_AGAIN, require_self_contained
from lstm_cli.inference.onnx_runtime import error_text, import_onnxruntime, quiet_options
from lstm_cli.interrupts import NativeCall
from lstm_cli.library_errors import is_refused_allocation

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

INPUTS = ("past", "future", "mask")
OUTPUT = "forecast"
PARTS = "parts"  # second output of a graph that combines several forecasts
INTEGERS = {"tensor(int64)": np.int64}  # types of inputs that are not float32
_USE_LESS_MEMORY = "train a model with fewer units or a shorter lookback, or stop other programs"


@dataclass(frozen=True, kw_only=True)
class Session:
    """Loaded graph. A call with past [B, L, F], future [B, H, K] and mask [B, L] returns [B, H, C] in float32."""

    graph: "InferenceSession"

    def __call__(self, past: np.ndarray, future: np.ndarray, mask: np.ndarray) -> np.ndarray:
        forecast: np.ndarray = self._run([OUTPUT], past, future, mask)[0]
        return forecast

    def forecast_with_parts(
        self, past: np.ndarray, future: np.ndarray, mask: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the forecast [B, H, C] and the forecasts of its parts [B, H, C, P]. The graph must have parts.

        Args:
            past: Inputs [B, L, F].
            future: Known-ahead inputs [B, H, K].
            mask: 1 for a step of the series, 0 for padding [B, L].
        """
        forecast, parts = self._run([OUTPUT, PARTS], past, future, mask)
        return forecast, parts

    def _run(self, outputs: list[str], *inputs: np.ndarray) -> list[np.ndarray]:
        return run_graph(self.graph, outputs, dict(zip(INPUTS, inputs, strict=True)))


def run_graph(
    graph: "InferenceSession", outputs: list[str], inputs: Mapping[str, np.ndarray]
) -> list[np.ndarray]:
    """Return the outputs of a graph.

    Args:
        graph: loaded graph.
        outputs: names of the outputs.
        inputs: inputs by name, which become integers or float32, as the graph reads them.

    Raises:
        DeviceError: out of memory.
        CorruptArtifact: the graph does not accept the inputs.
    """
    options: Any = quiet_options(import_onnxruntime().RunOptions)

    def stop() -> None:
        options.terminate = True

    kinds = {value.name: INTEGERS.get(value.type, np.float32) for value in graph.get_inputs()}
    named = {name: np.ascontiguousarray(value, dtype=kinds.get(name)) for name, value in inputs.items()}
    try:
        with NativeCall(stop):
            arrays: list[np.ndarray] = graph.run(outputs, named, options)
    except LstmError:  # an interrupt by a signal
        raise
    except Exception as error:  # as in `open_graph`
        if is_refused_allocation(error):
            raise DeviceError("out of memory during the forecast", hint=_USE_LESS_MEMORY) from error
        raise CorruptArtifact(
            f"the ONNX graph of the model does not accept its inputs: {error_text(error)}",
            hint=TRAIN_AGAIN,
        ) from error
    return arrays


def open_session(model: bytes, *, threads: int | None) -> Session:
    """Load a graph from its bytes. Raise CorruptArtifact if it is invalid. `threads` None: all cores."""
    return Session(graph=open_graph(model, inputs=INPUTS, threads=threads))


def open_graph(model: bytes, *, inputs: tuple[str, ...], threads: int | None) -> "InferenceSession":
    """Load a graph with these inputs.

    Args:
        model: bytes of the ONNX file.
        inputs: names of the inputs.
        threads: CPU threads; None: all cores.

    Raises:
        CorruptArtifact: the graph is invalid or has other inputs.
    """
    require_self_contained(model)
    onnxruntime = import_onnxruntime()
    options: Any = quiet_options(onnxruntime.SessionOptions)
    options.inter_op_num_threads = 1
    # Spinning threads block the cores of a busy machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Another format, which the check does not know, would be recognized by its first bytes.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    if threads is not None:
        options.intra_op_num_threads = threads
    create: Callable[..., InferenceSession] = onnxruntime.InferenceSession
    try:
        graph = create(model, options, providers=["CPUExecutionProvider"])
    except LstmError:  # an interrupt by a signal
        raise
    except Exception as error:  # the error classes of ONNX Runtime have no other common base
        raise CorruptArtifact(
            f"the ONNX graph of the model cannot be loaded: {error_text(error)}",
            hint=TRAIN_AGAIN,
        ) from error
    if tuple(value.name for value in graph.get_inputs()) != inputs:
        raise CorruptArtifact(
            "the ONNX graph is not a model of lstm (its inputs have other names)", hint=TRAIN_AGAIN
        )
    return graph
