"""Tests of kill -9 during `refresh`: the run has the old or the new model, whole, and the next night works."""

import random
import shutil
from pathlib import Path

from faulty import LINEAR, Command, copy_golden, trial_count, unnamed_files

OLD = b"an older forecast\n"


def model_bytes(run: Path) -> dict[str, bytes]:
    """Return the files of the current model, verified by their checksums."""
    from lstm_cli.rundir import open_run

    with open_run(run) as opened:
        reader = opened.artifact("model")
        return {name: reader.bytes(name) for name in reader.files if name != "history.jsonl"}


def test_a_killed_night(command: Command, panel: Path, tmp_path: Path, rng: random.Random) -> None:
    base = tmp_path / "base" / "run"
    base.parent.mkdir()
    copy_golden(base, "tune", "quantize")
    assert command("train", base, *LINEAR, "--force")["status"] == 0
    champion = model_bytes(base)

    def night(run: Path) -> list[object]:
        # Without a margin a new model is likely, but not certain.
        return ["refresh", run, panel, "--always", "--margin", "0", "-o", run.parent / "forecast.csv"]

    clean = Path(shutil.copytree(base, tmp_path / "clean" / "run"))
    done = command(*night(clean))
    assert done["status"] == 0, done["err"]
    outcomes = [champion, model_bytes(clean)]
    expected = (clean.parent / "forecast.csv").read_bytes()
    for trial in range(trial_count(50, 1)):
        run = Path(shutil.copytree(base, tmp_path / str(trial) / "run"))
        output = run.parent / "forecast.csv"
        output.write_bytes(OLD)
        first = command(*night(run), kill_after=rng.uniform(0, done["seconds"]))
        assert first["status"] in (-9, 0), first["err"]
        assert model_bytes(run) in outcomes
        assert output.read_bytes() in (OLD, expected)
        checked = command("verify", run)
        assert checked["status"] == 0, checked["err"]
        repeated = command(*night(run))
        assert repeated["status"] == 0, repeated["err"]
        assert [name for name in unnamed_files(run) if not name.startswith("ledger/")] == []
        assert len(output.read_bytes().splitlines()) == len(expected.splitlines())
        shutil.rmtree(run.parent)
