"""Tests of the summaries of runs: facts, states, the search, the order, and edited files."""

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lstm_cli.config import QuantizeConfig
from lstm_cli.config.runs import SORT_KEYS, RunsConfig
from lstm_cli.errors import ArtifactError, CorruptArtifact, ForeignFolder, MissingArtifact, UsageError
from lstm_cli.events import ignore_events
from lstm_cli.rundir import Checkpoint, manifest, open_run
from lstm_cli.steps.quantize import quantize
from lstm_cli.steps.runs import runs
from lstm_cli.steps.runs.overview import SORT_VALUES, overview, sort_runs
from lstm_cli.steps.runs.summary import RunSummary


def steps_of(run: Path) -> dict[str, Any]:
    return manifest.decode_manifest((run / "run.json").read_bytes(), run)


def write_steps(run: Path, steps: dict[str, Any]) -> None:
    """Write a manifest with a valid checksum, as somebody who edits a run can."""
    run.mkdir(parents=True, exist_ok=True)
    (run / "run.json").write_bytes(manifest.encode_manifest(steps, run))


@pytest.fixture
def own(scored: Path, tmp_path: Path) -> Path:
    """Return a copy of the run with scores."""
    return Path(shutil.copytree(scored, tmp_path / "own"))


def one(run: Path) -> RunSummary:
    (summary,) = overview(run).runs
    return summary


def test_the_summary_has_the_figures_of_the_reports(scored: Path) -> None:
    summary = one(scored)
    with open_run(scored) as run:
        prepared, trained, evaluated = (run.report(step) for step in ("prepare", "train", "evaluate"))
    data, model, scores = summary.data, summary.model, summary.scores
    assert data is not None
    assert (data.source, data.rows, data.series) == (prepared["source"], prepared["rows"], 2)
    assert (data.targets, data.past, data.future) == (("sales",), ("price",), ("promo",))
    assert (data.horizon, data.lookback, data.windows) == (7, 14, prepared["windows"])
    assert model is not None
    assert (model.model, model.parameters, model.seed) == ("segment", trained["parameters"], 0)
    assert (model.device, model.serves) == ("cpu", "int8")
    assert scores is not None
    assert scores.metrics == evaluated["metrics"]
    assert scores.comparisons == evaluated["comparisons"]
    assert (scores.windows, scores.coverage, scores.series) == (
        evaluated["windows"],
        evaluated["coverage"],
        2,
    )
    assert set(scores.baselines) == set(evaluated["baselines"])
    assert scores.baselines["naive"]["mae"] == evaluated["baselines"]["naive"]["mae"]
    assert (summary.state, summary.stale, summary.problem) == ("up to date", {}, None)
    assert summary.next == f"lstm predict {scored} -o forecast.csv"


def without(*steps: str) -> Callable[[Path], None]:
    return lambda run: write_steps(
        run, {name: entry for name, entry in steps_of(run).items() if name not in steps}
    )


def drop_file(run: Path) -> None:
    next(iter((run / "model").glob("*/model.onnx"))).unlink()


def lock(run: Path) -> None:
    (run / ".lock").write_text(f"{os.getpid()} {os.uname().nodename}\n")


def interrupt(run: Path, **changed: Any) -> None:
    """Write a checkpoint of a training that would follow the run's model."""
    from lstm_cli import __version__

    with open_run(run) as opened:
        folder = opened.artifact("model").folder.name if opened.has("model") else None
        about = {
            "release": {"lstm-cli": __version__},
            "model": folder,
            "data": opened.digest("data"),
            "config": {"model": "segment"},
            "trainings": {"a": {"part": "free", "epoch": 7, "epochs": 11, "over": False}},
        }
    Checkpoint(run).write(about | changed, {"a": b"weights"})


def change_data(run: Path) -> None:
    steps = steps_of(run)
    steps["train"]["read"]["data"]["sha256"] = "0" * 64
    write_steps(run, steps)


@pytest.mark.parametrize(
    ("change", "state", "command"),
    [
        (without("train", "evaluate", "quantize"), "no model", "lstm train"),
        (without("evaluate", "quantize"), "not evaluated", "lstm evaluate"),
        (without("quantize"), "out of date", "lstm evaluate"),
        (drop_file, "missing files", "lstm train"),
        (lock, "locked", "lstm runs"),
        (interrupt, "training interrupted", "lstm train"),
        (lambda run: interrupt(run, data="0" * 64), "up to date", "lstm predict"),  # of earlier data
        (lambda run: interrupt(run, model="0099"), "up to date", "lstm predict"),  # completed since
        (change_data, "out of date", "lstm train"),
    ],
)
def test_state_and_next_command(own: Path, change: Callable[[Path], None], state: str, command: str) -> None:
    change(own)
    summary = one(own)
    assert summary.state == state
    assert summary.next.split()[:3] == [*command.split(), str(own)]


def test_the_command_of_prepare_has_its_data_and_its_options(own: Path, panel: Path) -> None:
    next(iter((own / "data").glob("*/values.npy"))).unlink()
    assert one(own).next.startswith(f"lstm prepare {panel} {own} --target sales --past price --future promo ")
    steps = steps_of(own)
    steps["prepare"]["report"]["source"] = "DataFrame"
    steps["prepare"]["config"] |= {"na_value": ["-999"], "names": ["a", "b,c"]}
    write_steps(own, steps)
    command = one(own).next
    assert command.startswith(f"lstm prepare DATA {own} --")
    assert "--na-value=-999 --target sales" in command
    assert "--names 'a,\"b,c\"'" in command


def test_the_next_command_writes_no_output_again(own: Path) -> None:
    without("quantize")(own)  # the scores are of the quantized model
    steps = steps_of(own)
    outputs = {"output": "d", "forecasts": "f.csv", "stride": 24, "plot": "p.png"}
    steps["evaluate"]["config"] |= {"split": "val", "fail_if": ["mase>=1"], **outputs}
    write_steps(own, steps)
    assert one(own).next == f"lstm evaluate {own} --split val"


def test_progress_of_an_interrupted_training(own: Path) -> None:
    interrupt(own)
    assert one(own).training == {"model": "segment", "parts": ("free: epoch 7 of 11",)}
    (own / "checkpoint" / "training.json").write_bytes(b"{")
    assert one(own).training is None


def test_stale_artifacts_are_those_of_verify(own: Path) -> None:
    quantize(own, QuantizeConfig(to="fp16", max_loss=1.0), ignore_events)
    summary = one(own)
    assert summary.stale == {"scores": ("quantized",)}
    assert (summary.state, summary.next) == ("out of date", f"lstm evaluate {own}")


def test_a_data_file_of_another_size_is_noticed(own: Path, panel: Path, tmp_path: Path) -> None:
    assert one(own).source_changed is False
    source = Path(shutil.copy(panel, tmp_path / "panel.csv"))
    steps = steps_of(own)
    steps["prepare"]["report"]["source"] = str(source)
    write_steps(own, steps)
    assert one(own).source_changed is False
    source.write_text("time,y\n")
    assert one(own).source_changed is True
    source.unlink()
    assert one(own).source_changed is False


def test_the_search_finds_each_run_once(own: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    places = ("b", "a", "team/c", "1/2/3/d")
    for place in (*places, "1/2/3/4/too-deep", ".hidden/e", "a/exports/inner"):
        shutil.copytree(own, folder / place, dirs_exist_ok=True)
    (folder / "loop").symlink_to(folder)
    (folder / "again").symlink_to(own)
    (folder / "other").mkdir()
    (folder / "other" / "run.json").write_text('{"of": "another program"}')
    (folder / "empty").mkdir()
    (folder / "file").write_text("x")
    assert [summary.name for summary in overview(folder).runs] == sorted(places)
    assert overview(folder).same_windows is True


def test_a_run_that_is_not_readable_is_a_row(own: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    shutil.copytree(own, folder / "good")
    shutil.copytree(own, folder / "bad")
    (folder / "bad" / "run.json").write_bytes(b"{" + (own / "run.json").read_bytes())
    bad, good = overview(folder, "mase").runs[::-1]
    assert (good.state, bad.state) == ("up to date", "corrupt")
    assert "checksum mismatch" in str(bad.problem)
    with pytest.raises(CorruptArtifact, match="checksum mismatch"):
        overview(folder / "bad")


def test_a_folder_that_cannot_be_read_is_reported(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs" / "closed").mkdir(parents=True)
    shutil.copytree(own, tmp_path / "runs" / "good")
    scandir = os.scandir

    def refuse(path: Path) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("lstm_cli.steps.runs.find_runs.os.scandir", refuse)
    report = overview(tmp_path / "runs")
    assert [summary.name for summary in report.runs] == ["good"]
    assert report.skipped == ({"path": str(tmp_path / "runs" / "closed"), "reason": "permission denied"},)


def test_errors_of_the_path(tmp_path: Path, own: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(MissingArtifact, match="folder not found"):
        overview(tmp_path / "absent")
    with pytest.raises(ForeignFolder, match="not a folder"):
        overview(tmp_path / "file")
    with pytest.raises(UsageError, match="--sort"):
        overview(own, "mase")
    (tmp_path / "killed" / "data" / "0001").mkdir(parents=True)  # all that a killed first step left
    with pytest.raises(MissingArtifact, match="no finished step"):
        overview(tmp_path / "killed")
    (tmp_path / "empty").mkdir()
    assert overview(tmp_path / "empty").runs == ()


def test_each_key_has_a_value_to_sort_by(own: Path) -> None:
    assert tuple(SORT_VALUES) == SORT_KEYS
    summary = one(own)
    assert all(read(summary) is not None for read, _ in SORT_VALUES.values())


def test_runs_without_the_figure_are_last_and_equal_ones_by_name(own: Path) -> None:
    base = one(own)
    assert base.scores is not None

    def run(name: str, mase: float | None, difference: float) -> RunSummary:
        assert base.scores is not None
        comparisons = {"linear": {"difference": difference, "interval": None}}
        scores = replace(base.scores, metrics={"mase": mase}, comparisons=comparisons)
        return replace(base, name=name, scores=scores)

    listed = [run("d", 0.8, 5.0), run("c", None, 9.0), run("b", 0.8, -2.0), run("a", 1.2, 5.0)]
    listed.append(replace(base, name="0", scores=None))
    orders = {key: [each.name for each in sort_runs(listed, key)] for key in ("name", "mase", "difference")}
    assert orders == {"name": [*"0abcd"], "mase": [*"bda0c"], "difference": [*"cadb0"]}


def test_nothing_is_written(own: Path) -> None:
    interrupt(own)
    before = {path: path.stat().st_mtime_ns for path in own.parent.rglob("*")}
    for path in (own, own.parent):
        runs(path, RunsConfig())
        runs(path, RunsConfig(clean=True))
    assert {path: path.stat().st_mtime_ns for path in own.parent.rglob("*")} == before


PLACES = ("report", "times", "config", "seed", "device", "versions")
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**62,
    10**30,
    1e300,
    "",
    "x" * 5000,
    [],
    [None],
    ["x"],
    {},
    {"x": [1]},
)


def test_edited_reports_are_shown_or_refused(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A value of another type in a manifest with a valid checksum is exit code 4, or has no effect."""
    from lstm_cli.cli.main import run as lstm

    rng = random.Random(0)
    original = steps_of(own)
    other = Path(shutil.copytree(own, own.parent / "other"))
    chosen = [place for place in paths(original) if len(place) > 1 and place[1] in PLACES]
    codes = set()
    for place in rng.sample(chosen, 120):
        steps = steps_of(own.parent / "other")
        inner = steps
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = rng.choice(VALUES)
        try:
            write_steps(own, steps)
        except (ArtifactError, ValueError):  # not a manifest
            continue
        for argv in (["runs", str(own)], ["runs", str(own.parent)], ["runs", "--diff", str(own), str(other)]):
            codes.add((argv[1] == str(own.parent), lstm([*argv, rng.choice(["--md", "--json", "-q"])])))
            assert "Traceback" not in capsys.readouterr().err, place
    assert codes == {(False, 0), (False, 4), (True, 0)}


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the place of each value in objects, and of the first items of lists."""
    items = (
        value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    )
    return [here] * bool(here) + [place for key, item in items for place in paths(item, (*here, key))]


def test_the_first_metric_of_a_task_sorts_the_best_first() -> None:
    """A larger accuracy is better, and a smaller MASE."""
    scores = {"a": ("accuracy", 0.7), "b": ("mase", 0.9), "c": ("accuracy", 0.9), "d": ("mase", 0.5)}
    summaries = [
        RunSummary(
            run=name,
            name=name,
            state="up to date",
            stale={},
            next="",
            why="",
            score={"metric": metric, "value": value},
        )
        for name, (metric, value) in scores.items()
    ]
    assert [summary.name for summary in sort_runs(summaries, "score")] == ["c", "a", "d", "b"]
