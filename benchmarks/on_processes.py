"""Speed of training on two processes with one thread each, compared with one process with two threads."""

import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from command import Notebook
from on_training import prepared, runs
from timing import Worker, in_turn, ratio

RANKS = Path(__file__).with_name("training_ranks.py")
TORCHRUN = ["-m", "torch.distributed.run", "--nproc-per-node", "2"]
ANY_PORT = ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
SIZES = (64, 512)  # hidden units
MIN_STEPS = 2


def run(notebook: Notebook, repetitions: int, *, steps: int) -> None:
    """Print the windows per second of both sides for each size.

    Args:
        notebook: printer of the rows.
        repetitions: number of timed runs of each side.
        steps: training steps of each run of the smallest network; a larger one has fewer.
    """
    notebook.say(
        "\n## Two processes: training `stacked`, windows per second, lookback 96, 7 features, batch 256\n"
    )
    notebook.head("hidden", "ratio", "two processes, one thread each", "one process, two threads")
    with tempfile.TemporaryDirectory() as folder:
        run_dir = prepared(folder)
        for hidden in SIZES:
            with notebook.attempt(hidden):
                each_size(notebook, repetitions, run_dir, hidden, max(MIN_STEPS, steps * SIZES[0] // hidden))


def each_size(notebook: Notebook, repetitions: int, run_dir: str, hidden: int, steps: int) -> None:
    """Print the row of one size.

    Args:
        notebook: printer of the row.
        repetitions: number of timed runs of each side.
        run_dir: run directory with data.
        hidden: hidden units of each layer.
        steps: training steps of each run.
    """
    limits = [str(RANKS), run_dir, "--hidden", str(hidden), "--steps", str(steps)]
    commands = {
        "two": [sys.executable, *TORCHRUN, *ANY_PORT, *limits, "--threads", "1"],
        "one": [sys.executable, *limits, "--threads", "2"],
    }
    with ExitStack() as open_workers:
        sides = {name: open_workers.enter_context(Worker(words)) for name, words in commands.items()}
        if not all(runs(notebook, name, worker) for name, worker in sides.items()):
            return
        result = in_turn(sides, repetitions)
    speed = ratio(result["two"], result["one"])
    two, one = (statistics.median(result[name]) for name in ("two", "one"))
    notebook.row(hidden, speed, two, one)
    notebook.keep(table="processes", hidden=hidden, ratio=speed, two=two, one=one)
