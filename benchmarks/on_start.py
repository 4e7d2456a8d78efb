"""How long a fresh process takes, and how much memory: `lstm --help`, and a forecast."""

import os
import sys
import tempfile
from pathlib import Path

import reach
from command import Notebook, lstm
from reach import Row
from timing import fresh

SAMPLE = Path(__file__).parents[1] / "sample_data" / "ETTh1.csv"
LSTM = str(Path(sys.executable).parent / "lstm")
TOLD = "\nSeconds are those of the processor.\n"
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # on both sides alike
IMPORTS = {"typer": "import typer", "runtime": "import numpy, onnxruntime"}


def run(notebook: Notebook, repetitions: int, clock: str, peers: dict[str, list[str]]) -> None:
    """peers: by name, the command of a forecast in a fresh process."""
    notebook.say("\n## Start of a fresh process\n" + (TOLD if clock == "cpu" else ""))
    notebook.head("what", "beside", "ratio", "reach", "", "seconds", "beside, s", "peak MiB", "beside, MiB")
    with tempfile.TemporaryDirectory() as folder:
        run_dir = str(Path(folder) / "run")
        lstm("prepare", str(SAMPLE), run_dir, "--target", "OT", "--horizon", "24")
        lstm("train", run_dir, "--epochs", "1")
        predict = [LSTM, "predict", run_dir]
        compare(notebook, reach.HELP, [LSTM, "--help"], importing("typer"), repetitions, clock)
        compare(notebook, reach.PREDICT, predict, importing("runtime"), repetitions, clock)
        compare(
            notebook, reach.PREDICT_NEW, [*predict, str(SAMPLE)], importing("runtime"), repetitions, clock
        )
        for name, command in peers.items():
            row = Row(
                what=reach.PREDICT_PEER.what,
                beside=f"a forecast of {name}",
                reach=reach.PREDICT_PEER.reach,
                aim=reach.PREDICT_PEER.aim,
            )
            compare(notebook, row, predict, command, repetitions, clock)


def importing(what: str) -> list[str]:
    return [sys.executable, "-c", IMPORTS[what]]


def compare(
    notebook: Notebook, row: Row, own: list[str], other: list[str], repetitions: int, clock: str
) -> None:
    with notebook.attempt(row.what, row.beside):
        found = fresh(own, other, repetitions, clock)
        notebook.row(
            row.what, row.beside, found["ratio"], row.reach, reach.verdict(row, found["ratio"]),
            found["own"], found["other"], found["own_mib"], found["other_mib"],
        )  # fmt: skip
        notebook.keep(table="start", what=row.what, beside=row.beside, **found)
