"""Accuracy on spoken digits of unknown speakers, made with espeak-ng, and the padding of the batches.

.venv/bin/python benchmarks/speech.py

It follows docs/how-to/speech.md: recordings, log-mel spectra, prepare, train, evaluate. --keep names a folder for the
recordings and the runs.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from command import Notebook, lstm

from lstm_cli.rundir import open_run
from lstm_cli.sequences.dataset import SequenceData
from lstm_cli.sequences.store import load_data
from lstm_cli.training.loop.batches import shuffled_batches
from lstm_cli.training.sequences.device_sequences import DeviceSequences

RECIPE = Path(__file__).parents[1] / "recipes" / "speech"
COLUMNS = ("--sequence", "file", "--label", "label", "--group", "speaker", "--time", "ms")
NOISE = {"5 to 30 dB": (), "none": ("--no-noise",)}  # signal-to-noise ratio, and options of spoken_digits.py
TRAIN = ("--model", "stacked", "--hidden", "64", "--bidirectional")  # the best on the validation voices
BATCH = 64


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="folder for the recordings and the runs")
    parser.add_argument("--only", choices=NOISE, help="one row")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every figure as a line of JSON")
    parser.add_argument("train", nargs="*", help="other options of `lstm train`, after --")
    options = parser.parse_args(words)
    notebook = Notebook(options.record)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        notebook.head("noise", "accuracy", "95 % interval", "simple model", "log-loss", "train, s")
        for noise in [options.only] if options.only else NOISE:
            with notebook.attempt(noise):
                measure(notebook, folder / f"noise-{'-'.join(noise.split())}", noise, options.train or TRAIN)
        run = next(folder.glob("noise-*/run"), None)
        if run is not None:
            padding(notebook, run)
    return int(notebook.failed > 0)


def measure(notebook: Notebook, folder: Path, noise: str, train: Sequence[str]) -> None:
    """Print the row of one set of recordings.

    Args:
        notebook: printer of the row.
        folder: new folder for the recordings and the run.
        noise: key of NOISE.
        train: options of `lstm train`.
    """
    digits, table, run = folder / "digits", folder / "digits.parquet", folder / "run"
    folder.mkdir()
    recipe("spoken_digits.py", str(digits), *NOISE[noise])
    recipe("log_mel.py", str(digits), "-o", str(table))
    lstm("prepare", str(table), str(run), *COLUMNS)
    _, seconds = lstm("train", str(run), *train)
    report, _ = lstm("evaluate", str(run))
    model, simple = report["metrics"], report["baselines"]["simple"]
    low, high = report["intervals"]["accuracy"]
    notebook.row(
        noise,
        model["accuracy"],
        f"{low:.4f} to {high:.4f}",
        simple["accuracy"],
        model["log_loss"],
        round(seconds),
    )
    notebook.keep(noise=noise, train=list(train), seconds=seconds, report=report)


def recipe(script: str, *arguments: str) -> None:
    """Run a script of the recipe."""
    subprocess.run([sys.executable, str(RECIPE / script), *arguments], check=True, capture_output=True)


def padding(notebook: Notebook, run: Path) -> None:
    """Print how many steps an epoch computes with each way to make batches."""
    with open_run(run) as opened:
        data = load_data(opened)
    train = data.select(data.indices("train"))
    real = int(train.lengths.sum())
    notebook.say("")
    notebook.head("batches of 64", "steps of an epoch", "compared with those of the recordings")
    for name, steps in steps_of_batches(train).items():
        notebook.row(name, f"{steps:,}", f"{steps / real:.2f}")
        notebook.keep(batches=name, steps=steps, real=real)


def steps_of_batches(data: SequenceData) -> dict[str, int]:
    """Return the steps with their padding of an epoch, for each way to make batches."""
    sequences = DeviceSequences.from_data(data, "train", torch.device("cpu"))
    count, generator = len(data.lengths) // BATCH, torch.Generator().manual_seed(0)
    orders = {
        "random": shuffled_batches(len(data.lengths), BATCH, generator),
        "similar length": sequences.order(BATCH, generator),
    }
    result = {"padded to the longest": len(data.lengths) * int(data.lengths.max())}
    for name, order in orders.items():
        longest = [int(sequences.lengths[next(order)].max()) for _ in range(count)]
        result[name] = round(sum(longest) / count * len(data.lengths))
    return result


if __name__ == "__main__":
    sys.exit(main())
