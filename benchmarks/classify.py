"""Accuracy on labelled sequences of the UEA and UCR archives, and the speed of batches of similar length.

make -C benchmarks peers && .venv/bin/python benchmarks/classify.py --peers benchmarks/.peers
.venv/bin/python benchmarks/classify.py --only batches

The files come from the package aeon, which also measures the nearest neighbour by dynamic time warping. Each set keeps
its own test set. `lstm` has its default settings, and one training per seed.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # of this process and the commands

import numpy as np
import torch
from command import CommandFailed, Notebook, lstm
from speed import machine
from timing import in_turn, ratio
from torch import Tensor

from lstm_cli.config.classify import ClassifyTrainConfig
from lstm_cli.inference.trained_classifier import load_classifier
from lstm_cli.rundir import open_run
from lstm_cli.sequences.dataset import SequenceData, SequenceScaler, SequenceSchema
from lstm_cli.sequences.store import load_data
from lstm_cli.training.loop.batches import shuffled_batches
from lstm_cli.training.loop.optimizer_step import apply_gradients, backward, make_optimizer
from lstm_cli.training.sequences.device_sequences import DeviceSequences, SequenceBatch
from lstm_cli.training.sequences.train_classifier import (
    classifier_hyperparameters,
    network_settings,
    new_network,
)

SETS = ("ItalyPowerDemand", "GunPoint", "BasicMotions", "JapaneseVowels")
TABLES = ("accuracy", "batches")
SCRIPT = Path(__file__).with_name("peers") / "with_aeon.py"
# Lengths of synthetic sequences: name, smallest and largest, and the spread of the logarithm (None: uniform).
SPREADS = (("7 to 29 steps, uniform", 7, 29, None), ("10 to 400 steps, log-normal", 10, 400, 0.8))
COUNT, COLUMNS, CLASSES = 640, 12, 9  # sequences, columns and classes of the synthetic sequences


def parse_arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES), help="tables to print")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), help="data sets")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="a training each")
    parser.add_argument(
        "--option", action="append", default=[], help="further option of train, as --option=--lr=.01"
    )
    parser.add_argument("--repetitions", type=int, default=5, help="timed runs of each side")
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="environments of `make peers`")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every figure as a line of JSON")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    options = parse_arguments(words)
    notebook = Notebook(options.record)
    notebook.say(machine())
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        tables: dict[str, Callable[[], None]] = {
            "accuracy": lambda: accuracy(notebook, Path(name), options),
            "batches": lambda: batches(notebook, options.repetitions),
        }
        for table in options.only:
            tables[table]()
    return 1 if notebook.failed else 0


def accuracy(notebook: Notebook, folder: Path, options: argparse.Namespace) -> None:
    """Print the accuracy of each set: nearest neighbour, model, network and simple model.

    Args:
        notebook: printer of the rows.
        folder: folder for the files and runs.
        options: options of the command line.
    """
    python = None if options.peers is None else options.peers / "aeon" / "bin" / "python"
    if python is None or not python.exists():
        notebook.say("\nNo environment of aeon: make -C benchmarks peers, then --peers benchmarks/.peers")
        return
    aeon(python, "files", str(folder))
    notebook.say("\n## Accuracy\n\nThe model is the mean over the seeds, with the lowest and the highest.\n")
    notebook.head(
        *("set", "training", "test", "1-NN DTW", "window", "per column"),
        *("model", "lowest", "highest", "network", "simple", "weight", "CPU s"),
    )
    for name in options.sets:
        with notebook.attempt(name):
            measured = [trained(folder, name, seed, options.option) for seed in options.seeds]
            neighbour = json.loads(aeon(python, "neighbour", str(folder), name))
            scores = [each["model"] for each in measured]
            means = {key: statistics.mean(each[key] for each in measured) for key in measured[0]}
            notebook.row(
                *(name, int(means["training"]), int(means["test"])),
                *(neighbour["full"], neighbour["windowed"], neighbour["apart"]),
                *(means["model"], min(scores), max(scores), means["network"], means["simple"]),
                *(means["share"], means["seconds"]),
            )
            notebook.keep(set=name, neighbour=neighbour, seeds=options.seeds, measured=measured)


def aeon(python: Path, *words: str) -> str:
    """Return the last line of a command of the environment of aeon. Raise CommandFailed if it fails."""
    done = subprocess.run([python, SCRIPT, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandFailed((done.stderr.splitlines() or ["no error message"])[-1])
    return (done.stdout.splitlines() or [""])[-1]


def trained(folder: Path, name: str, seed: int, further: Sequence[str]) -> dict[str, float]:
    """Return the accuracies of one training on the test set.

    Args:
        folder: folder of the files.
        name: name of the set.
        seed: seed of the training.
        further: more options of `lstm train`.
    """
    run = folder / f"{name}-{seed}"
    files = [str(folder / f"{name}_{part}.ts") for part in ("TRAIN", "TEST")]
    prepared, _ = lstm("prepare", *files, str(run))
    began = os.times()
    report, _ = lstm("train", str(run), "--seed", str(seed), "--threads", "1", *further)
    ended = os.times()
    share = report["weights"]["network"]
    with open_run(run) as opened:
        data = load_data(opened)
        test = data.select(data.indices("test"))
        combined, simple = load_classifier(opened, threads=1).session(test)
    network = combined - (1 - share) * simple  # times its weight
    return {
        "training": prepared["sequences"]["train"] + prepared["sequences"]["val"],
        "test": len(test.labels),
        "model": share_correct(combined, test.labels),
        "network": share_correct(network, test.labels) if share else float("nan"),
        "simple": share_correct(simple, test.labels),
        "share": share,
        "seconds": ended.children_user + ended.children_system - began.children_user - began.children_system,
    }


def share_correct(scores: np.ndarray, labels: np.ndarray) -> float:
    return float((scores.argmax(axis=1) == labels).mean())


def batches(notebook: Notebook, repetitions: int) -> None:
    """Print the CPU time of a pass with batches of similar length, compared with other batches.

    Args:
        notebook: printer of the rows.
        repetitions: timed passes of each side.
    """
    notebook.say(
        f"\n## Batches\n\nCPU ms per sequence of a pass over {COUNT} sequences. Ratio: others / similar.\n"
    )
    notebook.head("lengths", "batches", "ratio", "similar", "others", "steps with padding / real steps")
    for spread in SPREADS:
        data = synthetic(*spread[1:])
        sides = {name: Pass(data, name) for name in ("similar", "random", "longest")}
        taken = in_turn({name: side.cpu_ms for name, side in sides.items()}, repetitions)
        for name, title in (
            ("random", "random, padded to their longest"),
            ("longest", "all padded to the longest"),
        ):
            notebook.row(
                *(spread[0], title, ratio(taken[name], taken["similar"])),
                *(statistics.median(taken["similar"]), statistics.median(taken[name])),
                f"{sides['similar'].padding():.2f}, {sides[name].padding():.2f}",
            )
            notebook.keep(lengths=spread[0], batches=name, taken=taken)


def synthetic(shortest: int, longest: int, spread: float | None) -> SequenceData:
    """Return random sequences.

    Args:
        shortest: smallest number of steps.
        longest: largest number of steps.
        spread: standard deviation of the logarithm of the number of steps; None: uniform.
    """
    generator = np.random.default_rng(0)
    if spread is None:
        lengths = generator.integers(shortest, longest + 1, COUNT)
    else:
        middle = np.log(np.sqrt(shortest * longest))
        lengths = np.exp(generator.normal(middle, spread, COUNT)).astype(int).clip(shortest, longest)
    return SequenceData(
        schema=SequenceSchema(
            columns=tuple(f"value{number}" for number in range(COLUMNS)),
            classes=tuple(f"class{number}" for number in range(CLASSES)),
            sequence="id", label="label", time=(), max_length=int(lengths.max()), missing="interpolate",
        ),
        scaler=SequenceScaler(kind="standard", center=np.zeros(COLUMNS), scale=np.ones(COLUMNS)),
        values=generator.normal(size=(lengths.sum(), COLUMNS)).astype(np.float32),
        lengths=lengths,
        labels=generator.integers(0, CLASSES, COUNT),
        names=tuple(map(str, range(COUNT))),
        split=np.zeros(COUNT, dtype=np.int64),
    )  # fmt: skip


class Pass:
    """Training passes of the default network over the same sequences, with one kind of batches."""

    def __init__(self, data: SequenceData, kind: str) -> None:
        self.kind, self.examples = kind, DeviceSequences.from_data(data, "train", torch.device("cpu"))
        config, examples = ClassifyTrainConfig(model="stacked"), self.examples
        self.hparams = classifier_hyperparameters(config, len(examples))
        self.network = new_network(network_settings(data, config), config)
        self.optimizer = make_optimizer(self.network, self.hparams)
        self.count = len(examples) // self.hparams.batch_size
        self.generator = torch.Generator().manual_seed(0)

    def order(self) -> Iterator[Tensor]:
        """Yield the batches of a pass."""
        size = self.hparams.batch_size
        if self.kind == "similar":
            endless = self.examples.order(size, self.generator)
        else:
            endless = shuffled_batches(len(self.examples), size, self.generator)
        return itertools.islice(endless, self.count)

    def gather(self, indices: Tensor) -> SequenceBatch:
        batch = self.examples.gather(indices)
        missing = int(self.examples.lengths.max()) - batch.values.shape[1] if self.kind == "longest" else 0
        return replace(batch, values=torch.nn.functional.pad(batch.values, (0, 0, 0, missing)))

    def cpu_ms(self) -> float:
        """Return the CPU ms per sequence of one pass."""
        began = time.process_time()
        for indices in self.order():
            backward(self.network, self.gather(indices), self.hparams)
            apply_gradients(self.network, self.optimizer, self.hparams)
        return 1e3 * (time.process_time() - began) / (self.count * self.hparams.batch_size)

    def padding(self) -> float:
        """Return the number of steps with padding per real step, over one pass."""
        shapes = [
            (self.gather(indices).values.shape, int(self.examples.lengths[indices].sum()))
            for indices in self.order()
        ]
        return sum(shape[0] * shape[1] for shape, _ in shapes) / sum(real for _, real in shapes)


if __name__ == "__main__":
    raise SystemExit(main())
