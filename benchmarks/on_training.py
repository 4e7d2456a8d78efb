"""Speed of training the textbook LSTM, compared with plain loops and the peers, and time to the same accuracy."""

import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import goals
from command import CommandFailed, Notebook, lstm
from goals import Row
from on_etth1 import CHANNELS, SAMPLE, SPLITS
from timing import Worker, in_turn, ratio

LOOPS = Path(__file__).with_name("training_loops.py")
HORIZON = 96


def prepared(folder: str) -> str:
    """Return a run directory with ETTh1 by the published protocol, 96 steps from 96."""
    run_dir = str(Path(folder) / "run")
    targets = [word for channel in CHANNELS for word in ("--target", channel)]
    sizes = ("--horizon", str(HORIZON), "--lookback", "96")
    lstm("prepare", str(SAMPLE), run_dir, *targets, *sizes, *SPLITS)
    return run_dir


def run(
    notebook: Notebook,
    repetitions: int,
    *,
    threads: list[int],
    steps: int,
    clock: str,
    peers: dict[str, list[str]],
) -> None:
    """Print the windows per second of all loops and peers.

    Args:
        notebook: printer of the rows.
        repetitions: number of timed runs of each side.
        threads: numbers of CPU threads.
        steps: training steps of each run.
        clock: wall or cpu.
        peers: by name, a command that trains some steps for each line on stdin.
    """
    notebook.say("\n## Training `stacked` 2 x 64: windows per second, lookback 96, 7 features, batch 256\n")
    notebook.head(
        "threads",
        "what",
        "compared with",
        "ratio",
        "goal",
        "result",
        "windows/s",
        "its windows/s",
    )
    with tempfile.TemporaryDirectory() as folder, notebook.attempt("training"):
        run_dir = prepared(folder)
        for count in threads:
            each_loop(notebook, repetitions, run_dir, count, steps, clock, peers)


def each_loop(
    notebook: Notebook,
    repetitions: int,
    run_dir: str,
    threads: int,
    steps: int,
    clock: str,
    peers: dict[str, list[str]],
) -> None:
    """Print the rows for one number of threads.

    Args:
        notebook: printer of the rows.
        repetitions: number of timed runs of each side.
        run_dir: run directory with data.
        threads: CPU threads.
        steps: training steps of each run.
        clock: wall or cpu.
        peers: by name, a command that trains some steps for each line on stdin.
    """
    limits = ["--threads", str(threads), "--steps", str(steps), "--clock", clock]

    def command(name: str) -> list[str]:
        return [sys.executable, str(LOOPS), run_dir, name, *limits]

    with ExitStack() as open_workers:
        sides = {
            name: open_workers.enter_context(Worker(command(name)))
            for name in ("ours", "ours bf16", "stored", "gathered")
        }
        for name, words in peers.items():
            sides[name] = open_workers.enter_context(Worker([*words, *limits]))
        working = {name: worker for name, worker in sides.items() if runs(notebook, name, worker)}
        result = in_turn(working, repetitions)

    def row(row: Row, own: str, other: str) -> None:
        if own in result and other in result:
            speed = ratio(result[own], result[other])
            mine, theirs = (statistics.median(result[name]) for name in (own, other))
            notebook.row(
                threads, row.what, f"{row.reference}{'' if other in peers else f' ({other})'}", speed, row.goal,
                goals.verdict(row, speed), mine, theirs,
            )  # fmt: skip
            notebook.keep(
                table="training", threads=threads, own=own, other=other, ratio=speed, mine=mine, theirs=theirs
            )

    for other in ("stored", "gathered"):
        row(goals.TRAIN, "ours", other)
        row(goals.TRAIN_BF16, "ours bf16", other)
    for name in peers:
        row(goals.PEERS[name], "ours", name)


def runs(notebook: Notebook, name: str, worker: Worker) -> bool:
    """Return whether a worker runs. Print a failure as a row.

    Args:
        notebook: printer of the row.
        name: name of the worker.
        worker: process to try.
    """
    try:
        worker()
    except CommandFailed as error:
        notebook.failed += 1
        notebook.row(name, f"failed: {error}")
        return False
    return True


def to_accuracy(notebook: Notebook, seeds: list[int]) -> None:
    """Print the training seconds of the reports and the test error, to compare the default with `stacked`."""
    notebook.say(f"\n## Time to {goals.ACCURATE:.3f} MSE on ETTh1, 96 steps\n")
    notebook.head("seed", "what", "MSE", "train, s", "ratio to `stacked`", "goal", "result")
    with tempfile.TemporaryDirectory() as folder, notebook.attempt("time to accuracy"):
        run_dir = str(Path(folder) / "run")
        targets = [word for channel in CHANNELS for word in ("--target", channel)]
        lstm("prepare", str(SAMPLE), run_dir, *targets, "--horizon", str(HORIZON), *SPLITS)
        for seed in seeds:
            whole = 0.0
            for words in ("--model stacked", "--effort fast", "--no-refit"):
                trained, _ = lstm("train", run_dir, *words.split(), "--seed", str(seed))
                report, _ = lstm("evaluate", run_dir)
                error = report["metrics"]["mse_scaled"]
                whole = whole or trained["seconds"]
                share = trained["seconds"] / whole
                known = goals.verdict(goals.TO_ACCURACY, share) if error <= goals.ACCURATE else ""
                notebook.row(seed, words, error, trained["seconds"], share, goals.TO_ACCURACY.goal, known)
                notebook.keep(table="accuracy", seed=seed, words=words, mse=error, seconds=trained["seconds"])


def precisions(notebook: Notebook, seeds: list[int]) -> None:
    """Print the validation and test errors of full trainings in both precisions."""
    notebook.say("\n## `--precision bf16` after full training, ETTh1, 96 steps from 96\n")
    notebook.head("seed", "precision", "epochs", "validation MAE", "ratio to fp32", "test MSE", "train, s")
    with tempfile.TemporaryDirectory() as folder, notebook.attempt("precisions"):
        run_dir = prepared(folder)
        for seed in seeds:
            plain = None
            for precision in ("fp32", "bf16"):
                words = (
                    "--model",
                    "stacked",
                    "--precision",
                    precision,
                    "--batch-size",
                    "256",
                    "--seed",
                    str(seed),
                )
                trained, _ = lstm("train", run_dir, *words)
                report, _ = lstm("evaluate", run_dir)
                error = trained["val"]["mae_scaled"]
                plain = plain or error
                test = report["metrics"]["mse_scaled"]
                notebook.row(
                    seed, precision, trained["epochs_run"], error, error / plain, test, trained["seconds"]
                )
                notebook.keep(table="precision", seed=seed, precision=precision, val=error, test=test)
