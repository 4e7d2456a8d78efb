"""Small run with a trained classifier, for tests."""

from pathlib import Path

from small_sequences import gestures

from lstm_cli.cli.main import run as lstm

COLUMNS = ("--sequence", "id", "--label", "move", "--value", "x", "--value", "y")
NETWORK = ("--model", "stacked", "--hidden", "4", "--epochs", "2", "--device", "cpu", "--threads", "1")


def trained_classifier(folder: Path) -> Path:
    """Write `moves.csv` and a trained `run` into a folder, and return the folder."""
    gestures(folder / "moves.csv")
    command = ["prepare", str(folder / "moves.csv"), str(folder / "run"), *COLUMNS, "--test", "0.3", "-q"]
    assert lstm(command) == 0
    assert lstm(["train", str(folder / "run"), *NETWORK, "--pooling", "mean", "-q"]) == 0
    return folder
