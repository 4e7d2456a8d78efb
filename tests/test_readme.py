"""What README says of the tool is what the tool is."""

import re
from pathlib import Path

from lstm_cli import errors
from lstm_cli.rundir import layout_table

README = (Path(__file__).parents[1] / "README.md").read_text()


def subclasses(kind: type) -> list[type]:
    return [kind, *(one for child in kind.__subclasses__() for one in subclasses(child))]


def test_the_run_directory_table_is_the_tools_own() -> None:
    assert layout_table() in README


def test_every_exit_code_of_an_error_stands_in_the_table() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+)", README, flags=re.MULTILINE)}
    assert {kind.exit_code for kind in subclasses(errors.LstmError)} <= listed


def test_every_file_and_link_exists() -> None:
    root = Path(__file__).parents[1]
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (root / link).exists()] == []
