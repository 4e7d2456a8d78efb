"""Two writers of one run, and readers while it is replaced."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from faulted_steps import BY_NAME
from faulty import FULL, LINEAR, Command, artifact_digests, copy_golden, trial_count, unnamed_files

CHILD = "import sys; from lstm_cli.cli.main import main; main(sys.argv[1:])"


def start(*argv: object, cwd: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", CHILD, *map(str, argv)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=cwd, text=True, stdout=pipe, stderr=pipe)


def test_two_writers_one_of_which_is_refused(command: Command, panel: Path, tmp_path: Path) -> None:
    """Both read the same and would write the same: exit 0 where the other was through already, else exit 6."""
    clean = copy_golden(tmp_path / "clean")
    argv = BY_NAME["prepare"].argv
    assert command(*argv(panel, clean))["status"] == 0
    after, refused = artifact_digests(clean), 0
    for trial in range(trial_count(50, 1)):
        run = copy_golden(tmp_path / f"run{trial}")
        both = [start(*argv(panel, run), "--force", cwd=tmp_path) for _ in range(2)]
        ended = [(process.communicate(timeout=300)[1], process.returncode) for process in both]
        codes = sorted(code for _, code in ended)
        assert codes in ([0, 0], [0, 6]), ended
        for err, code in ended:
            if code == 6:
                refused += 1
                assert re.search(r"is being written by process \d+ on host '\S+'", err), err
        assert artifact_digests(run) == after
        assert unnamed_files(run) == []
        shutil.rmtree(run)
    print(f"two writers: {refused} of {trial_count(50, 1)} pairs met")
    assert not FULL or refused > 0


def test_a_second_writer_may_wait(panel: Path, tmp_path: Path) -> None:
    run = copy_golden(tmp_path / "run")
    argv = [*BY_NAME["prepare"].argv(panel, run), "--force", "--lock-wait", "300"]
    both = [start(*argv, cwd=tmp_path) for _ in range(2)]
    assert [process.communicate(timeout=300) and process.returncode for process in both] == [0, 0]
    assert unnamed_files(run) == []


def test_readers_while_the_model_is_replaced(command: Command, panel: Path, tmp_path: Path) -> None:
    """Every forecast is that of one whole model, though it is replaced again and again."""
    run = copy_golden(tmp_path / "run")
    other = copy_golden(tmp_path / "other")
    assert command("train", other, *LINEAR, cached=True)["status"] == 0
    forecast = ["--precision", "fp32", "--threads", "1"]
    whole = {command("predict", one, *forecast)["out"] for one in (run, other)}
    assert len(whole) == 2
    models = [other, copy_golden(tmp_path / "first")]
    count = 20 if FULL else 2
    readers = [
        subprocess.Popen([sys.executable, "-c", READER, run, tmp_path], text=True, stdout=subprocess.PIPE)
        for _ in range(count)
    ]
    while len([*tmp_path.glob("*.ready")]) < count:
        assert all(one.poll() is None for one in readers)
        time.sleep(0.01)
    for number in range(20):
        replace(run, models[number % 2])
        time.sleep(0.05)
    (tmp_path / "done").touch()
    seen, forecasts = set(), 0
    for one in readers:
        out, _ = one.communicate(timeout=300)
        assert one.returncode == 0
        many, *told = out.split("\0")
        forecasts += int(many)
        seen |= set(told)
    assert seen == whole
    print(f"{count} readers during 20 swaps: {forecasts} forecasts, each of one whole model")


READER = r"""
import io, os, sys
from pathlib import Path
from lstm_cli.config import PredictConfig
from lstm_cli.events import ignore_events
from lstm_cli.steps.predict import predict
run, folder = (Path(name) for name in sys.argv[1:])
seen, many = set(), 0
while not (folder / "done").exists():
    out = io.BytesIO()
    predict(run, None, PredictConfig(precision="fp32", threads=1), ignore_events, stdout=out)
    seen.add(out.getvalue().decode())
    many += 1
    (folder / f"{os.getpid()}.ready").touch()
sys.stdout.write("\0".join([str(many), *seen]))
"""


def replace(run: Path, other: Path) -> None:
    """A commit of another run's model, by the writer that `train` uses."""
    from lstm_cli.rundir import open_run, writing

    with open_run(other) as made, writing(run, step="train", lock_wait=60) as writer:
        assert writer.run is not None
        entry, reader, folder = made.entry("train"), made.artifact("model"), writer.new("model")
        for file in reader.files:
            folder.write_bytes(file, reader.bytes(file))
        data = {"data": writer.run.artifact("data").digest}
        writer.commit(config=entry["config"], reads=data, report=entry["report"], seed=0, device="cpu")
