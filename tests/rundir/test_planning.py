"""Tests of --dry-run: files that each verb would read and write. Nothing is locked, made or changed."""

import json
from pathlib import Path

import pytest
from golden_run import copy_golden_run, write_golden_data
from small_run import tree

from lstm_cli.cli.main import run as lstm


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return copy_golden_run(tmp_path / "run")


def plan(capfd: pytest.CaptureFixture[str], *argv: str) -> dict[str, object]:
    capfd.readouterr()
    code = lstm([*argv, "--dry-run", "--json"])
    captured = capfd.readouterr()
    assert code == 0, captured.err
    report: dict[str, object] = json.loads(captured.out)
    return report


ARGUMENTS = {
    "check": ["panel.csv", "--plot", "check.png"],
    "prepare": ["panel.csv", "run"],
    "train": ["run", "--seed", "1"],
    "tune": ["run", "--trials", "3"],
    "evaluate": ["run"],
    "quantize": ["run", "--to", "fp16"],
    "predict": ["run"],
    "export": ["run"],
    "runs": ["run"],
    "verify": ["run"],
    "config": ["run"],
}
READS = {
    "check": ["panel.csv"],
    "prepare": ["panel.csv"],
    "train": ["run/data/0001"],
    "tune": ["run/data/0001"],
    "evaluate": ["run/data/0001", "run/model/0001", "run/quantized/0001"],
    "quantize": ["run/data/0001", "run/model/0001"],
    "predict": ["run/model/0001", "run/quantized/0001", "run/data/0001"],
    "export": ["run/data/0001", "run/model/0001"],
    "runs": ["run/run.json"],
    "verify": ["run/run.json", "run/data/0001", "run/model/0001", "run/tune/0003", "run/quantized/0001"],
    "config": ["run/run.json"],
}
WRITES = {
    "check": ["check.png"],
    "prepare": ["run/data/0002"],
    "train": ["run/model/0002"],
    "tune": ["run/tune/0004", "run/model/0002"],
    "evaluate": ["run/scores/0001"],
    "quantize": ["run/quantized/0002"],
    "predict": ["standard output"],
    "export": ["run/exports/model.onnx", "run/exports/model.onnx.json"],
    "runs": [],
    "verify": [],
    "config": [],
}


@pytest.mark.parametrize("verb", ARGUMENTS)
def test_each_verb_lists_its_files_and_changes_nothing(
    run: Path, capfd: pytest.CaptureFixture[str], verb: str
) -> None:
    write_golden_data(run.parent / "panel.csv")
    before, modified = tree(run.parent), run.stat().st_mtime_ns
    report = plan(capfd, verb, *ARGUMENTS[verb])
    assert [read["path"] for read in report["reads"]] == READS[verb]
    assert report["writes"] == WRITES[verb]
    assert report["up_to_date"] is False
    assert all(read["size"] > 0 for read in report["reads"])
    assert (report["seconds"] is None) == (verb not in ("prepare", "train", "tune", "quantize"))
    assert (tree(run.parent), run.stat().st_mtime_ns) == (before, modified)
    capfd.readouterr()
    assert lstm([verb, *ARGUMENTS[verb], "--dry-run"]) == 0
    shown = capfd.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in shown].count("reads") == len(READS[verb])
    assert f"reads   {READS[verb][0]}" in shown[0]


def test_an_up_to_date_step_would_write_nothing(
    run: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lstm_cli.rundir.status.__version__", "0.1.0")  # the release of the golden run
    argv = ["quantize", "run", "--max-loss", "1000%"]
    assert plan(capfd, *argv)["up_to_date"] is True
    report = plan(capfd, *argv, "--force")
    assert (report["up_to_date"], report["writes"]) == (False, ["run/quantized/0002"])
    assert lstm([*argv, "--dry-run"]) == 0
    assert "writes  nothing (up to date; use --force to run anyway)" in capfd.readouterr().out


def test_a_plan_that_would_fail_is_refused(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (run.parent / "notes").mkdir()
    (run.parent / "notes/user.txt").write_text("user file")
    source = write_golden_data(run.parent / "panel.csv")
    before = tree(run.parent)
    for code, *argv in (
        (3, "prepare", "absent.csv", "run"),
        (4, "prepare", source, "notes"),
        (4, "train", "absent"),
        (4, "predict", "run", "-o", "absent/forecast.csv"),
        (2, "predict", "run", source, "-o", source),
        (3, "predict", "run", "absent.csv"),
        (2, "export", "run", "-o", "model.txt"),
        (2, "train", "run", "--find-lr", "-o", "run/plot.png"),
    ):
        assert lstm([*argv, "--dry-run"]) == code, argv
    assert tree(run.parent) == before


def test_a_first_prepare_makes_no_folder(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    report = plan(capfd, "prepare", write_golden_data(run.parent / "panel.csv"), "new/run")
    assert report["writes"] == ["new/run/data/0001"]
    assert not (run.parent / "new").exists()


def test_a_range_test_only_writes_its_plot(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert plan(capfd, "train", "run", "--find-lr")["writes"] == ["run/logs/find-lr.png"]
    assert plan(capfd, "train", "run", "--find-lr", "-o", "a.png")["writes"] == ["a.png"]
