"""Tests of verbs that runs of text do not have: each is refused by name, with an exit code of 2."""

import shutil
from pathlib import Path

import pytest
from small_text import write_story
from small_text_run import make_text_run

from lstm_cli.cli.main import run as lstm


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `story.txt` and a `run` with a model. Tests must not change it."""
    folder = tmp_path_factory.mktemp("text")
    make_text_run(folder)
    return folder


@pytest.mark.parametrize("more", [(), ("--dry-run",), ("--json",)], ids=["plain", "dry run", "json"])
@pytest.mark.parametrize(
    "command",
    [
        "tune RUN",
        "score RUN story.txt",
        "refresh RUN story.txt",
        "report RUN --output page.html",
        "serve RUN",
        "train RUN --find-lr",
    ],
)
def test_a_verb_without_the_task_names_it(
    folder: Path, capfd: pytest.CaptureFixture[str], command: str, more: tuple[str, ...]
) -> None:
    words = [str(folder / "run") if word == "RUN" else word for word in command.split()]
    if words[0] == "serve" and more == ("--json",):
        more = ("--dry-run", "--json")  # a server has no report
    assert lstm([*words, *more]) == 2
    captured = capfd.readouterr()
    assert "holds text (task generate)" in captured.err
    assert captured.out == ""
    verb = words[0] + (" --find-lr" if "--find-lr" in words else "")
    assert f"'lstm {verb}' has no such task" in captured.err


def test_no_hint_of_tune_leads_back_to_it(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert lstm(["tune", str(folder / "run"), "--show"]) == 2
    assert "task generate" in capfd.readouterr().err


@pytest.mark.parametrize("more", [(), ("--dry-run",), ("--json",)], ids=["plain", "dry run", "json"])
def test_check_names_the_command_that_reads_prose(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    book = write_story(tmp_path / "my book.txt", 400)
    assert lstm(["check", str(book), *more]) == 2
    captured = capfd.readouterr()
    assert (captured.out, "holds no table, but text (task generate)" in captured.err) == ("", True)
    assert f"'lstm prepare '{book}' RUN' reads it" in captured.err
    assert lstm(["check", str(book), "--task", "generate"]) == 2
    assert "RUN --task generate' reads it" in capfd.readouterr().err


def test_the_stored_settings_prepare_the_same_data(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert lstm(["config", str(folder / "run"), "--toml", "-q"]) == 0
    settings = tmp_path / "settings.toml"
    settings.write_text(capfd.readouterr().out)
    run = tmp_path / "run"
    shutil.copytree(folder / "run", run)
    command = ["prepare", str(folder / "story.txt"), str(run), "--config", str(settings), "--json", "-q"]
    assert lstm(command) == 0
    assert '"up_to_date": true' in capfd.readouterr().out
