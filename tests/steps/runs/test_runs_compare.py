"""Tests of the comparison of two runs, above all of the decision whether windows are the same."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lstm_cli.errors import MissingArtifact, UsageError
from lstm_cli.rundir import manifest, open_run
from lstm_cli.steps.runs.compare import NO_INTERVAL, DiffReport, compare
from lstm_cli.steps.runs.overview import overview
from lstm_cli.steps.runs.windows import why_not_same, window_facts

Steps = dict[str, Any]


def edit(run: Path, change: Callable[[Steps], object]) -> None:
    """Change the steps in a manifest and write it with a valid checksum."""
    steps = manifest.decode_manifest((run / "run.json").read_bytes(), run)
    change(steps)
    (run / "run.json").write_bytes(manifest.encode_manifest(steps, run))


@pytest.fixture
def pair(scored: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Return two copies of the run with scores: A, and B with other data of the same file, and half of the error."""
    runs = tuple(Path(shutil.copytree(scored, tmp_path / name)) for name in "ab")
    edit(runs[1], make_other_data)
    return runs[0], runs[1]


def make_other_data(steps: Steps) -> None:
    """Change the prepared data as another lookback does, and halve the errors of the model."""
    digest = "1" * 64
    files = steps["prepare"]["wrote"]["data"]["files"]
    files["values.npy"]["sha256"] = digest
    for step in ("train", "evaluate", "quantize"):
        steps[step]["read"]["data"]["sha256"] = manifest.artifact_digest(files)
    steps["prepare"]["config"]["lookback"] = steps["prepare"]["report"]["lookback"] = 28
    metrics = steps["evaluate"]["report"]["metrics"]
    steps["evaluate"]["report"]["metrics"] = {name: figure / 2 for name, figure in metrics.items()}


def diff(pair: tuple[Path, Path]) -> DiffReport:
    return compare(pair[0].parent, pair[0].name, pair[1].name)


def test_two_runs_of_the_same_windows(pair: tuple[Path, Path]) -> None:
    report = diff(pair)
    assert report.settings == ({"step": "prepare", "setting": "lookback", "a": 14, "b": 28},)
    assert report.data == ({"fact": "lookback", "a": 14, "b": 28},)
    assert report.versions == ()
    assert (report.same_windows, report.reason) == (True, None)
    with open_run(pair[0]) as run:
        evaluated = run.report("evaluate")
    assert report.windows == evaluated["windows"]
    rows = {row["metric"]: row for row in report.scores}
    assert rows["mae"] == {
        "metric": "mae",
        "a": evaluated["metrics"]["mae"],
        "b": evaluated["metrics"]["mae"] / 2,
        "difference": pytest.approx(-50),
    }
    assert (rows["mase"]["difference"], rows["wql"]["difference"]) == (pytest.approx(-50), 0.0)
    assert rows["coverage.80"] == {
        "metric": "coverage.80",
        "a": evaluated["coverage"]["80"],
        "b": evaluated["coverage"]["80"],
        "difference": None,
    }
    assert NO_INTERVAL in report.notes


def test_an_output_is_not_a_setting_that_differs(pair: tuple[Path, Path]) -> None:
    before = diff(pair).settings
    outputs = {"output": "d", "forecasts": "f.csv", "stride": 24, "plot": "p.png"}
    edit(pair[1], lambda steps: steps["evaluate"]["config"].update(outputs))
    assert diff(pair).settings == before


def set_naive(factor: float) -> Callable[[Steps], None]:
    def change(steps: Steps) -> None:
        naive = steps["evaluate"]["report"]["baselines"]["naive"]
        naive["mae"] *= factor

    return change


def assign(value: Any, *place: str) -> Callable[[Steps], None]:
    """Return a change of one value of the manifest."""

    def change(steps: Steps) -> None:
        inner = steps
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda steps: steps.pop("evaluate"), "B has no scores"),
        (assign("2" * 64, "evaluate", "read", "data", "sha256"), "the scores of B are of earlier data"),
        (assign("2" * 64, "prepare", "read", "source", "sha256"), "the data files differ"),
        (assign(["price"], "prepare", "report", "targets"), "the targets differ"),
        (assign(8, "prepare", "report", "horizon"), "the horizon differs"),
        (assign("drop", "prepare", "config", "outliers"), "prepare had another --outliers"),
        (assign("3000", "prepare", "config", "end"), "prepare had another --end"),
        (assign("val", "evaluate", "report", "split"), "the split differs: test in A, val in B"),
        (assign(3, "evaluate", "report", "windows"), "the number of windows differs"),
        (assign(3, "prepare", "report", "split_rows", "test"), "the rows of the split differs"),
        (assign({"C": {}}, "evaluate", "report", "per_series"), "the scored series differ"),
        (set_naive(1.001), "the naive forecast has another error in B"),
        (
            assign(None, "evaluate", "report", "baselines", "naive", "mae"),
            "the naive forecast has another error",
        ),
    ],
)
def test_windows_that_are_not_the_same(
    pair: tuple[Path, Path], change: Callable[[Steps], object], reason: str
) -> None:
    edit(pair[1], change)
    report = diff(pair)
    assert not report.same_windows
    assert str(report.reason).startswith(reason)
    assert (report.scores, report.windows) == ((), None)
    assert NO_INTERVAL not in report.notes


@pytest.mark.parametrize(
    "change",
    [
        set_naive(1 + 1e-9),  # rounding
        assign(["x"], "prepare", "config", "past"),
        assign("minmax", "prepare", "config", "scaler"),
        assign("0.10", "prepare", "config", "val"),
        assign("int8", "evaluate", "report", "precision"),
    ],
)
def test_windows_that_are_the_same(pair: tuple[Path, Path], change: Callable[[Steps], object]) -> None:
    edit(pair[1], change)
    assert diff(pair).same_windows


def test_a_metric_with_another_scale_is_left_out(pair: tuple[Path, Path]) -> None:
    edit(pair[1], assign(14, "evaluate", "report", "mase_season"))
    report = diff(pair)
    assert [row["metric"] for row in report.scores][:3] == ["mae", "rmse", "smape"]
    assert any("season differs: 7 in A, 14 in B: mase" in note for note in report.notes)
    edit(pair[1], assign(5, "prepare", "report", "split_rows", "train"))
    report = diff(pair)
    assert not {"mase", "mae_scaled", "mse_scaled"} & {row["metric"] for row in report.scores}
    assert any(note.endswith("mase, mae_scaled, mse_scaled") for note in report.notes)


def test_notes_on_precision_and_on_older_scores(pair: tuple[Path, Path]) -> None:
    edit(pair[1], assign("fp32", "evaluate", "report", "precision"))
    edit(pair[1], assign("2" * 64, "evaluate", "read", "model", "sha256"))
    edit(pair[1], lambda steps: steps.pop("quantize"))
    report = diff(pair)
    assert "A was scored as int8, B as fp32" in report.notes
    assert "only A has a result of quantize" in report.notes
    assert any(note.startswith("the scores of B are of an earlier model") for note in report.notes)


def test_other_seeds_devices_and_releases(pair: tuple[Path, Path]) -> None:
    edit(pair[1], assign(7, "train", "seed"))
    edit(pair[1], assign("cuda", "train", "device"))
    edit(pair[1], assign("9.9", "evaluate", "versions", "numpy"))
    report = diff(pair)
    found = [(row["step"], row["name"], row["b"]) for row in report.versions]
    assert found == [("train", "seed", 7), ("train", "device", "cuda"), ("evaluate", "numpy", "9.9")]


def test_an_automatic_setting_counts_as_the_value_that_was_chosen(pair: tuple[Path, Path]) -> None:
    edit(pair[1], assign(None, "prepare", "config", "lookback"))
    assert diff(pair).settings == ({"step": "prepare", "setting": "lookback", "a": 14, "b": 28},)
    edit(pair[1], assign(14, "prepare", "report", "lookback"))
    assert diff(pair).settings == ()


def test_names_are_looked_up_in_the_folder_then_as_paths(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pair[0].parent
    monkeypatch.chdir(folder)
    assert compare(folder, "a", "b").a == str(folder / "a")
    assert compare(Path("a"), "a", "b").a == "a"
    with pytest.raises(UsageError, match="the same one"):
        compare(folder, "a", str(pair[0]))
    with pytest.raises(MissingArtifact, match="run not found: 'c'"):
        compare(folder, "a", "c")
    shutil.copytree(pair[0], folder / "monday")
    with pytest.raises(MissingArtifact) as caught:
        compare(folder, "a", "munday")
    assert caught.value.hint == "did you mean 'monday'?"


def test_a_list_says_whether_its_scores_are_comparable(pair: tuple[Path, Path]) -> None:
    assert overview(pair[0].parent).same_windows is True
    edit(pair[1], set_naive(2))
    assert overview(pair[0].parent).same_windows is False
    edit(pair[1], lambda steps: steps.pop("evaluate"))
    assert overview(pair[0].parent).same_windows is None


def test_the_facts_do_not_depend_on_the_order_of_runs(pair: tuple[Path, Path]) -> None:
    with open_run(pair[0]) as first, open_run(pair[1]) as second:
        facts = window_facts(first), window_facts(second)
    assert why_not_same(*facts) is why_not_same(*facts[::-1]) is None
    assert why_not_same(None, facts[0]) == "A has no scores (run 'lstm evaluate')"
