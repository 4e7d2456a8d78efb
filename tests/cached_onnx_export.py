"""Cache of ONNX traces per network structure and process, because the torch exporter takes seconds for a trace.

Only the trace is shared. Each training still inserts its own weights into the graph, optimizes it, and compares its
forecasts with torch. The tests of the exporter do not use the cache.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from lstm_cli.export import onnx

ENABLED = True
_trace: Callable[..., Any] | None = None  # function of the exporter, set by `install`
_TRACES: dict[tuple[Any, ...], Any] = {}
PLAIN_TYPES = (bool, int, float, str, tuple, list, dict, type(None))


def install() -> None:
    """Replace the trace function of the exporter with the cached one."""
    global _trace
    if _trace is None:
        _trace = onnx.trace_graph
        onnx.trace_graph = _cached_trace


def _cached_trace(model: nn.Module, **options: Any) -> Any:
    assert _trace is not None
    if not ENABLED:
        return _trace(model, **options)
    key = (_structure(model), *((name, _hashable(value)) for name, value in sorted(options.items())))
    if key not in _TRACES:
        _TRACES[key] = _trace(model, **options)
    return _TRACES[key]


def _structure(model: nn.Module) -> tuple[Any, ...]:
    """Return everything about a network except the values of its weights, which are inserted into a trace."""
    modules = [
        (
            name,
            type(module),
            sorted((key, repr(value)) for key, value in vars(module).items() if _is_setting(key, value)),
        )
        for name, module in model.named_modules()
    ]
    shapes = [(name, weight.shape, weight.dtype) for name, weight in model.state_dict().items()]
    return (repr(modules), repr(shapes))


def _is_setting(key: str, value: Any) -> bool:
    return not key.startswith("_") and key != "training" and isinstance(value, PLAIN_TYPES)


def _hashable(value: Any) -> Any:
    """Return an option as part of a key; the trace contains the values of the bounds."""
    return value.tolist().__repr__() if isinstance(value, torch.Tensor) else value
