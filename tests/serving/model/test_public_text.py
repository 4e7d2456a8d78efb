"""Tests of the texts for clients, who have query values and no options or commands."""

import shlex

import pytest
from served_runs import KINDS, as_csv, as_json, last_rows

from lstm_cli.errors import DataError, LstmError, MissingArtifact, UsageError
from lstm_cli.findings import Finding
from lstm_cli.serving.model import CSV, JSON, ForecastQuery
from lstm_cli.serving.model.public_text import FORMAT_HINT, OPERATOR_HINT, make_public, public_finding


def public(error: LstmError) -> tuple[str, str]:
    make_public(error, "/srv/runs/load", "load")
    return error.message, error.hint


def bad_cell(hint: str, *flags: str) -> DataError:
    return DataError("'--only 1' is wrong", hint=hint, rule="D301", flags=flags)


def test_options_of_an_error_become_query_values() -> None:
    error = UsageError("--horizon 100,000 is too long", hint="use --horizon 2400 or less", flag="--horizon")
    assert public(error) == ("horizon=100000 is too long", "use horizon=2400 or less")
    error = UsageError("--only 'a' needs a panel", hint="leave out --only", flag="--only")
    assert public(error) == ("series=a needs a panel", "leave out series=")


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        ("write 0, or leave the cell empty", "write 0, or leave the cell empty"),
        ("use --na-value x if it is missing. Otherwise leave the cell empty", "leave the cell empty"),
        (
            "correct the data, or run prepare again with --duplicates mean (or first, last)",
            "correct the data",
        ),
        (
            "use --horizon 48 or less, or 'lstm prepare DATA load --horizon 9' and train",
            "use horizon=48 or less",
        ),
        ("name the encoding, e.g. --encoding cp1252", FORMAT_HINT),
        ("use --dayfirst if the day comes first, or --monthfirst if the month does", FORMAT_HINT),
        ("", ""),
    ],
)
def test_a_hint_keeps_what_a_client_can_do(hint: str, expected: str) -> None:
    assert public(bad_cell(hint))[1] == expected


def test_a_command_is_for_the_operator() -> None:
    error = MissingArtifact("/srv/runs/load has no data", hint="run 'lstm prepare DATA /srv/runs/load' first")
    assert public(error) == ("load has no data", OPERATOR_HINT)


@pytest.mark.parametrize("name", ["load", "it's here", "two words"])
@pytest.mark.parametrize("rest", ["", "/model/0001"])
def test_a_path_in_quotes_is_removed(name: str, rest: str) -> None:
    path = f"/srv/runs/{name}"
    text = f"{path}{rest}: try {shlex.quote(path + rest)}"
    expected = f"{name}{rest}: try {shlex.quote(name + rest)}"
    error = DataError(text, hint=text, rule="D301")
    make_public(error, path, name)
    assert (error.message, error.hint) == (expected, expected)
    assert public_finding(Finding(rule="D516", text=text), path, name).text == expected


def test_data_that_look_like_an_option_stay() -> None:
    assert public(bad_cell("correct it", "--na-value"))[0] == "'series=1' is wrong"
    assert public(bad_cell("correct it"))[0] == "'--only 1' is wrong"


def test_a_warning_keeps_its_facts() -> None:
    text = "rows 1 to 2 (of 9) are missing. Filled as set by --missing (use --gaps skip to keep them)"
    finding = public_finding(Finding(rule="D516", text=text, flags=("--missing", "--only")), "/x", "x")
    assert finding.text == "rows 1 to 2 (of 9) are missing. Filled"
    assert finding.flags == ("series",)


@pytest.mark.parametrize("number", ["1e-400", "-3.5E-999"])
def test_a_number_that_is_too_small_is_refused_in_each_format(number: str, served) -> None:
    rows = {name: list(cells) for name, cells in last_rows(KINDS["hourly"]).items()}
    rows["load"][3] = 987654
    problem = f"'{number}' is too small for a 64-bit float"
    for body, media_type in ((as_json(rows), JSON), (as_csv(rows), CSV)):
        assert b"987654" in body
        with pytest.raises(DataError, match=problem) as raised:
            served("hourly").read(body.replace(b"987654", number.encode()), media_type, ForecastQuery())
        assert raised.value.at is not None
        assert raised.value.at.column == "load"


def test_a_missing_value_of_json_is_null(served) -> None:
    hints = {}
    for media_type, write in ((JSON, as_json), (CSV, as_csv)):
        rows = {name: list(cells) for name, cells in last_rows(KINDS["hourly"]).items()}
        rows["load"][3] = "broken"
        with pytest.raises(DataError) as raised:
            served("hourly").read(write(rows), media_type, ForecastQuery())
        hints[media_type] = raised.value.hint
    assert hints == {JSON: "write null", CSV: "leave the cell empty or write NA"}
