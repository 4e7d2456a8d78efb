"""A training on two processes is that of one, and one that loses a process leaves a run to go on with."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from small_steps import TRAIN

from lstm_cli.config import TrainConfig
from lstm_cli.errors import Interrupted
from lstm_cli.events import Noted, silent
from lstm_cli.rundir import Checkpoint, open_run
from lstm_cli.steps.train import train

# On a port of its own, so that other tests may run beside it; without the --, torchrun takes --logs for one of its own.
TORCHRUN = "--nproc-per-node 2 --rdzv-backend c10d --rdzv-endpoint localhost:0 -m -- lstm_cli"
SAME = replace(
    TRAIN, dropout=0.0, refit=False, logs="off"
)  # dropout draws from another source on each process


def words(config: TrainConfig) -> list[str]:
    """What `train` is told so that it has these settings."""
    flags = {
        "--model": config.model,
        "--hidden": ",".join(map(str, config.hidden or ())),
        "--epochs": config.epochs,
        "--batch-size": config.batch_size,
        "--threads": config.threads,
        "--lr": config.lr,
        "--dropout": config.dropout,
        "--optimizer": config.optimizer,
        "--logs": config.logs,
    }
    return [*(str(word) for pair in flags.items() for word in pair), "--no-refit"]


def started(*argv: str) -> subprocess.Popen[str]:
    """A command under torchrun."""
    return subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", *TORCHRUN.split(), *argv],
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def weights(run: Path) -> dict[str, np.ndarray]:
    with open_run(run) as opened:
        return load_file(opened.artifact("model").folder / "weights.safetensors")


@pytest.mark.parametrize("model", ["stacked", "segment"])
def test_two_processes_train_what_one_does(model: str, run: Path, tmp_path: Path) -> None:
    """A batch of 5 does not divide by 2. Each process takes every second window of it."""
    config = replace(SAME, model=model, batch_size=5, optimizer="sgd")  # Adam makes much of the last digits
    other = Path(shutil.copytree(run, tmp_path / "other"))
    process = started("train", str(other), *words(config), "--json")
    train(run, config, silent, force=True)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out.count('"model"') == 1  # one of them prints
    assert err.count("best epoch") == 0
    assert err.count("training on cpu, 1 thread") == 1
    found, expected = weights(other), weights(run)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-6, err_msg=name)


def test_a_process_that_is_lost_ends_the_training_and_the_next_goes_on(run: Path) -> None:
    config = replace(SAME, model="stacked", hidden=(32,), epochs=500)
    argv = ["train", str(run), *words(config), "--patience", "500", "--checkpoint-every", "1"]
    process = started(*argv)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("stacked  epoch   2/500"):
            break
    os.kill(_follower(process.pid), signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1  # torchrun's own, whatever it ended with
    assert "error: rank 0 lost another process of the training" in err
    assert "hint: run the same command again" in err
    assert Checkpoint(run).exists()
    heard: list[str] = []

    def listen(event: object) -> None:
        heard.append(event.text if isinstance(event, Noted) else "")

    with pytest.raises(Interrupted):
        train(run, replace(config, patience=500), listen, should_stop=lambda: signal.SIGTERM)
    assert any(text.startswith("going on with a training") for text in heard)


def _follower(parent: int) -> int:
    """The process that torchrun started as rank 1."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environ = (folder / "environ").read_bytes().split(b"\0")
            of = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:  # it is gone
            continue
        if b"RANK=1" in environ and int(of) == parent:
            return int(folder.name)
    raise AssertionError("there is no rank 1")


def test_what_is_up_to_date_or_refused_ends_all_of_them(trained: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    flags = ["--hidden", "8", "--epochs", "1", "--batch-size", "4", "--threads", "1", "--lr", "0.001"]
    done = started("train", str(run), *flags)
    lost = started("train", str(tmp_path / "absent"))
    out, err = done.communicate(timeout=60)
    assert done.returncode == 0, err
    assert err.count("up to date") == 1
    assert out.count("next: lstm evaluate") == 1
    _, err = lost.communicate(timeout=60)
    assert lost.returncode == 1
    assert err.count("absent does not exist") == 1
