"""Export of a torch model as TorchScript, for C++, mobile and Java programs without Python.

Torch has deprecated TorchScript in favor of `torch.export` (see `pt2`), but programs that load it are in use.
"""

import io
import zipfile

import torch
from torch import Tensor, nn

from lstm_cli.export.quiet import quiet

_DEBUG = ".debug_pkl"  # source location of each operation, with paths of this machine


def export_torchscript(network: nn.Module, example: tuple[Tensor, ...]) -> bytes:
    """Return the bytes of the traced program: one tensor from the tensors of the example, for any batch size.

    The network must be on the CPU, in evaluation mode.
    """
    buffer = io.BytesIO()
    with quiet(), torch.no_grad():
        # The check of torch only compares two runs with the example. `convert_model` compares real windows.
        torch.jit.save(torch.jit.trace(network, example, check_trace=False), buffer)
    return _remove_debug_files(buffer.getvalue())


def open_torchscript(data: bytes) -> torch.jit.ScriptModule:
    """Load the TorchScript program from its bytes."""
    with quiet():
        module: torch.jit.ScriptModule = torch.jit.load(io.BytesIO(data), map_location="cpu")
    return module


def _remove_debug_files(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w") as archive:
        for entry in source.infolist():
            if not entry.filename.endswith(_DEBUG):
                archive.writestr(entry, source.read(entry))
    return buffer.getvalue()
