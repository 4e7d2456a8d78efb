"""How fast the textbook LSTM is trained, beside loops by hand and the peers; and how soon the default is as good."""

import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import reach
from command import CommandFailed, Notebook, lstm
from on_etth1 import CHANNELS, SAMPLE, SPLITS
from reach import Row
from timing import Worker, in_turn, ratio

LOOPS = Path(__file__).with_name("training_loops.py")
HORIZON = 96


def prepared(folder: str) -> str:
    """ETTh1 by the published protocol, 96 steps from 96."""
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
    """peers: by name, a command that trains a few steps for each line it reads."""
    notebook.say("\n## Training `stacked` 2 x 64: windows a second, lookback 96, 7 features, batch 256\n")
    notebook.head("threads", "what", "beside", "ratio", "reach", "", "windows/s", "beside, windows/s")
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
        working = {name: worker for name, worker in sides.items() if works(notebook, name, worker)}
        found = in_turn(working, repetitions)

    def row(row: Row, own: str, other: str) -> None:
        if own in found and other in found:
            speed = ratio(found[own], found[other])
            mine, theirs = (statistics.median(found[name]) for name in (own, other))
            notebook.row(
                threads, row.what, f"{row.beside}{'' if other in peers else f' ({other})'}", speed, row.reach,
                reach.verdict(row, speed), mine, theirs,
            )  # fmt: skip
            notebook.keep(
                table="training", threads=threads, own=own, other=other, ratio=speed, mine=mine, theirs=theirs
            )

    for other in ("stored", "gathered"):
        row(reach.TRAIN, "ours", other)
        row(reach.TRAIN_BF16, "ours bf16", other)
    for name in peers:
        row(reach.PEERS[name], "ours", name)


def works(notebook: Notebook, name: str, worker: Worker) -> bool:
    """Whether a worker gives a figure; one that does not is told, and the others go on."""
    try:
        worker()
    except CommandFailed as error:
        notebook.failed += 1
        notebook.row(name, f"failed: {error}")
        return False
    return True


def to_accuracy(notebook: Notebook, seeds: list[int]) -> None:
    """Seconds of training by the commands' own reports, and the error on the test rows, not refitted."""
    notebook.say(f"\n## Time to {reach.ACCURATE:.3f} MSE on ETTh1, 96 steps\n")
    notebook.head("seed", "what", "MSE", "train, s", "over `stacked`", "reach", "")
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
                known = reach.verdict(reach.TO_ACCURACY, share) if error <= reach.ACCURATE else ""
                notebook.row(seed, words, error, trained["seconds"], share, reach.TO_ACCURACY.reach, known)
                notebook.keep(table="accuracy", seed=seed, words=words, mse=error, seconds=trained["seconds"])


def precisions(notebook: Notebook, seeds: list[int]) -> None:
    """The same training to its end in both precisions: does the validation error stay within one percent?"""
    notebook.say("\n## `--precision bf16` after full training, ETTh1, 96 steps from 96\n")
    notebook.head("seed", "precision", "epochs", "validation MAE", "over fp32", "test MSE", "train, s")
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
