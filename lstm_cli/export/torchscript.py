"""A torch model as TorchScript: for C++, mobile and Java programs that load no Python.

Torch has deprecated it in favour of `torch.export` (see `pt2`), but what loads it is in use.
"""

import io
import zipfile

import torch
from torch import Tensor

from lstm_cli.export.clipped_model import ForecastOnly
from lstm_cli.export.quiet import quiet

_DEBUG = ".debug_pkl"  # where each operation stood in the source, with the paths of the machine that wrote it


def export_torchscript(network: ForecastOnly, example: tuple[Tensor, Tensor, Tensor]) -> bytes:
    """The bytes of one file: forward(past, future, mask) -> forecast, traced; the batch stays open.

    network: on the CPU, in evaluation mode.
    """
    written = io.BytesIO()
    with quiet(), torch.no_grad():
        # Its own check compares two runs with the same example; ours compares real windows.
        torch.jit.save(torch.jit.trace(network, example, check_trace=False), written)
    return _without_debugging(written.getvalue())


def open_torchscript(data: bytes) -> torch.jit.ScriptModule:
    """The file in its own runtime."""
    with quiet():
        opened: torch.jit.ScriptModule = torch.jit.load(io.BytesIO(data), map_location="cpu")
    return opened


def _without_debugging(data: bytes) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as whole, zipfile.ZipFile(kept, "w") as archive:
        for entry in whole.infolist():
            if not entry.filename.endswith(_DEBUG):
                archive.writestr(entry, whole.read(entry))
    return kept.getvalue()
