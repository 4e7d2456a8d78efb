"""Test that each network has its graph in the file of the same name."""

from pathlib import Path

import lstm_cli

PACKAGE = Path(lstm_cli.__file__).parent
TRAINING_ONLY = {"dropout", "initialization"}  # without effect on a forecast
SHARED = {"builder", "layers"}  # ONNX, and the layers of torch


def modules(folder: str) -> set[str]:
    return {path.stem for path in (PACKAGE / folder).glob("*.py")} - {"__init__"}


def test_each_file_of_models_has_its_graph() -> None:
    assert modules("export/graph") - SHARED == modules("models") - TRAINING_ONLY
