"""Tests of `lstm runs` as a command: streams, exit codes, Markdown, hostile names, imports."""

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import fake_steps
import pytest
from fresh_process import run_fresh

from lstm_cli.cli.render.markdown import escape_markdown
from lstm_cli.config import TrainConfig
from lstm_cli.rundir import manifest, writing
from lstm_cli.steps.runs.next_command import again

GOLDEN = Path(__file__).parents[2] / "rundir" / "golden" / "run"
HEAVY = {"torch", "pandas", "sklearn", "numpy", "onnx", "onnxruntime", "matplotlib", "pyarrow"}
NAME = "</script><img src=x onerror=alert(1)>|`*_\x1b[31mred\n# Öl"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the runs `a` and `b`, in the folder of the process."""
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        shutil.copytree(GOLDEN, tmp_path / "runs" / name)
    return tmp_path / "runs"


def rename_target(run: Path, name: str) -> None:
    steps = manifest.decode_manifest((run / "run.json").read_bytes(), run)
    steps["prepare"]["report"]["targets"] = [name]
    (run / "run.json").write_bytes(manifest.encode_manifest(steps, run))


def leave(run: Path) -> Path:
    """Leave a folder that a killed step could have left."""
    folder = run / "model" / "0077"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"x" * 2000)
    return folder


def test_a_run_is_shown_without_heavy_packages(runs: Path) -> None:
    code, loaded, done = run_fresh("runs", "runs/a", cwd=runs.parent)
    assert code == 0
    assert not loaded & (HEAVY | {"rich"})
    assert re.search(r"^data +\S+: [\d,]+ rows of 2 series", done.stdout, re.M)
    assert re.search(r"^next, to score the model:\n  lstm evaluate runs/a$", done.stdout, re.M)
    code, loaded, _ = run_fresh("runs", "runs", "--json", cwd=runs.parent)
    assert (code, loaded & HEAVY) == (0, set())


@pytest.mark.parametrize(
    ("argv", "code", "error"),
    [
        (("runs", "--sort", "mape"), 2, "--sort 'mape' is invalid: use one of name, mase, mae,"),
        (("runs/a", "--sort", "mase"), 2, "--sort works only with a folder of runs"),
        (("runs", "--delete"), 2, "--delete needs --clean"),
        (("runs", "--clean", "--sort", "mae"), 2, "--clean and --sort cannot be combined"),
        (("runs", "--clean", "--diff", "a", "b"), 2, "--diff and --clean cannot be combined"),
        (("runs", "--diff", "a"), 2, "'--diff' requires 2 arguments"),
        (("runs", "--diff", "a", "a"), 2, "--diff needs two runs"),
        (("runs", "--diff", "a", "c"), 4, "run not found: 'c'"),
        (("runs", "--md", "--json"), 2, "--md and --json cannot be combined"),
        (("runs", "--clean", "--delete", "--dry-run"), 2, "--dry-run and --delete cannot be combined"),
        (("absent",), 4, "folder not found: absent"),
    ],
)
def test_errors(runs: Path, call, argv: tuple[str, ...], code: int, error: str) -> None:
    result = call("runs", *argv)
    assert (result[0], result[1]) == (code, "")
    assert f"error: {error}" in result[2] or f"error: option {error}" in result[2]
    assert "hint: " in result[2]


def test_without_a_path_the_current_folder_is_searched(runs: Path, call, monkeypatch) -> None:
    code, out, _ = call("runs", "--json", "--diff", "runs/a", "runs/b")
    assert (code, json.loads(out)["reason"]) == (0, "A has no scores (run 'lstm evaluate')")
    monkeypatch.setenv("LSTM_RUNS_DIFF", '["a", "b"]')
    assert json.loads(call("runs", "runs", "--json")[1])["a"] == "runs/a"
    monkeypatch.setenv("LSTM_RUNS_DIFF", "a 'b'")  # as the page of the verb writes it
    assert json.loads(call("runs", "runs", "--json")[1])["b"] == "runs/b"
    monkeypatch.setenv("LSTM_RUNS_DIFF", "a")
    code, _, err = call("runs", "runs", "--json")
    assert code == 2
    assert "LSTM_RUNS_DIFF 'a' is not two values" in err
    assert "LSTM_RUNS_DIFF='A B'" in err


def test_a_corrupt_run_is_a_row_of_the_list_and_an_error_alone(runs: Path, call) -> None:
    (runs / "a" / "run.json").write_bytes((runs / "b" / "run.json").read_bytes()[:-9])
    code, out, _ = call("runs", "runs")
    assert code == 0
    assert re.search(r"^a .* corrupt", out, re.M)
    assert "a: runs/a/run.json is corrupt: checksum mismatch" in out
    code, out, err = call("runs", "runs/a")
    assert (code, out) == (4, "")
    assert "run.json is corrupt" in err


@pytest.mark.parametrize(
    "settings",
    [
        TrainConfig(),
        TrainConfig(model="stacked", hidden=(64, 32), dropout=0.25, lr=1e-5, bidirectional=True, head="mean"),
        TrainConfig(parts=("linear", "free"), refit=False, min="none", max=1e9, batch_size="auto", seed=3),
        TrainConfig(refit=True, segment=12, epochs=7, min=-1.5, device="cpu", precision="fp32"),
    ],
    ids=lambda settings: settings.model,
)
def test_the_command_of_a_step_has_the_options_that_it_had(lstm, settings: TrainConfig) -> None:
    config = json.loads(json.dumps(asdict(settings)))
    run = SimpleNamespace(path=Path("run"), models=(), steps={"train": {"config": config, "sources": None}})
    words = shlex.split(again(run, "train"))
    assert words[:3] == ["lstm", "train", "run"]
    assert lstm(*words[1:])[0] == 0
    assert fake_steps.calls[-1]["config"] == settings


def test_options_that_tune_chose_are_left_out_and_texts_are_quoted() -> None:
    config = {"lr": 0.5, "loss": "$(touch x)'; rm", "logs": "on"}
    step = {"config": config, "sources": {"lr": "tune"}}
    run = SimpleNamespace(path=Path("my run"), models=(), steps={"train": step})
    words = shlex.split(again(run, "train"))
    assert words == [*["lstm", "train"], "my run", "--log-transform", "on", "--loss", "$(touch x)'; rm"]


def test_names_from_files_stay_text(runs: Path, call) -> None:
    rename_target(runs / "a", NAME)
    for argv in (("runs/a",), ("runs",), ("runs", "--diff", "a", "b")):
        _, out, _ = call("runs", *argv)
        assert "\x1b" not in out
        _, out, _ = call("runs", *argv, "--md")
        assert "\x1b" not in out
        assert not re.search(r"(?<!\\)[<>]", out)
        for line in out.splitlines():
            if line.startswith("|"):
                assert len(re.findall(r"(?<!\\)\|", line)) in (3, 4, 5, 12)


def test_marks_of_markdown_are_escaped() -> None:
    assert escape_markdown("a|b_c\n<i>") == "a\\|b\\_c \\<i\\>"


def test_markdown_is_a_table_for_each_report(runs: Path, call) -> None:
    _, out, _ = call("runs", "runs", "--md")
    header, rule, *rows = [line for line in out.splitlines() if line.startswith("|")]
    assert header.count("|") == rule.count("|") == rows[0].count("|") == 12
    assert [row.split("|")[1].strip() for row in rows] == ["a", "b"]


def test_clean_lists_and_delete_removes(runs: Path, call) -> None:
    folder = leave(runs / "a")
    code, out, err = call("runs", "runs", "--clean")
    assert code == 0
    assert re.search(r"^runs/a/model/0077 +1 +2\.0 +not in use$", out, re.M)
    assert "2 runs, 1 folder to remove, 0.0 MB" in err
    assert folder.exists()
    code, out, err = call("runs", "runs", "--clean", "--delete")
    assert code == 0
    assert re.search(r"^runs/a/model/0077 .* removed$", out, re.M)
    assert not folder.exists()
    assert call("verify", "runs/a")[0] == 0
    assert "no folder to remove in 2 runs" in call("runs", "runs", "--clean")[1]


def test_a_locked_run_is_reported_after_the_others_were_cleaned(runs: Path, call) -> None:
    folders = [leave(runs / name) for name in "ab"]
    holder = (
        "import sys; from lstm_cli.rundir import writing\n"
        "with writing('runs/a', step='evaluate'): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [os.sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        _, out, _ = call("runs", "runs", "--clean")
        assert re.search(r"^runs/a/model/0077 .* may be in use$", out, re.M)
        assert f"locked by process {process.pid}" in out
        code, out, err = call("runs", "runs", "--clean", "--delete", "--json")
        process.communicate()
    assert code == 6
    report = json.loads(out)
    assert [folder["folder"] for folder in report["folders"]] == ["model/0077"]
    assert [item["path"] for item in report["locked"]] == ["runs/a"]
    assert (
        f"error: 1 run was not cleaned: runs/a is locked: it is being written by process {process.pid}" in err
    )
    assert "--lock-wait" in err
    assert [folder.exists() for folder in folders] == [False, False]  # the holder itself tidied its own run


def test_a_refused_removal_is_exit_4_after_the_report(runs: Path, call, monkeypatch) -> None:
    leave(runs / "a")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("lstm_cli.rundir.leftovers.os.unlink", refuse)
    code, out, err = call("runs", "runs/a", "--clean", "--delete", "--json")
    assert (code, json.loads(out)["folders"]) == (4, [])
    assert "error: cannot remove runs/a/model/0077: permission denied" in err


def test_a_list_never_cuts_a_figure(runs: Path, call, monkeypatch) -> None:
    monkeypatch.setattr("lstm_cli.cli.render.page.is_terminal", lambda stream: True)
    shutil.copytree(runs / "a", runs / "a-run-with-a-long-name-of-forty-characters")
    for columns in ("60", "80"):
        monkeypatch.setenv("COLUMNS", columns)
        _, out, _ = call("runs", "runs")
        assert max(map(len, out.splitlines())) <= int(columns)
        # The last step of each run stands whole on a line.
        assert len(re.findall(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", out)) == 3


def test_the_writer_of_this_process_is_seen_as_the_holder(runs: Path, call) -> None:
    with writing(runs / "a", step="evaluate"):
        _, out, _ = call("runs", "runs/a")
    assert f"locked: it is being written by process {os.getpid()} on host" in out
