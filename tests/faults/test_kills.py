"""kill -9 at random times: the run is as it was or as it should be, and the same command finishes the work."""

import random
import shutil
from pathlib import Path

import pytest
from conftest import Command, leftovers, several, state
from steps import STEPS, Step

OLD = b"an older forecast\n"


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name.replace(" ", "-"))
def test_a_step_that_is_killed(
    step: Step, command: Command, panel: Path, tmp_path: Path, chance: random.Random
) -> None:
    base, clean = tmp_path / "base" / "run", tmp_path / "clean" / "run"
    for run in (base, clean):
        run.parent.mkdir()
        step.before(run)
    before = state(base)
    forecast = clean.parent / "forecast.csv"
    done = command(*step.argv(panel, clean))
    assert done["status"] == 0, done["err"]
    after, made = state(clean), forecast.read_bytes() if forecast.exists() else None
    for trial in range(several(50, 2)):
        run = tmp_path / str(trial) / "run"
        run.parent.mkdir()
        if base.exists():
            shutil.copytree(base, run)
        output = run.parent / "forecast.csv"
        output.write_bytes(OLD)
        killed = command(*step.argv(panel, run), kill_after=chance.uniform(0, done["seconds"]))
        assert killed["status"] in (-9, 0), killed["err"]
        assert state(run) in (before, after)
        assert output.read_bytes() in (OLD, made)
        again = command(*step.argv(panel, run))
        assert again["status"] == 0, again["err"]
        assert state(run) == after
        assert leftovers(run) == []
        assert step.name != "predict" or output.read_bytes() == made
        assert {path.name for path in run.parent.iterdir()} == {"run", "forecast.csv"}
        shutil.rmtree(run.parent)
