"""Loss of a text model after minutes of training on two cores, next to its baselines."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from command import Notebook, lstm

CORES = 2
GOALS = {3: 1.88, 10: 1.60}  # minutes on two cores: nats per character
TICKS = os.sysconf("SC_CLK_TCK")


def trained_epochs(run: Path, options: list[str]) -> Iterator[tuple[int, float, float, float]]:
    """Train, and yield for each epoch: its number, the loss, and the seconds and CPU seconds since the start."""
    command = [
        sys.executable,
        "-m",
        "lstm_cli",
        "train",
        str(run),
        "--threads",
        str(CORES),
        "--force",
        *options,
    ]
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LSTM_LOG_FORMAT": "json"},
    )
    assert process.stderr is not None
    for line in process.stderr:
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") == "epoch":
            # The end of the command's name, in parentheses, is before the other fields.
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            cpu = (int(fields[11]) + int(fields[12])) / TICKS
            yield event["epoch"], event["val_loss"], time.perf_counter() - began, cpu
    if process.wait():
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")


def measure_training(notebook: Notebook, run: Path, options: list[str]) -> None:
    """Print the loss after each epoch, and whether it reached the goals in time."""
    losses: list[tuple[float, float]] = []
    notebook.head("epoch", "seconds", "CPU seconds", "nats per token")
    for epoch, loss, seconds, cpu in trained_epochs(run, options):
        notebook.row(epoch, f"{seconds:.0f}", f"{cpu:.0f}", f"{loss:.4f}")
        notebook.keep(epoch=epoch, loss=loss, seconds=seconds, cpu=cpu)
        losses.append((cpu, loss))
    notebook.say("")
    notebook.head("minutes on two cores", "goal", "nats per character", "result")
    for minutes, goal in GOALS.items():
        best = min((loss for cpu, loss in losses if cpu <= 60 * CORES * minutes), default=float("inf"))
        notebook.row(minutes, f"{goal:.2f}", f"{best:.4f}", "reached" if best <= goal else "missed")


def measure_scores(notebook: Notebook, run: Path) -> None:
    """Print the scores of the model and its baselines."""
    report, _ = lstm("evaluate", str(run), "--split", "val", "--force")
    notebook.head("validation text", "bits per character")
    for name, scores in {"lstm": report["metrics"], **report["baselines"]}.items():
        notebook.row(name, f"{scores['bpc']:.4f}")


def main() -> None:
    """Prepare the text, train, and print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path, help="text file; its last tenth is the validation text")
    parser.add_argument("--run", type=Path, help="run directory to keep")
    parser.add_argument("--record", type=Path, help="file for the figures, one JSON object a line")
    parser.add_argument("options", nargs="*", help="options of lstm train, after --")
    given = parser.parse_args()
    notebook = Notebook(given.record)
    with tempfile.TemporaryDirectory() as folder:
        run = given.run or Path(folder) / "run"
        lstm("prepare", str(given.text), str(run), "--val", "0.1", "--test", "0", "--task", "generate")
        measure_training(notebook, run, given.options)
        notebook.say("")
        measure_scores(notebook, run)


if __name__ == "__main__":
    main()
