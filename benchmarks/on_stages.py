"""Seconds of each stage of `prepare` and `train`, for a small, a middle and a large file."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from command import CommandFailed, Notebook
from on_minutes import minutes, write_minutes

SAMPLES = Path(__file__).parents[1] / "sample_data"
LARGE_ROWS = 200_000
IMPORTS = "Python and imports"  # what the command spends outside of its stages


def run(notebook: Notebook, epochs: int) -> None:
    """Print a table for each file.

    Args:
        notebook: printer of the tables.
        epochs: epochs of each network; fewer of them show the other stages better.
    """
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "minutes.csv"
        write_minutes(large, minutes(LARGE_ROWS))
        files: dict[str, tuple[Path, tuple[str, ...]]] = {
            "small": (SAMPLES / "monthly.csv", ()),
            "middle": (SAMPLES / "ETTh1.csv", ("--target", "OT", "--horizon", "24")),
            "large": (large, ("--horizon", "60")),
        }
        for size, (file, options) in files.items():
            with notebook.attempt(size):
                one_file(notebook, size, file, f"{folder}/{size}", options, epochs)


def one_file(
    notebook: Notebook, size: str, file: Path, run_dir: str, options: tuple[str, ...], epochs: int
) -> None:
    """Print the table of one file.

    Args:
        notebook: printer of the table.
        size: small, middle or large.
        file: CSV file.
        run_dir: run directory to make.
        options: options of `prepare`.
        epochs: epochs of each network.
    """
    rows = sum(1 for _ in file.open()) - 1
    spent = {
        "prepare": stage_seconds("prepare", str(file), run_dir, *options),
        "train": stage_seconds("train", run_dir, "--epochs", str(epochs)),
    }
    notebook.say(f"\n## A {size} file: {file.name}, {rows:,} rows, epochs: {epochs}\n")
    notebook.head("command", "stage", "share, %", "seconds")
    for verb, stages in spent.items():
        whole = sum(stages.values())
        for stage, seconds in stages.items():
            notebook.row(f"`{verb}`", stage, 100 * seconds / whole, seconds)
            notebook.keep(table="stages", size=size, verb=verb, stage=stage, seconds=seconds)


def stage_seconds(*words: str, clock: Callable[[], float] = time.perf_counter) -> dict[str, float]:
    """Return the seconds of each stage of a command in a fresh process, in order.

    Raises:
        CommandFailed: the exit code is not 0.
    """
    command = [sys.executable, "-m", "lstm_cli", *words, "--log-format", "json"]
    began = clock()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    whole = clock() - began
    lines = done.stderr.splitlines()
    if done.returncode:
        raise CommandFailed(f"lstm {words[0]}: exit {done.returncode}: {lines[-1:]}")
    stages = json.loads(lines[-1])["stages"]
    return {IMPORTS: whole - sum(stages.values()), **stages}
