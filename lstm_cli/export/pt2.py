"""A torch model as an exported program of `torch.export`, for torch itself and the compilers behind it."""

import io

import torch
from torch import Tensor, nn

from lstm_cli.export.clipped_model import ForecastOnly
from lstm_cli.export.quiet import quiet
from lstm_cli.inference.session import INPUTS

# What tells of each operation where it stood in the source, with the paths of the machine that wrote it.
_ORIGINS = ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn")


def export_pt2(network: ForecastOnly, example: tuple[Tensor, Tensor, Tensor]) -> bytes:
    """The bytes of one file: forward(past, future, mask) -> forecast, with an open batch axis.

    network: on the CPU, in evaluation mode. It is loaded by `torch.export.load(path).module()`.
    """
    batch = torch.export.Dim("batch")
    written = io.BytesIO()
    with quiet(), torch.no_grad():
        program = torch.export.export(
            network, example, dynamic_shapes={name: {0: batch} for name in INPUTS}, strict=False
        )
        for module in program.graph_module.modules():
            if isinstance(module, torch.fx.GraphModule):
                for node in module.graph.nodes:
                    for origin in _ORIGINS:
                        node.meta.pop(origin, None)
        torch.export.save(program, written)
    return written.getvalue()


def open_pt2(data: bytes) -> nn.Module:
    """The file in its own runtime."""
    with quiet():
        return torch.export.load(io.BytesIO(data)).module()
