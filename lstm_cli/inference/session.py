"""Forecasting without torch: an ONNX graph in ONNX Runtime."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.errors import CorruptArtifact, DeviceError, LstmError
from lstm_cli.library_errors import is_refused_allocation

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

INPUTS = ("past", "future", "mask")
OUTPUT = "forecast"
PARTS = "parts"  # a second output of a graph that combines several forecasts
_ANEW = "train the model again"
_LESS = "train a model with fewer units or a shorter lookback, or stop other programs"
_ERRORS_ONLY = 3  # of what ONNX Runtime logs by itself
_ELSEWHERE = b"\x0a\x08location"  # how a tensor in the protobuf begins to name the file that holds its values


@dataclass(frozen=True, kw_only=True)
class Session:
    """A loaded graph: called with past [B, L, F], future [B, H, K] and mask [B, L], it gives [B, H, C], float32."""

    graph: "InferenceSession"

    def __call__(self, past: np.ndarray, future: np.ndarray, mask: np.ndarray) -> np.ndarray:
        forecast: np.ndarray = self._run([OUTPUT], past, future, mask)[0]
        return forecast

    def forecast_with_parts(
        self, past: np.ndarray, future: np.ndarray, mask: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The forecast [B, H, C] and those of its parts [B, H, C, P]; for a graph that has parts."""
        forecast, parts = self._run([OUTPUT, PARTS], past, future, mask)
        return forecast, parts

    def _run(self, outputs: list[str], *inputs: np.ndarray) -> list[np.ndarray]:
        try:
            found: list[np.ndarray] = self.graph.run(outputs, _inputs(*inputs))
        except LstmError:  # a signal that came meanwhile
            raise
        except Exception as error:  # as in `open_session`
            text = str(error).splitlines()[0]
            if is_refused_allocation(error):
                raise DeviceError("there is not enough memory for the forecast", hint=_LESS) from error
            raise CorruptArtifact(
                f"the ONNX graph of the model does not take its windows: {text:.200}", hint=_ANEW
            ) from error
        return found


def _inputs(*values: np.ndarray) -> dict[str, np.ndarray]:
    return {
        name: np.ascontiguousarray(value, dtype=np.float32)
        for name, value in zip(INPUTS, values, strict=True)
    }


def open_session(model: bytes, *, threads: int | None) -> Session:
    """Loads a graph from its bytes; threads None: all cores. Raises CorruptArtifact for what is no graph of ours."""
    import onnxruntime

    if _ELSEWHERE in model:  # ONNX Runtime would look for that file where the command was started
        raise CorruptArtifact("the ONNX graph of the model keeps values in another file", hint=_ANEW)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.inter_op_num_threads = 1
    # Threads that wait by spinning take a busy machine's cores from the work they wait for.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    create: Callable[..., InferenceSession] = onnxruntime.InferenceSession
    try:
        graph = create(model, options, providers=["CPUExecutionProvider"])
    except LstmError:  # a signal that came meanwhile
        raise
    except Exception as error:  # ONNX Runtime raises classes of its own that share nothing but this
        raise CorruptArtifact(
            f"the ONNX graph of the model cannot be loaded: {str(error).splitlines()[0]}",
            hint=_ANEW,
        ) from error
    if tuple(value.name for value in graph.get_inputs()) != INPUTS:
        raise CorruptArtifact("the ONNX graph is not one of ours", hint=_ANEW)
    return Session(graph=graph)
