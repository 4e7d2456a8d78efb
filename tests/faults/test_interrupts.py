"""INT, TERM and HUP at random times of a training: it ends with their code, and goes on to the very same bytes."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from faulty import artifact_digests, copy_golden, trial_count, unnamed_files

TRAIN = "--model stacked --hidden 8 --epochs 4 --patience 4 --batch-size 8 --dropout 0.3 --threads 1 --refit"
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def training(run: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lstm_cli", "train", str(run), *TRAIN.split(), "--checkpoint-every", "1"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def test_a_training_that_is_interrupted(tmp_path: Path, chance: random.Random) -> None:
    base = copy_golden(tmp_path / "base", "train", "tune", "quantize", "evaluate")
    whole = Path(shutil.copytree(base, tmp_path / "whole"))
    began = time.monotonic()
    _, err = training(whole).communicate(timeout=300)
    seconds, after, ended, gone_on = time.monotonic() - began, artifact_digests(whole), 0, 0
    assert after is not None, err
    trials = trial_count(20, 1)
    for trial in range(trials):
        run, signum = Path(shutil.copytree(base, tmp_path / str(trial))), chance.choice(ENDS)
        process = training(run)
        time.sleep(chance.uniform(0.2 * seconds, seconds))
        process.send_signal(signum)
        _, err = process.communicate(timeout=300)
        # Before it heeds signals, and after it is done, a process ends by the signal itself.
        assert process.returncode in (0, 128 + signum, -signum), err
        assert "Traceback" not in err
        ended += process.returncode != 0
        again = training(run)
        _, err = again.communicate(timeout=300)
        assert again.returncode == 0, err
        gone_on += "going on with a training" in err
        assert artifact_digests(run) == after
        assert unnamed_files(run) == []
        shutil.rmtree(run)
    print(
        f"interrupts: {ended} of {trials} ended, {gone_on} went on from a checkpoint, all to the same bytes"
    )
