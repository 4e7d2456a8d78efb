"""Tests of docs/reference/python.md and of the example in README."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import lstm_cli as lstm
from lstm_cli.cli.verbs import VERBS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "python.md").read_text()


def test_every_public_name_is_on_the_page() -> None:
    methods = [
        name for name in vars(lstm.Run) if not name.startswith("_") and callable(getattr(lstm.Run, name))
    ]
    assert len(methods) == 14
    names = set(re.findall(r"^\| `(?:lstm\.)?(\w+)", PAGE, re.MULTILINE))
    assert names == {*lstm.__all__, *methods}


def test_every_error_has_its_exit_code_on_the_page() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d*) ?\|", PAGE, re.MULTILINE))
    errors = {name: getattr(lstm, name) for name in rows}
    assert {name for name in lstm.__all__ if isinstance(getattr(lstm, name), type)} - rows.keys() == {
        "DataWarning",
        "Picture",
        "Run",
    }
    for name, kind in errors.items():
        assert rows[name] == ("" if kind is lstm.LstmError else str(kind.exit_code))


def test_every_verb_is_a_method_or_only_on_the_command_line() -> None:
    only = PAGE.partition("only on the command line")[2].partition("\n\n")[0]
    missing = set(VERBS) - {*vars(lstm.Run), *lstm.__all__}
    assert missing == {"runs", "serve", "config"}
    assert all(f"`{verb}`" in only for verb in missing)


def test_the_example_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    section = (ROOT / "README.md").read_text().partition("\n## Python\n")[2]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert code is not None
    assert len(code[1].splitlines()) <= 12
    monkeypatch.chdir(tmp_path)
    assert "run.train()\n" in code[1]
    fast = code[1].replace("run.train()", "run.train(parts='linear', refit=False, threads=1)")
    (tmp_path / "sample_data").mkdir()
    pd.read_csv(ROOT / "sample_data" / "ETTh1.csv", nrows=600).to_csv("sample_data/ETTh1.csv", index=False)
    names: dict[str, Any] = {}
    exec(fast, names)
    assert 0 < float(capsys.readouterr().out) < 10
    assert len(names["forecast"]) == 24
    assert names["forecast"].columns[:2].tolist() == ["date", "OT"]
