"""Tests of step `tune`: recorded trials, resuming after a kill, and scores on validation rows only."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from small_search import FIXED, SPACE, figures, trials
from small_steps import PREPARE, TRAIN, write_panel

from lstm_cli.config import TrainConfig, TuneConfig
from lstm_cli.config.search_space import parse_space
from lstm_cli.config.tasks import TrainOfTasks
from lstm_cli.errors import Interrupted, MissingArtifact, QualityError, UsageError
from lstm_cli.events import Event, Note, ignore_events
from lstm_cli.rundir import open_run, stale_sources
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train
from lstm_cli.steps.train.work import WORK as TRAIN_WORK
from lstm_cli.steps.tune import tune
from lstm_cli.steps.tune.record import TuneReport, read_search
from lstm_cli.steps.tune.work import WORK
from lstm_cli.tasks.records import OF_LAYERS


@pytest.fixture(scope="module")
def tuned(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run with a finished search of three trials; tests must not change it."""
    run = Path(shutil.copytree(prepared, tmp_path_factory.mktemp("tuned") / "run"))
    tune(run, TuneConfig(trials=3, space=SPACE), FIXED, ignore_events)
    return run


def test_each_trial_is_recorded_with_settings_and_score(tuned: Path) -> None:
    lines = trials(tuned)
    assert [line["number"] for line in lines] == [0, 1, 2]
    for line in lines:
        assert line["state"] == "done"
        assert set(line["settings"]) == {"log_transform", "weight_decay"}
        assert {name: line["config"][name] for name in line["settings"]} == line["settings"]
        assert line["config"]["refit"] is False
        assert line["config"]["parts"] == ["linear"]
        assert line["score"] == line["metrics"]["mase"] > 0
        assert (line["metric"], line["seed"]) == ("mase", 0)
        assert line["seconds"] > 0


@pytest.mark.usefixtures("unshipped")
def test_a_trial_keeps_the_history_of_its_networks(fresh: Path) -> None:
    report = tune(
        fresh,
        TuneConfig(trials=1, space=("lr=1e-3|1e-2",)),
        replace(TRAIN, lr=None, parts=("anchored",)),
        ignore_events,
    )
    (line,) = trials(fresh)
    assert [(item["part"], item["epoch"]) for item in line["history"]] == [("anchored", 0), ("anchored", 1)]
    assert line["history"][1]["grad_norm"] > 0
    assert report.best is not None
    assert report.best["score"] == line["score"]


def test_the_winner_becomes_the_runs_model(tuned: Path) -> None:
    report = read_search(tuned)
    best = min(trials(tuned), key=lambda line: line["score"])
    assert report.best is not None
    assert report.best["number"] == best["number"]
    assert report.winner == {"model": "segment", "parts": ["linear"], **best["settings"]}
    with open_run(tuned) as opened:
        entry = opened.entry("train")
        assert {name: entry["config"][name] for name in best["settings"]} == best["settings"]
        assert entry["report"]["refitted"] is True  # the shipped model was trained on the newest rows
        assert stale_sources(opened, "model") == ()
        assert opened.artifact("model").has("validated.onnx")
        assert opened.artifact("tune").bytes("importance.png").startswith(b"\x89PNG")
    assert report.finished
    assert report.states == {"done": 3}
    # The trial has no refit, so its score is that of the model before its refit.
    assert report.val is not None
    assert report.val["mase"] == pytest.approx(best["score"], rel=1e-4)


def test_the_winner_is_the_model_of_train_with_its_settings(tuned: Path, fresh: Path) -> None:
    best = min(trials(tuned), key=lambda line: line["score"])
    train(fresh, replace(FIXED, **best["settings"]), ignore_events)
    with open_run(tuned) as item, open_run(fresh) as other:
        assert item.digest("model") == other.digest("model")


@pytest.mark.usefixtures("unshipped")
def test_a_larger_search_resumes_with_the_missing_trials(tuned: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(tuned, tmp_path / "run"))
    before = trials(run)
    events: list[Event] = []
    tune(run, TuneConfig(trials=5, space=SPACE), FIXED, events.append)
    assert trials(run)[:3] == before  # not trained again, because even the seconds are equal
    assert [line["number"] for line in trials(run)] == [0, 1, 2, 3, 4]
    assert any(
        "resuming the search: 3 of 5 trials finished" in event.text
        for event in events
        if isinstance(event, Note)
    )


@pytest.mark.usefixtures("unshipped")
def test_a_killed_search_resumes_with_the_same_result(tuned: Path, fresh: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from lstm_cli.config import TrainConfig, TuneConfig
from lstm_cli.config.search_space import parse_space
from lstm_cli.config.tasks import TrainOfTasks
from lstm_cli.events import Note
from lstm_cli.steps.tune import tune
def listen(event):
    if isinstance(event, Note) and event.text.startswith("trial 1"):
        os.kill(os.getpid(), signal.SIGKILL)
tune(Path({str(fresh)!r}), TuneConfig(trials=3, space={SPACE!r}), TrainConfig(parts=("linear",), threads=1), listen)
"""
    killed = subprocess.run([sys.executable, "-c", script], env=os.environ, capture_output=True, timeout=1200)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    kept = trials(fresh)
    assert [line["number"] for line in kept] == [0, 1]
    report = read_search(fresh)  # `--show` works during a search too
    with open_run(fresh) as opened:
        assert not opened.has("model")
    assert (report.finished, report.winner, report.states) == (False, None, {"done": 2})
    tune(fresh, TuneConfig(trials=3, space=SPACE), FIXED, ignore_events)
    assert trials(fresh)[:2] == kept
    assert figures(fresh) == figures(tuned)


def test_a_finished_search_is_not_repeated(tuned: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(tuned, tmp_path / "run"))
    with open_run(run) as opened:
        times = opened.entry("train")["times"]
    report = tune(run, TuneConfig(trials=3, space=SPACE), FIXED, ignore_events)
    assert report.finished
    with open_run(run) as opened:
        assert opened.entry("train")["times"] == times


@pytest.mark.parametrize(
    "changes", [{"space": ("log_transform=on|off",)}, {"method": "grid", "space": ("log_transform=on|off",)}]
)
@pytest.mark.usefixtures("unshipped")
def test_another_search_replaces_the_earlier_one(
    tuned: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    run = Path(shutil.copytree(tuned, tmp_path / "run"))
    events: list[Event] = []
    report = tune(run, TuneConfig(trials=2, **changes), FIXED, events.append)
    assert [line["settings"]["log_transform"] for line in trials(run)].count("on") == 1
    assert report.states == {"done": 2}
    assert any("it replaces 3 earlier trials" in event.text for event in events if isinstance(event, Note))


@pytest.mark.usefixtures("unshipped")
def test_parallel_trials_are_the_same(tuned: Path, fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "lstm_cli.training.train_model.train_model", None
    )  # nothing is trained in this process
    tune(fresh, TuneConfig(trials=3, jobs=2, space=SPACE), FIXED, ignore_events)
    assert figures(fresh) == figures(tuned)


@pytest.mark.usefixtures("unshipped")
def test_the_test_rows_are_never_read(tmp_path: Path) -> None:
    """Changed test rows (the last 26 of 130 in each shop) change no trial; changed validation rows do."""
    result = []
    for name, first in (("plain", None), ("test", 104), ("val", 96)):
        source = write_panel(tmp_path / f"{name}.csv")
        cells = [line.split(",") for line in source.read_text().splitlines()]
        for row, cell in enumerate(cells[1:]):
            if first is not None and first <= row % 140 < 130:
                cell[2:4] = [f"{float(cell[2]) * (1.3 + 0.1 * (row % 3)):.3f}", "9"]
        source.write_text("\n".join(",".join(row) for row in cells) + "\n")
        run = tmp_path / name
        prepare(str(source), run, PREPARE, ignore_events)
        tune(run, TuneConfig(trials=2, space=SPACE), FIXED, ignore_events)
        result.append((figures(run), (run / "model").exists()))
    assert result[0] == result[1]
    assert result[0] != result[2]


@pytest.mark.usefixtures("unshipped")
def test_a_failed_trial_is_recorded_and_the_search_continues(fresh: Path) -> None:
    """Training with a learning rate of 1e30 overflows in the first steps."""
    wild = TrainConfig(
        model="stacked", hidden=(2,), epochs=1, threads=1, optimizer="sgd", clip_norm=0.0, schedule="constant"
    )
    config = TuneConfig(method="grid", space=("lr=1e30|1e-3",))
    report = tune(fresh, config, replace(wild, loss="mse"), ignore_events)
    assert report.states == {"failed": 1, "done": 1}
    failed = trials(fresh)[0]
    assert failed["state"] == "failed"
    assert failed["reason"].startswith("training diverged")
    assert failed["score"] is None
    assert report.best is not None
    assert report.best["settings"] == {"lr": 1e-3}
    assert report.warnings == (f"1 of 2 trials failed, first error: {failed['reason']}",)


@pytest.mark.usefixtures("unshipped")
def test_invalid_attention_heads_fail_only_their_trial(fresh: Path) -> None:
    config = TuneConfig(method="grid", space=("hidden=4|6", "attention=3"))
    report = tune(fresh, config, TrainConfig(model="stacked", epochs=1, threads=1), ignore_events)
    assert report.states == {"failed": 1, "done": 1}
    failed = next(item for item in trials(fresh) if item["state"] == "failed")
    assert failed["settings"] == {"hidden": [4], "attention": 3}
    assert failed["reason"].startswith("--attention 3 does not divide the 4 outputs")
    assert report.winner == {"model": "stacked", "epochs": 1, "hidden": [6], "attention": 3}


def test_the_reason_is_reported_if_all_trials_fail(fresh: Path, tmp_path: Path) -> None:
    source = write_panel(tmp_path / "negative.csv")
    source.write_text(source.read_text().replace(",50.", ",-50."))
    run = tmp_path / "negative"
    prepare(str(source), run, PREPARE, ignore_events)
    with pytest.raises(
        QualityError, match=r"all 2 trials failed, first error: --log-transform on needs"
    ) as failed:
        tune(
            run,
            TuneConfig(trials=2, space=("weight_decay=0..1",)),
            replace(FIXED, log_transform="on"),
            ignore_events,
        )
    assert failed.value.exit_code == 5
    assert "--show" in failed.value.hint
    assert [line["state"] for line in trials(run)] == ["failed", "failed"]
    with open_run(run) as opened:
        assert not opened.has("model")
    assert read_search(run).best is None


def test_the_time_limit_ends_a_search_between_trials(fresh: Path) -> None:
    with pytest.raises(QualityError, match="no trial started"):
        tune(fresh, TuneConfig(trials=50, time=1e-9, space=SPACE), FIXED, ignore_events)


def test_a_signal_ends_a_search_and_keeps_its_trials(fresh: Path) -> None:
    notes: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Note):
            notes.append(event.text)

    def should_stop() -> int | None:
        return signal.SIGTERM if any(text.startswith("trial 0") for text in notes) else None

    with pytest.raises(Interrupted) as interrupted:
        tune(fresh, TuneConfig(trials=3, space=SPACE), FIXED, listen, should_stop=should_stop)
    assert interrupted.value.exit_code == 143
    assert [line["number"] for line in trials(fresh)] == [0]


def test_changed_data_start_a_new_search_and_keep_the_winner(tuned: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(tuned, tmp_path / "run"))
    with open_run(run) as opened:
        winner = opened.report("tune")["winner"]
    prepare(str(write_panel(tmp_path / "more.csv", rows=131)), run, PREPARE, ignore_events)
    notes: list[str] = []

    def should_stop() -> int | None:
        return signal.SIGTERM if any(text.startswith("trial 0") for text in notes) else None

    with pytest.raises(Interrupted):
        tune(
            run,
            TuneConfig(trials=3, space=SPACE),
            FIXED,
            lambda event: notes.append(getattr(event, "text", "")),
            should_stop=should_stop,
        )
    with open_run(run) as opened:
        assert opened.report("tune")["winner"] == winner
        assert len(opened.report("tune")["trials"]) == 1


def test_a_run_without_a_search(fresh: Path) -> None:
    with pytest.raises(MissingArtifact) as missing:
        read_search(fresh)
    assert "lstm tune" in missing.value.hint


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (TuneConfig(space=("hiden=1..2",)), "unknown setting 'hiden'"),
        (
            TuneConfig(method="grid", space=("lr=1e-3..1e-2",)),
            "--method grid needs a list of values for 'lr'",
        ),
    ],
)
def test_an_invalid_space_is_an_error_before_the_run_changes(
    fresh: Path, config: TuneConfig, message: str
) -> None:
    before = sorted(fresh.rglob("*"))
    with pytest.raises(UsageError, match=message):
        tune(fresh, config, FIXED, ignore_events)
    assert sorted(fresh.rglob("*")) == before


def test_the_report_equals_that_of_the_manifest(tuned: Path) -> None:
    report = read_search(tuned)
    with open_run(tuned) as opened:
        stored = opened.report("tune")
    assert isinstance(report, TuneReport)
    assert report.to_json() == stored
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored


@pytest.mark.parametrize("task", WORK)
def test_every_setting_of_the_default_space_can_be_searched(task: str) -> None:
    work, fixed = WORK[task], TRAIN_WORK[task].settle(TrainConfig(), TrainOfTasks(), None)
    assert parse_space((), fixed, default=work.space, left_out=work.left_out)
    shared = set(OF_LAYERS) & {field.name for field in fields(fixed)}
    assert not shared & work.left_out  # options of the layers are those of both tasks
