"""Traces of networks, one for each structure and process: torch's exporter takes seconds for each.

Only the trace is shared. Every training still puts its own weights into the graph, simplifies it, and compares its
forecasts with those of torch. The tests of the exporter itself trace every time.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from lstm_cli.export import onnx

ENABLED = True
_trace: Callable[..., Any] | None = None  # that of the exporter, once `install` was called
_TRACES: dict[tuple[Any, ...], Any] = {}
PLAIN = (bool, int, float, str, tuple, list, dict, type(None))


def install() -> None:
    """Let the exporter look here first."""
    global _trace
    if _trace is None:
        _trace = onnx.trace_graph
        onnx.trace_graph = _traced


def _traced(model: nn.Module, **options: Any) -> Any:
    assert _trace is not None
    if not ENABLED:
        return _trace(model, **options)
    key = (_structure(model), *((name, _known(value)) for name, value in sorted(options.items())))
    if key not in _TRACES:
        _TRACES[key] = _trace(model, **options)
    return _TRACES[key]


def _structure(model: nn.Module) -> tuple[Any, ...]:
    """Everything of a network but the numbers in its weights, which are put into a trace."""
    modules = [
        (
            name,
            type(module),
            sorted((key, repr(value)) for key, value in vars(module).items() if _tells(key, value)),
        )
        for name, module in model.named_modules()
    ]
    shapes = [(name, weight.shape, weight.dtype) for name, weight in model.state_dict().items()]
    return (repr(modules), repr(shapes))


def _tells(key: str, value: Any) -> bool:
    return not key.startswith("_") and key != "training" and isinstance(value, PLAIN)


def _known(value: Any) -> Any:
    """A bound stays in the trace as it is."""
    return value.tolist().__repr__() if isinstance(value, torch.Tensor) else value
