"""Tests of the reference pages that show what the code declares."""

import re

from fenced import DOCS, exit_codes
from package_sizes import count_lines, package_sizes

from lstm_cli.errors import LstmError
from lstm_cli.rundir import layout_table

PRINT_TABLE = (
    "python -c 'from lstm_cli.rundir import layout_table; print(layout_table())' prints the current table"
)


def subclasses(kind: type[LstmError]) -> list[type[LstmError]]:
    return [kind, *(error for child in kind.__subclasses__() for error in subclasses(child))]


def test_the_run_directory_table_is_that_of_the_code() -> None:
    assert layout_table() in (DOCS / "reference" / "run-directory.md").read_text(), PRINT_TABLE


def test_every_exit_code_of_an_error_is_in_the_table() -> None:
    listed = exit_codes(DOCS / "reference" / "exit-codes.md")
    assert {kind.exit_code for kind in subclasses(LstmError)} <= listed


def test_the_sizes_of_the_packages_are_nearly_those_of_the_code() -> None:
    page = (DOCS / "explanation" / "design.md").read_text()
    written = re.findall(
        r"^\| (`\w+/`|files of `lstm_cli/`) \| \d+ \| ([\d,]+) \|$", page, flags=re.MULTILINE
    )
    listed = {name: int(lines.replace(",", "")) for name, lines in written}
    sizes = {name: size.lines for name, size in package_sizes().items()}
    assert listed.keys() == sizes.keys()
    stale = {
        name: (listed[name], lines) for name, lines in sizes.items() if abs(listed[name] - lines) > lines / 4
    }
    assert stale == {}, "make sizes prints the current table"


def test_blank_lines_and_comments_are_no_lines_of_code() -> None:
    assert count_lines('"""Module."""\n\n# Reason.\nx = 1  # one\n    # indented\n') == 2
