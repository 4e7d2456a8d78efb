"""Tests of facts in README.md."""

import re
from pathlib import Path

from lstm_cli import errors
from lstm_cli.rundir import layout_table

README = (Path(__file__).parents[1] / "README.md").read_text()


def subclasses(kind: type) -> list[type]:
    return [kind, *(error for child in kind.__subclasses__() for error in subclasses(child))]


def test_the_run_directory_table_is_up_to_date() -> None:
    assert layout_table() in README


def test_the_table_lists_all_exit_codes() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+)", README, flags=re.MULTILINE)}
    assert {kind.exit_code for kind in subclasses(errors.LstmError)} <= listed


def test_all_linked_files_exist() -> None:
    root = Path(__file__).parents[1]
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (root / link).exists()] == []
