"""Tests of two writers of a run, and of readers during commits."""

import os
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from faulted_steps import BY_NAME
from faulty import (
    FULL,
    LINEAR,
    Command,
    artifact_digests,
    copy_golden,
    copy_two_models,
    trial_count,
    unnamed_files,
)

CHILD = "import sys; from lstm_cli.cli.main import main; main(sys.argv[1:])"


def start(*argv: object, cwd: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", CHILD, *map(str, argv)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=cwd, text=True, stdin=pipe, stdout=pipe, stderr=pipe)


def wait_for_lock(run: Path, process: "subprocess.Popen[str]") -> None:
    """Wait until a process holds the lock of a run."""
    while not (run / ".lock").exists() or not (run / ".lock").read_text().startswith(f"{process.pid} "):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def others(run: Path, panel: Path) -> dict[str, list[object]]:
    """Return the commands that write a run, by verb."""
    return {
        "refresh": ["refresh", run, panel],
        "train": ["train", run, *LINEAR, "--force"],
        "quantize": ["quantize", run, "--max-loss", "1000%", "--force"],
        "rollback": ["history", run, "--rollback", "1"],
        "score": ["score", run],
    }


@pytest.mark.parametrize("stage", ["reading", "forecast"])
def test_no_other_writer_comes_between_the_parts_of_a_night(
    command: Command, panel: Path, tmp_path: Path, stage: str
) -> None:
    """Stop the night while it reads its rows or writes its forecast: it has one lock from begin to end."""
    run, fifo = copy_two_models(tmp_path / "run"), tmp_path / "fifo.csv"
    assert command("predict", run, "--record", "--origin", "2024-04-20", "-o", tmp_path / "f")["status"] == 0
    os.mkfifo(fifo)
    plain = [*("refresh", run), "-" if stage == "reading" else panel]
    night = start(*plain, "-o", tmp_path / "forecast.csv" if stage == "reading" else fifo, cwd=tmp_path)
    wait_for_lock(run, night)
    if stage == "forecast":  # the reader is opened when the night has done all else
        while "verdicts" not in (run / "run.json").read_text():
            assert night.poll() is None, night.communicate()
            time.sleep(0.01)
    before = (run / "run.json").read_bytes()
    for argv in others(run, panel).values():
        refused = command(*argv)
        assert refused["status"] == 6, refused["err"]
        assert f"is being written by process {night.pid} on host" in refused["err"]
    assert command("predict", run, "-o", tmp_path / "reader.csv")["status"] == 0
    assert (run / "run.json").read_bytes() == before
    waiting = start("history", run, "--rollback", "1", "--lock-wait", "300", cwd=tmp_path)
    if stage == "forecast":
        assert len(fifo.read_text().splitlines()) == 15
    err = night.communicate(panel.read_text() if stage == "reading" else None, timeout=1200)[1]
    assert night.returncode == 0, err
    assert waiting.communicate(timeout=1200)
    assert waiting.returncode == 0
    assert artifact_digests(run) is not None
    assert unnamed_files(run) == []


def test_nights_and_other_writers_at_random_times(
    command: Command, panel: Path, tmp_path: Path, rng: random.Random
) -> None:
    """Each writer succeeds or is refused, and the run is whole."""
    codes: dict[str, list[int]] = {}
    for trial in range(trial_count(50, 1)):
        run = copy_two_models(tmp_path / f"run{trial}")
        verb = rng.choice([*others(run, panel), "predict"])
        argv = ["predict", run] if verb == "predict" else others(run, panel)[verb]
        night = start("refresh", run, panel, "--always", "-o", tmp_path / "forecast.csv", cwd=tmp_path)
        time.sleep(rng.uniform(0, 4))
        other = command(*argv)
        err = night.communicate(timeout=1200)[1]
        assert night.returncode in (0, 6), err
        assert other["status"] in ((0,) if verb == "predict" else (0, 3, 6)), other[
            "err"
        ]  # 3: nothing to score
        assert 0 in (night.returncode, other["status"]) or verb == "score"
        assert artifact_digests(run) is not None
        assert unnamed_files(run) == []
        codes.setdefault(verb, []).append(other["status"])
        shutil.rmtree(run)
    print(f"refresh with another writer: {codes}")


def test_one_of_two_writers_is_refused(command: Command, panel: Path, tmp_path: Path) -> None:
    """Both writers run the same step. Exit code 0 if the other one was already done, otherwise 6."""
    clean = copy_golden(tmp_path / "clean")
    argv = BY_NAME["prepare"].argv
    assert command(*argv(panel, clean))["status"] == 0
    after, refused = artifact_digests(clean), 0
    for trial in range(trial_count(50, 1)):
        run = copy_golden(tmp_path / f"run{trial}")
        both = [start(*argv(panel, run), "--force", cwd=tmp_path) for _ in range(2)]
        results = [(process.communicate(timeout=1200)[1], process.returncode) for process in both]
        codes = sorted(code for _, code in results)
        assert codes in ([0, 0], [0, 6]), results
        for err, code in results:
            if code == 6:
                refused += 1
                assert re.search(r"is being written by (process \d+ on host '\S+'|another process)", err), err
        assert artifact_digests(run) == after
        assert unnamed_files(run) == []
        shutil.rmtree(run)
    print(f"two writers: {refused} of {trial_count(50, 1)} pairs overlapped")
    assert not FULL or refused > 0


def test_a_second_writer_can_wait(panel: Path, tmp_path: Path) -> None:
    run = copy_golden(tmp_path / "run")
    argv = [*BY_NAME["prepare"].argv(panel, run), "--force", "--lock-wait", "300"]
    both = [start(*argv, cwd=tmp_path) for _ in range(2)]
    assert [process.communicate(timeout=1200) and process.returncode for process in both] == [0, 0]
    assert unnamed_files(run) == []


def test_readers_while_the_model_is_replaced(command: Command, panel: Path, tmp_path: Path) -> None:
    """Forecasts are from complete models, even if the model is replaced many times."""
    run = copy_golden(tmp_path / "run")
    other = copy_golden(tmp_path / "other")
    assert command("train", other, *LINEAR, cached=True)["status"] == 0
    forecast = ["--precision", "fp32", "--threads", "1"]
    expected = {command("predict", path, *forecast)["out"] for path in (run, other)}
    assert len(expected) == 2
    models = [other, copy_golden(tmp_path / "first")]
    count = 20 if FULL else 2
    readers = [
        subprocess.Popen([sys.executable, "-c", READER, run, tmp_path], text=True, stdout=subprocess.PIPE)
        for _ in range(count)
    ]
    while len([*tmp_path.glob("*.ready")]) < count:
        assert all(reader.poll() is None for reader in readers)
        time.sleep(0.01)
    for number in range(20):
        replace(run, models[number % 2])
        time.sleep(0.05)
    (tmp_path / "done").touch()
    seen, forecasts = set(), 0
    for reader in readers:
        out, _ = reader.communicate(timeout=1200)
        assert reader.returncode == 0
        count_text, *texts = out.split("\0")
        forecasts += int(count_text)
        seen |= set(texts)
    assert seen == expected
    print(f"{count} readers during 20 commits: {forecasts} forecasts, each from one complete model")


READER = r"""
import io, os, sys
from pathlib import Path
from lstm_cli.config import PredictConfig
from lstm_cli.events import ignore_events
from lstm_cli.steps.predict import predict
run, folder = (Path(name) for name in sys.argv[1:])
seen, count = set(), 0
while not (folder / "done").exists():
    out = io.BytesIO()
    predict(run, None, PredictConfig(precision="fp32", threads=1), ignore_events, stdout=out)
    seen.add(out.getvalue().decode())
    count += 1
    (folder / f"{os.getpid()}.ready").touch()
sys.stdout.write("\0".join([str(count), *seen]))
"""


def replace(run: Path, other: Path) -> None:
    """Commit the model of another run with the writer of `train`."""
    from lstm_cli.rundir import open_run, writing

    with open_run(other) as source, writing(run, step="train", lock_wait=60) as writer:
        assert writer.run is not None
        entry, reader, folder = source.entry("train"), source.artifact("model"), writer.new("model")
        for file in reader.files:
            folder.write_bytes(file, reader.bytes(file))
        data = {"data": writer.run.artifact("data").digest}
        writer.commit(config=entry["config"], reads=data, report=entry["report"], seed=0, device="cpu")
