"""Tests of docs/reference: the generated pages are those of the code, and their links lead somewhere."""

import re
from pathlib import Path

import pytest
from reference_pages import COMMAND, FOLDER, NOT_GOOD_ENOUGH, READS, WRITES, main, pages, verb_page

from lstm_cli import errors
from lstm_cli.cli.verbs import VERBS
from lstm_cli.rundir import ARTIFACTS


def subclasses(kind: type) -> list[type]:
    return [kind, *(item for child in kind.__subclasses__() for item in subclasses(child))]


@pytest.mark.parametrize(("path", "text"), pages().items(), ids=lambda value: getattr(value, "stem", ""))
def test_a_generated_page_is_up_to_date(path: Path, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, f"run: {COMMAND}"


def test_the_check_fails_and_names_a_page_that_is_out_of_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"]) == 0
    monkeypatch.setattr("reference_pages.FOLDER", tmp_path)
    assert main(["--check"]) == 1
    assert f"{tmp_path / 'train.md'} is out of date" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0


def test_a_page_does_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = verb_page("train")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LSTM_TRAIN_EPOCHS", "3")
    assert verb_page("train") == text


@pytest.mark.parametrize("verb", VERBS)
def test_a_page_has_every_option_of_the_help(verb: str, lstm_help: str) -> None:
    shown = set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", lstm_help, re.M))
    assert {"--help", "--json"} <= shown
    listed = set(re.findall(r"^\| (?:`-\w`, )?`(--[\w-]+)`", verb_page(verb), re.M))
    assert listed == shown


@pytest.fixture
def lstm_help(verb: str, capfd: pytest.CaptureFixture[str]) -> str:
    from lstm_cli.cli.main import run

    assert run([verb, "--help"]) == 0
    return capfd.readouterr().out


def test_every_verb_has_its_files_and_every_error_its_exit_code() -> None:
    assert READS.keys() == WRITES.keys() == VERBS.keys()
    for artifact in ARTIFACTS.values():
        assert f"`{artifact.name}/`" in WRITES[artifact.made_by]
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", verb_page("train"), re.M)}
    assert {kind.exit_code for kind in subclasses(errors.LstmError)} <= listed
    assert NOT_GOOD_ENOUGH.keys() <= VERBS.keys()


@pytest.mark.parametrize("page", sorted(FOLDER.glob("*.md")), ids=lambda page: page.stem)
def test_every_link_leads_to_a_heading(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)]+)\)", text):
        file, _, anchor = link.partition("#")
        if file.startswith("http"):
            continue
        target = page.parent / file if file else page
        assert target.is_file(), link
        if anchor:
            titles = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.M)
            # As GitHub makes anchors of titles.
            anchors = {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}
            assert anchor in anchors, link
