"""Tests of training with torchrun: the model of two processes, and resuming after a lost process."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_steps import TRAIN

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.errors import ArtifactError, Interrupted
from lstm_cli.events import Note, ignore_events
from lstm_cli.inference.session import open_session
from lstm_cli.inference.trained_model import load_graph, load_model
from lstm_cli.rundir import Checkpoint, open_run, verify_run
from lstm_cli.steps.train import train

# Port 0 takes a free port, so tests can run in parallel; -- keeps torchrun from reading the options of lstm.
TORCHRUN = "--nproc-per-node 2 --rdzv-backend c10d --rdzv-endpoint localhost:0 -m -- lstm_cli"
# No dropout, because each process has its own random numbers. No bf16, because it has only three digits.
CONFIG = replace(TRAIN, dropout=0.0, refit=False, log_transform="off", precision="fp32")


def flags_of(config: TrainConfig) -> list[str]:
    """Return the flags of `train` for these settings."""
    flags = {
        "--model": config.model,
        "--hidden": ",".join(map(str, config.hidden or ())),
        "--epochs": config.epochs,
        "--batch-size": config.batch_size,
        "--threads": config.threads,
        "--lr": config.lr,
        "--dropout": config.dropout,
        "--optimizer": config.optimizer,
        "--log-transform": config.log_transform,
        "--precision": config.precision,
    }
    parts = ["--parts", ",".join(config.parts)] if config.parts else []
    return [*(str(word) for pair in flags.items() for word in pair), *parts, "--no-refit"]


def start(*argv: str) -> subprocess.Popen[str]:
    """Start a command with torchrun."""
    return subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", *TORCHRUN.split(), *argv],
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def forecasts(run: Path) -> np.ndarray:
    """Return forecasts [N, H, targets] of the test windows, in standard deviations of the target in training rows."""
    with open_run(run) as opened:
        dataset, model = load_dataset(opened), load_model(opened)
        windows = split_windows(dataset, "test", model.lookback)[:]
        session = open_session(load_graph(opened, "fp32")[0], threads=1)
        scale = (
            dataset.scaler.scale[windows.series, None, :1] / dataset.training.deviation[windows.series, None]
        )
        return session(windows.past, windows.future, windows.mask) * scale


def max_difference(item: Path, other: Path) -> float:
    """Return the largest difference between the forecasts of two runs, in standard deviations of the target."""
    return float(np.abs(forecasts(item) - forecasts(other)).max())


@pytest.mark.parametrize("model", ["stacked", "segment"])
def test_two_processes_train_the_same_model_as_one(model: str, run: Path, tmp_path: Path) -> None:
    """Batches of 5 do not divide by 2. Each process takes every second window of a batch.

    The last digits depend on the processor, and training makes them larger. So the forecasts are compared, and they
    must have moved much further than they differ. `test_distributed.py` compares the gradients. The stacked model
    starts at the weights of another run, which only one of the processes reads.
    """
    parts = ("free",) if model == "segment" else ()
    config = replace(CONFIG, model=model, parts=parts, batch_size=5, optimizer="sgd", lr=0.05)
    other, still = (Path(shutil.copytree(run, tmp_path / name)) for name in ("other", "still"))
    first = None
    if model == "stacked":
        first = Path(shutil.copytree(run, tmp_path / "first"))
        train(first, replace(config, seed=5, lr=1e-3), ignore_events)
    flags = [] if first is None else ["--from", str(first)]
    process = start("train", str(other), *flags_of(config), *flags, "--json")
    train(run, config, ignore_events, force=True, start=first)
    train(still, replace(config, lr=1e-12), ignore_events, force=True, start=first)
    out, err = process.communicate(timeout=1200)
    assert process.returncode == 0, err
    assert out.count('"model": ') == 1  # one of them prints
    assert err.count("best epoch") == 0
    assert err.count("training on cpu, 1 thread") == 1
    assert max_difference(run, other) < 0.01
    assert max_difference(run, still) > 0.2


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_stops_training_and_the_next_run_resumes(rank: int, run: Path) -> None:
    """Torchrun may kill rank 0 before it prints, so this test ignores the output."""
    config = replace(CONFIG, model="stacked", hidden=(32,), epochs=100_000)
    argv = ["train", str(run), *flags_of(config), "--patience", "100000", "--checkpoint-every", "1"]
    before = (run / "run.json").read_bytes()
    process = start(*argv, "--quiet")
    deadline = time.monotonic() + 1200
    while not _has_network(run):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(_find_rank(rank, process.pid), signal.SIGKILL)
    _, err = process.communicate(timeout=1200)
    assert process.returncode == 1, err  # exit code of torchrun for any failure
    assert (run / "run.json").read_bytes() == before
    with open_run(run) as opened:
        assert [verdict.findings for verdict in verify_run(opened) if verdict.broken] == []
    checkpoint = Checkpoint(run).read()
    assert checkpoint is not None
    assert "stacked" in checkpoint.files
    notes: list[str] = []

    def listen(event: object) -> None:
        notes.append(event.text if isinstance(event, Note) else "")

    with pytest.raises(Interrupted):
        train(run, replace(config, patience=100_000), listen, should_stop=lambda: signal.SIGTERM)
    assert any(text.startswith("resuming training") for text in notes)
    assert not [*run.rglob("*.tmp")]


def _has_network(run: Path) -> bool:
    """Return whether the checkpoint, which another process writes, has the network."""
    with suppress(ArtifactError):
        checkpoint = Checkpoint(run).read()
        return checkpoint is not None and "stacked" in checkpoint.files
    return False


def _find_rank(rank: int, parent: int) -> int:
    """Return the id of the process that torchrun started as a rank."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environ = (folder / "environ").read_bytes().split(b"\0")
            parent_id = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:  # the process has ended
            continue
        if f"RANK={rank}".encode() in environ and int(parent_id) == parent:
            return int(folder.name)
    raise AssertionError(f"rank {rank} not found")


def test_up_to_date_or_failed_runs_stop_all_processes(trained: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    flags = ["--hidden", "8", "--epochs", "1", "--batch-size", "4", "--threads", "1", "--lr", "0.001"]
    done = start("train", str(run), *flags)
    lost = start("train", str(tmp_path / "absent"))
    out, err = done.communicate(timeout=1200)
    assert done.returncode == 0, err
    assert err.count(": up to date, ") == 1
    assert "next: lstm evaluate" not in out
    _, err = lost.communicate(timeout=1200)
    assert lost.returncode == 1
    assert err.count("error: run directory not found: ") == 1
