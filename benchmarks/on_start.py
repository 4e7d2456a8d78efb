"""Time and memory of a fresh process: `lstm --help`, `lstm runs RUN` and a forecast."""

import os
import sys
import tempfile
from pathlib import Path

import goals
from command import Notebook, lstm
from goals import Row
from timing import fresh

SAMPLE = Path(__file__).parents[1] / "sample_data" / "ETTh1.csv"
LSTM = str(Path(sys.executable).parent / "lstm")
CPU_NOTE = "\nSeconds are CPU seconds.\n"
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # for both sides
IMPORTS = {"typer": "import typer", "runtime": "import numpy, onnxruntime"}


def run(notebook: Notebook, repetitions: int, clock: str, peers: dict[str, list[str]]) -> None:
    """Print the rows of `lstm --help`, of `lstm runs RUN` and of a forecast.

    Args:
        notebook: printer of the rows.
        repetitions: number of timed runs of each side.
        clock: wall or cpu.
        peers: by name, the command of a forecast in a fresh process.
    """
    notebook.say("\n## Start of a fresh process\n" + (CPU_NOTE if clock == "cpu" else ""))
    notebook.head(
        "what",
        "compared with",
        "ratio",
        "goal",
        "result",
        "seconds",
        "its seconds",
        "peak MiB",
        "its peak MiB",
    )
    with tempfile.TemporaryDirectory() as folder:
        run_dir = str(Path(folder) / "run")
        lstm("prepare", str(SAMPLE), run_dir, "--target", "OT", "--horizon", "24")
        lstm("train", run_dir, "--epochs", "1")
        predict = [LSTM, "predict", run_dir]
        compare(notebook, goals.HELP, [LSTM, "--help"], importing("typer"), repetitions, clock)
        compare(notebook, goals.RUNS, [LSTM, "runs", run_dir], [LSTM, "--help"], repetitions, clock)
        compare(notebook, goals.PREDICT, predict, importing("runtime"), repetitions, clock)
        compare(
            notebook, goals.PREDICT_NEW, [*predict, str(SAMPLE)], importing("runtime"), repetitions, clock
        )
        for name, command in peers.items():
            row = Row(
                what=goals.PREDICT_PEER.what,
                reference=f"a forecast of {name}",
                goal=goals.PREDICT_PEER.goal,
                stretch=goals.PREDICT_PEER.stretch,
            )
            compare(notebook, row, predict, command, repetitions, clock)


def importing(what: str) -> list[str]:
    """Return the command that only imports the packages of a key of IMPORTS."""
    return [sys.executable, "-c", IMPORTS[what]]


def compare(
    notebook: Notebook, row: Row, own: list[str], other: list[str], repetitions: int, clock: str
) -> None:
    """Print one row.

    Args:
        notebook: printer of the row.
        row: labels and goal.
        own: command of lstm.
        other: command to compare with.
        repetitions: number of timed runs of each side.
        clock: wall or cpu.
    """
    with notebook.attempt(row.what, row.reference):
        result = fresh(own, other, repetitions, clock)
        notebook.row(
            row.what, row.reference, result["ratio"], row.goal, goals.verdict(row, result["ratio"]),
            result["own"], result["other"], result["own_mib"], result["other_mib"],
        )  # fmt: skip
        notebook.keep(table="start", what=row.what, reference=row.reference, **result)
