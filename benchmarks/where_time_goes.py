"""Profile of a training step (torch profiler) and of a forecast (import times of Python).

.venv/bin/python benchmarks/where_time_goes.py --threads 1

The step is that of `stacked` 2 x 64 in speed.py. The forecast is `lstm predict RUN` in a fresh process.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch
from command import Notebook, lstm
from on_training import prepared
from torch.profiler import ProfilerActivity, profile
from training_loops import named

from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.rundir import open_run

# Purpose and name pattern of operations; the first match counts. Times exclude nested operations.
KINDS = (
    ("LSTM layers, backward", r"mkldnn_rnn_layer_backward|mkldnn_rnn.*backward|lstm.*backward"),
    ("LSTM layers, forward", r"mkldnn_rnn_layer|lstm"),
    ("gathering the windows", r"index|gather|arange|searchsorted|randperm|unfold|as_strided_copy"),
    ("optimizer and clipping", r"_foreach|optimizer|adam|norm|lerp|addcdiv|addcmul|sqrt"),
    ("linear layer", r"addmm|::mm|linear|bmm|matmul"),
    ("dropout, loss, copies", r""),
)
PROGRAMS = ("numpy", "onnxruntime", "typer", "lstm_cli")


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=None, help="CPU threads")
    parser.add_argument("--steps", type=int, default=20, help="training steps")
    options = parser.parse_args(words)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    notebook = Notebook(None)
    with tempfile.TemporaryDirectory() as folder:
        run_dir = prepared(folder)
        for loop in ("ours", "ours bf16"):
            with notebook.attempt(loop):
                profile_training(notebook, run_dir, loop, options.steps)
        with notebook.attempt("predict"):
            lstm("train", run_dir, "--parts", "linear", "--no-refit")
            profile_predict(notebook, run_dir)
    return 1 if notebook.failed else 0


def profile_training(notebook: Notebook, run_dir: str, loop: str, steps: int) -> None:
    """Print the time of a training step by kind of operation.

    Args:
        notebook: printer of the rows.
        run_dir: run directory with data.
        loop: one of LOOPS in training_loops.py.
        steps: training steps.
    """
    windows = split_windows(load_dataset(open_run(Path(run_dir))), "train")
    run_steps = named(loop, windows, hidden=64, steps=steps, clock=time.perf_counter)
    run_steps()
    with profile(activities=[ProfilerActivity.CPU]) as result:
        run_steps()
    spent: Counter[str] = Counter()
    for event in result.key_averages():
        kind = next(kind for kind, words in KINDS if re.search(words, event.key, re.IGNORECASE))
        spent[kind] += event.self_cpu_time_total
    whole = sum(spent.values())
    notebook.say(f"\n## A step of {loop.replace('ours', '`stacked`')}: {whole / steps / 1e3:.1f} ms\n")
    notebook.head("what", "share, %", "ms")
    for kind, taken in spent.most_common():
        notebook.row(kind, 100 * taken / whole, taken / steps / 1e3)


def profile_predict(notebook: Notebook, run_dir: str) -> None:
    """Print the import times and stages of `lstm predict`."""
    predict = ["predict", run_dir, "-o", f"{run_dir}.csv"]
    command = [sys.executable, "-X", "importtime", "-m", "lstm_cli", *predict]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded: Counter[str] = Counter()
    for line in done.stderr.splitlines():
        result = re.match(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", line)
        if result:
            program = result[2].split(".")[0]
            loaded[program if program in PROGRAMS else "the Python library and others"] += int(result[1])
    report, whole = lstm(*predict)
    notebook.say(f"\n## `lstm predict RUN`: {1e3 * whole:.0f} ms\n")
    notebook.head("what", "ms")
    for program, taken in loaded.most_common():
        notebook.row(f"loading {program}", taken / 1e3)
    for stage, seconds in report["seconds"].items():
        notebook.row(stage, 1e3 * seconds)


if __name__ == "__main__":
    sys.exit(main())
