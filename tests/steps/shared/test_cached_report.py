"""Tests that a step that is up to date changes nothing and returns its stored report."""

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_steps import LINEAR, PREPARE, TRAIN, write_panel

from lstm_cli.config import EvaluateConfig, PrepareConfig, QuantizeConfig, TuneConfig
from lstm_cli.errors import CorruptArtifact, GateFailed
from lstm_cli.events import ignore_events
from lstm_cli.rundir import manifest, open_run
from lstm_cli.steps import tune
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.evaluate.report import EvaluateReport
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.quantize import quantize
from lstm_cli.steps.train import train

QUANTIZE = QuantizeConfig(max_loss=1.0)
EVALUATE = EvaluateConfig(threads=1)


def read_files(run: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(run)): path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()
    }


def require_replay(report: Any, fresh: Any) -> None:
    """Check that a report is marked as up to date and otherwise equals the first one."""
    replayed, first = json.loads(json.dumps(report.to_json())), json.loads(json.dumps(fresh.to_json()))
    assert replayed.pop("up_to_date") is True
    assert replayed == first
    assert list(replayed) == list(first)
    assert "up_to_date" not in first


@pytest.fixture
def complete_run(scored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(scored, tmp_path / "whole"))


def test_up_to_date_steps_return_their_reports_and_change_nothing(complete_run: Path, panel: Path) -> None:
    before, events = read_files(complete_run), []
    with open_run(complete_run) as opened:
        reports = {step: opened.report(step) for step in opened.steps}
    replayed = {
        "prepare": prepare(str(panel), complete_run, PREPARE, events.append),
        "train": train(complete_run, TRAIN, events.append),
        "evaluate": evaluate(complete_run, EVALUATE, events.append),
        "quantize": quantize(complete_run, QUANTIZE, events.append),
    }
    assert read_files(complete_run) == before
    for step, report in replayed.items():
        stored = reports[step] | {"run": str(complete_run), "up_to_date": True}
        if "picture" in stored:
            stored["picture"] = str(complete_run / "scores" / "0001" / "forecasts.png")
        assert report.to_json() == stored
    assert events == []


def test_the_replayed_report_equals_the_first_one(panel: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    config = replace(PREPARE, season="none")
    fresh = prepare(str(panel), run, config, ignore_events)
    require_replay(prepare(str(panel), run, config, ignore_events), fresh)
    fresh = train(run, LINEAR, ignore_events)
    require_replay(train(run, LINEAR, ignore_events), fresh)
    fresh = evaluate(run, EVALUATE, ignore_events)
    require_replay(evaluate(run, EVALUATE, ignore_events), fresh)


def was_rewritten(run: Path, step: str) -> bool:
    """Return whether the last call of the step wrote a new folder."""
    with open_run(run) as opened:
        return [wrote["folder"] for wrote in opened.entry(step)["wrote"].values()] != ["0001"]


@pytest.mark.parametrize(
    "config", [replace(PREPARE, horizon=6), replace(PREPARE, past=()), replace(PREPARE, val="0.2")]
)
def test_other_settings_prepare_again(run: Path, panel: Path, config: PrepareConfig) -> None:
    assert prepare(str(panel), run, config, ignore_events).up_to_date is None
    assert was_rewritten(run, "prepare")


def test_another_source_prepares_again(run: Path, panel: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(panel, tmp_path / "copy.csv"))
    assert (
        prepare(str(copy), run, PREPARE, ignore_events).up_to_date is None
    )  # its path is part of the report
    assert prepare(str(copy), run, PREPARE, ignore_events).up_to_date
    text = copy.read_text()
    copy.write_text(text[:-2] + ("1" if text[-2] == "0" else "0") + "\n")  # one byte, the same size
    assert prepare(str(copy), run, PREPARE, ignore_events).up_to_date is None


def test_standard_input_is_always_read(run: Path, panel: Path) -> None:
    for _ in range(2):
        stdin = io.BytesIO(panel.read_bytes())
        stdin.isatty = lambda: False  # type: ignore[method-assign]
        assert prepare("-", run, PREPARE, ignore_events, stdin=stdin).up_to_date is None


def test_force_writes_the_same_files_again(complete_run: Path, panel: Path) -> None:
    before = {step: open_run(complete_run).digest(step) for step in ("data", "scores")}
    assert prepare(str(panel), complete_run, PREPARE, ignore_events, force=True).up_to_date is None
    assert evaluate(complete_run, EVALUATE, ignore_events, force=True).up_to_date is None
    assert was_rewritten(complete_run, "prepare")
    assert was_rewritten(complete_run, "evaluate")
    assert {step: open_run(complete_run).digest(step) for step in before} == before


def test_another_release_prepares_again(run: Path, panel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lstm_cli.rundir.status.__version__", "0.0.9")
    assert prepare(str(panel), run, PREPARE, ignore_events).up_to_date is None


def test_threads_change_nothing_and_the_seed_does(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert train(run, replace(TRAIN, threads=2), ignore_events).up_to_date
    monkeypatch.setattr("lstm_cli.steps.train.work.train_and_commit", lambda *_, **__: "trained")
    assert train(run, replace(TRAIN, seed=1), ignore_events) == "trained"
    assert train(run, replace(TRAIN, device="cpu"), ignore_events) == "trained"
    assert train(run, TRAIN, ignore_events, force=True) == "trained"


@pytest.mark.parametrize(
    "path", ["data/0001/values.npy", "model/0001/history.jsonl", "model/0001/model.onnx"]
)
def test_corrupt_files_are_written_again(run: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors about corrupt files hint at this command, so it must repair them."""
    data = bytearray((run / path).read_bytes())
    data[-1] ^= 1
    (run / path).write_bytes(data)
    monkeypatch.setattr("lstm_cli.steps.train.work.train_and_commit", lambda *_, **__: "trained")
    assert train(run, TRAIN, ignore_events) == "trained"


def test_a_missing_picture_is_drawn_again(complete_run: Path) -> None:
    picture = complete_run / "scores/0001/forecasts.png"
    picture.unlink()
    report = evaluate(complete_run, EVALUATE, ignore_events)
    assert report.up_to_date is None
    assert Path(report.picture).exists()


def test_other_data_train_again(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(str(write_panel(tmp_path / "other.csv", seed=1)), run, PREPARE, ignore_events)
    monkeypatch.setattr("lstm_cli.steps.train.work.train_and_commit", lambda *_, **__: "trained")
    assert train(run, TRAIN, ignore_events) == "trained"


def test_gates_are_checked_against_stored_scores(complete_run: Path) -> None:
    before = read_files(complete_run)
    config = replace(EVALUATE, fail_if=("mae>0", "mae>1000000*naive.mae", "coverage.80<0"))
    with pytest.raises(GateFailed, match="'mae>0'") as caught:
        evaluate(complete_run, config, ignore_events)
    report = caught.value.report
    assert isinstance(report, EvaluateReport)
    assert report.up_to_date
    assert [gate["failed"] for gate in report.gates] == [True, False, False]
    assert caught.value.hint == f"the scores are in {complete_run / 'scores/0001'}"
    assert evaluate(
        complete_run, replace(EVALUATE, fail_if=("mae>1000000*naive.mae",)), ignore_events
    ).up_to_date
    assert read_files(complete_run) == before


def test_leftovers_of_a_killed_writer_are_removed(run: Path, panel: Path) -> None:
    (run / "model/0007").mkdir()
    (run / "model/0007/model.onnx").write_bytes(b"half")
    (run / "run.json.tmp").write_bytes(b"half")
    assert prepare(str(panel), run, PREPARE, ignore_events).up_to_date
    assert sorted(path.name for path in (run / "model").iterdir()) == ["0001"]
    assert not (run / "run.json.tmp").exists()


def test_a_finished_search_returns_its_report(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search = TuneConfig(method="grid", space=("log_transform=on|off",))
    fixed = replace(LINEAR, refit=None)
    fresh = tune.tune(run, search, fixed, ignore_events)
    before = read_files(run)
    require_replay(tune.tune(run, replace(search, jobs=2), fixed, ignore_events), fresh)
    assert read_files(run) == before
    counts: list[int] = []
    monkeypatch.setattr(
        tune, "run_trials", lambda search, dataset, trials, **_: counts.append(len(trials)) or []
    )
    with pytest.raises(Exception, match="no trial started"):
        tune.tune(run, search, fixed, ignore_events, force=True)
    assert counts == [0]


def test_an_invalid_report_is_an_error(run: Path) -> None:
    """Manifest with a correct checksum but invalid values."""
    steps = manifest.decode_manifest((run / "run.json").read_bytes(), run)
    steps["train"]["report"] = dict.fromkeys(steps["train"]["report"], 3)
    (run / "run.json").write_bytes(manifest.encode_manifest(steps, run))
    with pytest.raises(CorruptArtifact, match="the report of 'lstm train' is invalid"):
        train(run, TRAIN, ignore_events)
