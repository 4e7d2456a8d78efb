"""Small search of `tune` on the panel: common settings of the trials, and readers of their results."""

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
    """Return a run with only data. Tests must not change it."""
    run = tmp_path_factory.mktemp("tune") / "prepared"
    prepare(str(panel), run, PREPARE, ignore_events)
    return run


@pytest.fixture
def fresh(prepared: Path, tmp_path: Path) -> Path:
    """Return a copy of the prepared run."""
    return Path(shutil.copytree(prepared, tmp_path / "fresh"))


@pytest.fixture
def unshipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the training of the winner, because most tests need only the trials."""

    class Trained:
        def to_json(self) -> dict[str, Any]:
            return {"val": {"mase": 1.0}, "val_baselines": {}}

    monkeypatch.setattr("lstm_cli.steps.tune.work.train_and_commit", lambda *_, **__: Trained())


def trials(run: Path) -> list[dict[str, Any]]:
    with open_run(run) as opened:
        return opened.artifact("tune").json_lines("trials.jsonl")


def figures(run: Path) -> list[dict[str, Any]]:
    """Return the trials without times and durations."""
    return [{key: value for key, value in trial.items() if key != "seconds"} for trial in trials(run)]
