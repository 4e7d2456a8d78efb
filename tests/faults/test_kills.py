"""Tests of kill -9 at random times: the run has the old or the new state, and the command succeeds again."""

import random
import shutil
from pathlib import Path

import pytest
from faulted_steps import STEPS, Step
from faulty import Command, artifact_digests, ledger_names, states, trial_count, unnamed_files

OLD = b"an older forecast\n"
TRAINING = ("train", "refresh")


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name.replace(" --", "-").replace(" ", "-"))
def test_a_killed_step(step: Step, command: Command, panel: Path, tmp_path: Path, rng: random.Random) -> None:
    base, clean, first = (tmp_path / name / "run" for name in ("base", "clean", "first"))
    for run in (base, clean, first):
        run.parent.mkdir()
        step.before(run)
    before = artifact_digests(base)
    forecast = clean.parent / "forecast.csv"
    if step.name in TRAINING:  # trains once in the forking process, so most trials only test writing
        done = command(*step.argv(panel, first), cached=True, here=True, **step.options)
        assert done["status"] == 0
    done = command(*step.argv(panel, clean), cached=True, **step.options)
    assert done["status"] == 0, done["err"]
    recorded = ledger_names(clean)
    after, expected = artifact_digests(clean), forecast.read_bytes() if forecast.exists() else None
    trials, killed = trial_count(50, 1), 0
    for trial in range(trials):
        run = tmp_path / str(trial) / "run"
        run.parent.mkdir()
        if base.exists():
            shutil.copytree(base, run)
        output = run.parent / "forecast.csv"
        output.write_bytes(OLD)
        cached = step.name != "train" or trial % 10 != 9
        seconds = rng.uniform(0, done["seconds"] * (1 if cached else 5))
        ended = command(*step.argv(panel, run), kill_after=seconds, cached=cached, **step.options)
        assert ended["status"] in (-9, 0), ended["err"]
        killed += ended["status"] == -9
        assert artifact_digests(run) in states(before, after, step.order)
        assert output.read_bytes() in (OLD, expected)
        repeated = command(*step.argv(panel, run), cached=True, **step.options)
        assert repeated["status"] == 0, repeated["err"]
        assert artifact_digests(run) == after
        assert unnamed_files(run) == []
        assert ledger_names(run) == recorded
        assert expected is None or output.read_bytes() == expected
        assert {path.name for path in run.parent.iterdir()} == {"run", "forecast.csv"}
        shutil.rmtree(run.parent)
    print(f"{step.name}: {killed} of {trials} killed before the end, all intact")
