"""Export of a torch model as a program of `torch.export`, for torch and its compilers."""

import io

import torch
from torch import Tensor, nn

from lstm_cli.export.quiet import quiet
from lstm_cli.inference.session import INPUTS

# Metadata that contain the source location of each operation, with paths of this machine.
_ORIGINS = ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn")


def export_pt2(network: nn.Module, example: tuple[Tensor, ...], names: tuple[str, ...] = INPUTS) -> bytes:
    """Return the bytes of the exported program: one tensor from the tensors of the example, for any batch size.

    The network must be on the CPU, in evaluation mode. `torch.export.load(path).module()` loads the file.

    Args:
        network: network whose `forward` returns a tensor.
        example: inputs of at least two windows or sequences.
        names: names of the inputs.
    """
    batch = torch.export.Dim("batch")
    buffer = io.BytesIO()
    with quiet(), torch.no_grad():
        program = torch.export.export(
            network, example, dynamic_shapes={name: {0: batch} for name in names}, strict=False
        )
        for module in program.graph_module.modules():
            if isinstance(module, torch.fx.GraphModule):
                for node in module.graph.nodes:
                    for origin in _ORIGINS:
                        node.meta.pop(origin, None)
        torch.export.save(program, buffer)
    return buffer.getvalue()


def open_pt2(data: bytes) -> nn.Module:
    """Load the exported program from its bytes."""
    with quiet():
        return torch.export.load(io.BytesIO(data)).module()
