"""Worker that trains the textbook LSTM on one process, or on several started by torchrun.

echo | .venv/bin/torchrun --nproc-per-node 2 benchmarks/training_ranks.py RUN --threads 1

RUN is a run directory with data. The network has two layers, with batches of 256. For each line on stdin, one epoch is
trained, and rank 0 prints its windows per second. So several of these workers can run alternately.
"""

import argparse
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import torch

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.events import EpochEnded, Event
from lstm_cli.rundir import open_run
from lstm_cli.training.loop import torchrun
from lstm_cli.training.loop.out_of_memory import fit_in_memory
from lstm_cli.training.recipes.stacked import architecture, network_settings, new_network
from lstm_cli.training.setup.hyperparameters import make_hyperparameters
from lstm_cli.training.setup.malloc import keep_freed_memory
from lstm_cli.training.windows.device_windows import DeviceWindows

BATCH = 256
MAX_EPOCHS = 1_000_000


class Pace:
    """Listener that waits for a line on stdin before each epoch, and prints the windows per second after it."""

    def __init__(self, windows: int) -> None:
        self._windows = windows
        self._began = 0.0

    def wait(self) -> None:
        """Wait for a line; exit at the end of stdin."""
        if not sys.stdin.readline():
            sys.exit()
        self._began = time.perf_counter()

    def __call__(self, event: Event) -> None:
        if isinstance(event, EpochEnded):
            print(self._windows / (time.perf_counter() - self._began), flush=True)
            self.wait()


def train(config: TrainConfig, run: Path, steps: int) -> None:
    """Train until stdin ends.

    Args:
        config: settings of the network and of the training.
        run: run directory with data.
        steps: optimizer steps of an epoch.
    """
    windows = split_windows(load_dataset(open_run(run)), "train")
    settings = network_settings(windows.dataset, config)
    plan = make_hyperparameters(config, windows=len(windows), targets=windows.dataset.targets)
    pace = Pace(steps * BATCH)
    pace.wait()
    fit_in_memory(
        new_network(settings, config),
        DeviceWindows.from_windows(windows, torch.device("cpu")),
        None,
        replace(plan, epochs=MAX_EPOCHS, stop_after=MAX_EPOCHS, steps_per_epoch=steps),
        architecture=architecture(settings),
        shrink=False,
        part="stacked",
        listen=pace,
        should_stop=lambda: None,
    )


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="run directory")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of each process")
    parser.add_argument("--hidden", type=int, default=64, help="hidden units")
    parser.add_argument("--steps", type=int, default=10, help="steps of an epoch")
    options = parser.parse_args(words)
    torch.set_num_threads(options.threads)
    keep_freed_memory()  # as `train_model` does
    sizes = (options.hidden, options.hidden)
    config = TrainConfig(model="stacked", hidden=sizes, batch_size=BATCH, precision="fp32", device="cpu")
    with ExitStack() as ended:
        ended.callback(lambda: os._exit(0))  # threads of torch.distributed can abort an interpreter at exit
        if torchrun.is_follower():
            torchrun.follow(config)
        else:
            ended.enter_context(torchrun.lead(config))
            train(config, options.run, options.steps)
    return 0


if __name__ == "__main__":
    sys.exit(main())
