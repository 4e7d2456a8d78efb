"""Small run that tests read, replace and corrupt."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from lstm_cli import rundir

VALUES = np.arange(24, dtype=np.float32).reshape(12, 2)


def prepare(path: Path, values: np.ndarray = VALUES, **options: Any) -> None:
    with rundir.writing(path, step="prepare", create=True, **options) as writer:
        folder = writer.new("data")
        folder.write_array("values.npy", values)
        folder.write_json("scaler.json", {"mean": [1.5, 2.5]})
        writer.commit(
            config={"horizon": 4},
            reads={"source": {"sha256": "0" * 64, "size": 10}},
            report={"rows": len(values), "names": ("Öl", "b")},
        )


def train(path: Path, weights: bytes = b"weights", **options: Any) -> None:
    with rundir.writing(path, step="train", **options) as writer:
        folder = writer.new("model")
        folder.write_bytes("weights.safetensors", weights)
        folder.write_bytes("model.onnx", b"graph of " + weights)
        data = writer.run.artifact("data").digest
        writer.commit(config={}, reads={"data": data}, report={"epochs": 3}, seed=0, device="cpu")


def quantize(path: Path, graph: bytes = b"small") -> None:
    with rundir.writing(path, step="quantize") as writer:
        writer.new("quantized").write_bytes("model.onnx", graph)
        reads = {name: writer.run.digest(name) for name in ("data", "model")}
        writer.commit(config={}, reads=reads, report={})


def tree(path: Path) -> dict[str, bytes | None]:
    """Return all paths below `path`, with the content of regular files."""
    return {
        str(inner.relative_to(path)): inner.read_bytes()
        if inner.is_file() and not inner.is_symlink()
        else None
        for inner in sorted(path.rglob("*"))
    }


CHILD = f"""
import os, signal, sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from small_run import prepare, quantize, train
from lstm_cli import rundir
path = Path(sys.argv[1])
"""


def child(source: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Start Python source in another process, with the functions above and the first argument as `path`."""
    command = [sys.executable, "-c", CHILD + source, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, **pipes, **options)


def wait_for(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Return exit status, stdout and stderr of a process."""
    out, err = process.communicate(timeout=1200)
    return process.returncode, out, err
