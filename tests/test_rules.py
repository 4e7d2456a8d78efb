"""Tests of the rules: use in the source, page of the documentation, and ids in messages."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lstm_cli.cli.main import run
from lstm_cli.errors import UsageError
from lstm_cli.findings import ERROR, SEVERITIES, Finding, at_line
from lstm_cli.rules import RULES, require_ignorable
from lstm_cli.rundir.manifest import decode_manifest, encode_manifest

PACKAGE = Path(__file__).parents[1] / "lstm_cli"
GAP = "date,y\n" + "".join(f"2020-01-{day:02d},{day % 7}\n" for day in range(1, 29) if day != 9)


def find_rule_uses() -> Iterator[tuple[str, bool, str]]:
    """Yield each rule that the source uses, whether it is an error, and the location."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if called not in ("DataError", "DeviceError", "Finding", "Finding.at"):
                continue
            rule = next((word.value for word in node.keywords if word.arg == "rule"), None)
            if called == "DeviceError" and rule is None:
                continue
            rule = node.args[1] if called == "Finding.at" and rule is None else rule
            where = f"{path.relative_to(PACKAGE)}:{node.lineno}"
            for text in ast.walk(rule) if rule is not None else ():
                if isinstance(text, ast.Constant) and text.value in RULES:
                    yield text.value, called.endswith("Error"), where
            assert rule is not None, f"{where}: {called} without a rule"


def test_all_rules_are_used_with_their_severity() -> None:
    uses = list(find_rule_uses())
    assert {rule for rule, _, _ in uses} == set(RULES)
    wrong = [location for rule, is_error, location in uses if is_error and RULES[rule].severity != ERROR]
    assert wrong == []


def test_a_finding_has_a_sentence_and_a_json_object() -> None:
    finding = Finding.at(at_line("a.csv", 7), "D516", "no row", count=3, flags=("--missing", "--freq"))
    assert finding.text == "a.csv, line 7: no row"
    facts = finding.to_dict()
    assert {name: facts[name] for name in ("rule", "source", "line", "column", "count", "flag")} == {
        "rule": "D516",
        "source": "a.csv",
        "line": 7,
        "column": None,
        "count": 3,
        "flag": "--missing",
    }
    assert facts["severity"] in SEVERITIES


@pytest.fixture
def gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gap.csv").write_text(GAP)
    return tmp_path


PREPARE = ("prepare", "gap.csv", "run", "--horizon", "1", "--lookback", "3", "--force")


def test_a_warning_has_its_rule_id_and_can_be_ignored(gap: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run([*PREPARE]) == 0
    assert "warning[D516]: gap.csv, line 9: 1 row is missing" in capfd.readouterr().err
    assert run([*PREPARE, "--ignore", "D516", "--json"]) == 0
    out, err = capfd.readouterr()
    assert "warning" not in err
    report = json.loads(out)
    assert [finding["rule"] for finding in report["findings"]] == ["D516"]
    assert report["warnings"] == [report["findings"][0]["text"]]


def test_the_environment_and_several_ids_ignore_warnings(
    gap: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSTM_IGNORE", "d516")
    assert run([*PREPARE]) == 0
    assert "warning" not in capfd.readouterr().err
    monkeypatch.delenv("LSTM_IGNORE")
    for options in (["--ignore", "D516", "--ignore", "D705"], ["--ignore", "D516,D705"]):
        assert run(["check", "gap.csv", *options]) == 0
        out, err = capfd.readouterr()
        assert "D516" not in out
        assert "0 warnings" in err


def test_an_error_has_its_rule_id(gap: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("bad.csv").write_text(GAP.replace("2020-01-12,5", "2020-01-12,five"))
    assert run(["prepare", "bad.csv", "run"]) == 3
    assert capfd.readouterr().err.startswith("error[D302]: bad.csv, line 12, column 'y': 'five'")
    assert run(["check", "bad.csv", "--json"]) == 3
    finding = json.loads(capfd.readouterr().out)["findings"][0]
    assert (finding["rule"], finding["severity"], finding["line"], finding["column"]) == (
        "D302",
        ERROR,
        12,
        "y",
    )


@pytest.mark.parametrize(
    ("rule", "hint"),
    [("D51", "did you mean --ignore D5"), ("x", "rule ids look like D516"), ("", "rule ids look like D516")],
)
def test_an_unknown_rule_cannot_be_ignored(rule: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        require_ignorable(rule)
    assert hint in caught.value.hint
    assert caught.value.flag == "--ignore"


@pytest.mark.parametrize("text", ["", ",", "D516,"])
def test_an_empty_id_is_refused(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "a.csv", "--ignore", text]) == 2
    assert "--ignore '' is not a rule id" in capfd.readouterr().err


def test_an_error_names_the_options_that_change_the_outcome(
    gap: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("two.csv").write_text(GAP + "2020-01-28,9\n")
    assert run(["check", "two.csv", "--json"]) == 3
    finding = json.loads(capfd.readouterr().out)["findings"][0]
    facts = ("rule", "lines", "column", "flag")
    assert [finding[name] for name in facts] == ["D523", [28, 29], "y", "--series"]


def test_a_run_with_only_sentences_also_returns_them_as_findings(
    gap: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run([*PREPARE]) == 0
    path = Path("run") / "run.json"
    steps = decode_manifest(path.read_bytes(), Path("run"))
    del steps["prepare"]["report"]["findings"]
    path.write_bytes(encode_manifest(steps, Path("run")))
    capfd.readouterr()
    assert run([*PREPARE[:-1], "--json"]) == 0
    out, err = capfd.readouterr()
    report = json.loads(out)
    assert report["up_to_date"]
    assert [finding["text"] for finding in report["findings"]] == report["warnings"]
    assert len(report["warnings"]) == 1
    assert ", 1 warning, " in err


def test_an_error_cannot_be_ignored(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "a.csv", "--ignore", "D302"]) == 2
    assert "--ignore D302 is an error" in capfd.readouterr().err
