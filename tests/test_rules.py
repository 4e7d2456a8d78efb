"""The rules: each is used where it is made, listed on its page, and told by its id."""

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


def made() -> Iterator[tuple[str, bool, str]]:
    """Yield every rule that the source makes a finding or an error of, whether it is an error, and the place."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if called not in ("DataError", "Finding", "Finding.at"):
                continue
            rule = next((word.value for word in node.keywords if word.arg == "rule"), None)
            rule = node.args[1] if called == "Finding.at" and rule is None else rule
            where = f"{path.relative_to(PACKAGE)}:{node.lineno}"
            for text in ast.walk(rule) if rule is not None else ():
                if isinstance(text, ast.Constant) and text.value in RULES:
                    yield text.value, called == "DataError", where
            assert rule is not None, f"{where}: {called} without a rule"


def test_every_rule_is_made_somewhere_and_with_its_own_severity() -> None:
    found = list(made())
    assert {rule for rule, _, _ in found} == set(RULES)
    wrong = [place for rule, is_error, place in found if is_error and RULES[rule].severity != ERROR]
    assert wrong == []


def test_a_finding_is_its_sentence_and_the_same_as_data() -> None:
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


def test_a_warning_tells_its_rule_and_is_ignored_by_it(gap: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run([*PREPARE]) == 0
    assert "warning[D516]: gap.csv, line 9: no row follows" in capfd.readouterr().err
    assert run([*PREPARE, "--ignore", "D516", "--json"]) == 0
    out, err = capfd.readouterr()
    assert "warning" not in err
    report = json.loads(out)
    assert [finding["rule"] for finding in report["findings"]] == ["D516"]
    assert report["warnings"] == [report["findings"][0]["text"]]


def test_the_environment_and_several_ids_ignore_too(
    gap: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSTM_IGNORE", "d516")
    assert run([*PREPARE]) == 0
    assert "warning" not in capfd.readouterr().err
    monkeypatch.delenv("LSTM_IGNORE")
    for several in (["--ignore", "D516", "--ignore", "D705"], ["--ignore", "D516,D705"]):
        assert run(["check", "gap.csv", *several]) == 0
        out, err = capfd.readouterr()
        assert "D516" not in out
        assert "0 warnings" in err


def test_a_refusal_tells_its_rule(gap: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("bad.csv").write_text(GAP.replace("2020-01-12,5", "2020-01-12,five"))
    assert run(["prepare", "bad.csv", "run"]) == 3
    assert capfd.readouterr().err.startswith("error[D302]: bad.csv, line 12, column 'y': 'five'")
    assert run(["check", "bad.csv", "--json"]) == 3
    refused = json.loads(capfd.readouterr().out)["findings"][0]
    assert (refused["rule"], refused["severity"], refused["line"], refused["column"]) == (
        "D302",
        ERROR,
        12,
        "y",
    )


@pytest.mark.parametrize(
    ("rule", "words"), [("D51", "did you mean --ignore D5"), ("x", "data-rules"), ("", "data-rules")]
)
def test_an_unknown_rule_cannot_be_ignored(rule: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        require_ignorable(rule)
    assert words in caught.value.hint
    assert caught.value.flag == "--ignore"


@pytest.mark.parametrize("text", ["", ",", "D516,"])
def test_an_empty_id_is_refused(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "a.csv", "--ignore", text]) == 2
    assert "--ignore '' is not the id of a rule" in capfd.readouterr().err


def test_a_refusal_names_the_options_that_decide_otherwise(
    gap: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("two.csv").write_text(GAP + "2020-01-28,9\n")
    assert run(["check", "two.csv", "--json"]) == 3
    refused = json.loads(capfd.readouterr().out)["findings"][0]
    facts = ("rule", "lines", "column", "flag")
    assert [refused[name] for name in facts] == ["D523", [28, 29], "y", "--series"]


def test_a_run_that_kept_sentences_alone_has_them_as_findings_too(
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
    assert "--ignore D302 names an error" in capfd.readouterr().err
