"""Tests of `evaluate -o DIR`: copies of the scores at a fixed path."""

import errno
import shutil
from pathlib import Path

import pytest

from lstm_cli.config import EvaluateConfig
from lstm_cli.errors import GateFailed, OutputError, UsageError
from lstm_cli.events import ignore_events
from lstm_cli.rundir import filesystem, open_run
from lstm_cli.steps.dry_run import plan_evaluate
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.evaluate.report import EvaluateReport
from lstm_cli.steps.evaluate.score_files import COPIED

NAMES = set(COPIED)
FAILING = ("mae>0",)


@pytest.fixture
def run(scored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(scored, tmp_path / "run"))


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def scores_of(run: Path) -> dict[str, bytes]:
    with open_run(run) as opened:
        files = files_in(opened.artifact("scores").folder)
    return {name: files[name] for name in NAMES}


def score(run: Path, folder: Path, *, force: bool = False, fail_if: tuple[str, ...] = ()) -> EvaluateReport:
    config = EvaluateConfig(threads=1, output=str(folder), fail_if=fail_if)
    return evaluate(run, config, ignore_events, force=force)


def test_the_files_of_the_scores_are_copied_at_every_run(run: Path, tmp_path: Path) -> None:
    """Files are also copied if the scores are up to date; the run itself does not change."""
    folder = tmp_path / "deep" / "scores"
    manifest = (run / "run.json").read_bytes()
    report = score(run, folder)
    assert report.up_to_date
    assert report.to_json()["output"] == str(folder)
    assert files_in(folder) == scores_of(run)
    assert set(files_in(folder)) == NAMES
    shutil.rmtree(folder)
    assert score(run, folder).up_to_date
    assert files_in(folder) == scores_of(run)
    assert (run / "run.json").read_bytes() == manifest
    assert not score(run, folder, force=True).up_to_date
    assert Path(open_run(run).report("evaluate")["picture"]).parent.name == "0002"
    assert files_in(folder) == scores_of(run)


def test_another_folder_does_not_run_the_step_again(run: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert score(run, tmp_path / name).up_to_date
    assert files_in(tmp_path / "a") == files_in(tmp_path / "b")
    report = evaluate(run, EvaluateConfig(threads=1), ignore_events)
    assert report.up_to_date
    assert "output" not in report.to_json()


def test_own_files_are_replaced_and_other_files_stay(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scores"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "per_step.csv").write_text("of another run")
    score(run, folder)
    assert (folder / "notes.txt").read_text() == "mine"
    assert {name: data for name, data in files_in(folder).items() if name in NAMES} == scores_of(run)
    assert set(files_in(folder)) == {*NAMES, "notes.txt"}


@pytest.mark.parametrize("force", [False, True])
def test_copies_are_made_before_a_condition_fails(run: Path, tmp_path: Path, force: bool) -> None:
    with pytest.raises(GateFailed) as failed:
        score(run, tmp_path / "scores", force=force, fail_if=FAILING)
    report = failed.value.report
    assert isinstance(report, EvaluateReport)
    assert report.output == str(tmp_path / "scores")
    assert files_in(tmp_path / "scores") == scores_of(run)


@pytest.mark.parametrize("place", [".", "scores", "exports/new"])
def test_a_folder_in_the_run_is_refused(run: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "link").symlink_to(run)
    before = sorted(run.rglob("*"))
    for root in (run, tmp_path / "link"):
        with pytest.raises(UsageError, match="is in the run directory"):
            score(run, root / place)
        with pytest.raises(UsageError, match="is in the run directory"):
            plan_evaluate(run, EvaluateConfig(output=str(root / place)), force=False)
    assert sorted(run.rglob("*")) == before


def test_a_link_that_leads_into_the_run_is_refused(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scores"
    folder.mkdir()
    (folder / "scores.json").symlink_to(run / "run.json")
    with pytest.raises(UsageError, match="is in the run directory"):
        score(run, folder)


def test_what_is_not_a_folder_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        score(run, tmp_path / "file")
    with pytest.raises(OutputError, match="is not a folder"):
        score(run, tmp_path / "file" / "scores")
    (tmp_path / "folder" / "scores.json").mkdir(parents=True)
    with pytest.raises(UsageError, match="is a folder"):
        score(run, tmp_path / "folder")
    for text in ("", "-"):
        with pytest.raises(UsageError, match="is not a folder"):
            EvaluateConfig(output=text)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_full_disk_is_an_output_error_and_the_run_keeps_the_scores(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(filesystem, "_create_temporary", full)
    with pytest.raises(OutputError, match="disk full"):
        score(run, tmp_path / "scores", force=True)
    assert files_in(tmp_path / "scores") == {}
    monkeypatch.undo()
    assert score(run, tmp_path / "scores").up_to_date
    assert files_in(tmp_path / "scores") == scores_of(run)


def test_a_dry_run_lists_the_copies(run: Path, tmp_path: Path) -> None:
    copies = {str(tmp_path / "scores" / name) for name in NAMES}
    config = EvaluateConfig(output=str(tmp_path / "scores"))
    plan = plan_evaluate(run, config, force=False)
    assert plan.up_to_date
    assert set(plan.writes) == copies
    plan = plan_evaluate(run, config, force=True)
    assert set(plan.writes) == {*copies, str(run / "scores" / "0002")}
    assert not (tmp_path / "scores").exists()
