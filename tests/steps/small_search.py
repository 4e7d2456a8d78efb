"""A small search of `tune` on the panel: what its trials have in common, and what is read of them."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_steps import LINEAR, PREPARE

from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.prepare import prepare

# The linear part alone is trained in no time; what it makes of logarithms differs.
FIXED = replace(LINEAR, hidden=None, refit=None, batch_size=None, epochs=None, lr=None)
SPACE = ("log_transform=on|off", "weight_decay=0..1")


@pytest.fixture(scope="session")
def prepared(panel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with data alone; not to be changed."""
    run = tmp_path_factory.mktemp("tune") / "prepared"
    prepare(str(panel), run, PREPARE, ignore_events)
    return run


@pytest.fixture
def fresh(prepared: Path, tmp_path: Path) -> Path:
    """A copy of the prepared run."""
    return Path(shutil.copytree(prepared, tmp_path / "fresh"))


@pytest.fixture
def unshipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip training the winner: its export takes seconds, and most tests need only the trials."""

    class Trained:
        def to_json(self) -> dict[str, Any]:
            return {"val": {"mase": 1.0}, "val_baselines": {}}

    monkeypatch.setattr("lstm_cli.steps.tune.train_and_commit", lambda *_, **__: Trained())


def trials(run: Path) -> list[dict[str, Any]]:
    with open_run(run) as opened:
        return opened.artifact("tune").json_lines("trials.jsonl")


def figures(run: Path) -> list[dict[str, Any]]:
    """Return the trials without their times."""
    return [{key: value for key, value in trial.items() if key != "seconds"} for trial in trials(run)]
