"""Tests of the reference pages that show what the code declares."""

from fenced import DOCS, exit_codes

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
