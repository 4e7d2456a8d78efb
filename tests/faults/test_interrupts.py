"""Tests of INT, TERM and HUP at random times of a training: exit code, and the same bytes after resuming."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from faulty import artifact_digests, copy_golden, trial_count, unnamed_files

TRAIN = "--model stacked --hidden 8 --epochs 4 --patience 4 --batch-size 8 --dropout 0.3 --threads 1 --refit"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def training(run: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lstm_cli", "train", str(run), *TRAIN.split(), "--checkpoint-every", "1"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def test_an_interrupted_training_is_resumed(tmp_path: Path, rng: random.Random) -> None:
    base = copy_golden(tmp_path / "base", "train", "tune", "quantize", "evaluate")
    uninterrupted = Path(shutil.copytree(base, tmp_path / "uninterrupted"))
    began = time.monotonic()
    _, err = training(uninterrupted).communicate(timeout=1200)
    seconds, after, interrupted, resumed = time.monotonic() - began, artifact_digests(uninterrupted), 0, 0
    assert after is not None, err
    trials = trial_count(20, 1)
    for trial in range(trials):
        run, signum = Path(shutil.copytree(base, tmp_path / str(trial))), rng.choice(SIGNALS)
        process = training(run)
        time.sleep(rng.uniform(0.2 * seconds, seconds))
        process.send_signal(signum)
        _, err = process.communicate(timeout=1200)
        # Before it handles signals, and after it is done, the signal kills the process.
        assert process.returncode in (0, 128 + signum, -signum), err
        assert "Traceback" not in err
        interrupted += process.returncode != 0
        repeated = training(run)
        _, err = repeated.communicate(timeout=1200)
        assert repeated.returncode == 0, err
        resumed += "resuming training" in err
        assert artifact_digests(run) == after
        assert unnamed_files(run) == []
        shutil.rmtree(run)
    print(f"interrupts: {interrupted} of {trials} interrupted, {resumed} resumed, all with the same bytes")
