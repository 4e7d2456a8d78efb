"""Tests of `lstm check` on small files: stdout, stderr and the exit code."""

import json
from pathlib import Path

import pytest
from fresh_process import run_fresh
from log_lines import untimed, without_summary

SAMPLE = Path(__file__).parents[3] / "sample_data" / "monthly.csv"
ROWS = "".join(
    f"2024-01-{day:02d},{value}\n" for day, value in zip(range(1, 29), [3, 1, 4, 1] * 7, strict=True)
)


pytestmark = pytest.mark.usefixtures("in_a_folder")


def test_report_of_a_good_file_is_the_only_output(call) -> None:
    Path("a.csv").write_text("day,y\n" + ROWS)
    code, out, err = call("check", "a.csv")
    assert (code, without_summary(err)) == (0, "")
    assert out.startswith("data        a.csv: 28 rows, 2 columns\n")
    assert out.endswith("\nno problems found\n")
    code, out, err = call("check", "a.csv", "--json")
    assert (code, json.loads(out)["findings"]) == (0, [])
    assert untimed(err) == "check a.csv: 28 rows, 0 errors, 0 warnings, N s\n"


@pytest.mark.parametrize("as_json", [False, True])
def test_check_fails_like_prepare_after_its_report(call, as_json: bool) -> None:
    Path("a.csv").write_text("day,y\n" + ROWS + "2024-01-29,12 %\n")
    code, out, err = call("check", "a.csv", *(["--json"] if as_json else []))
    summary, err = err.split("\n", 1)
    assert untimed(summary) == "check a.csv: 29 rows, 1 error, 0 warnings, N s"
    assert (code, err) == (call("prepare", "a.csv", "run")[0], call("prepare", "a.csv", "run")[2])
    assert code == 3
    assert err.startswith("error[D302]: a.csv, line 30, column 'y': '12 %' is not a plain number")
    if as_json:
        report = json.loads(out)
        assert report["findings"][0]["severity"] == "error"
        assert f"error[D302]: {report['refused']['message']}\nhint: {report['refused']['hint']}\n" == err
    else:
        assert "a.csv: 29 rows, 2 columns" in out
        assert "error[D302]" not in out  # the error is printed once
    assert not Path("run").exists()


def test_a_file_that_is_not_a_table_prints_no_report(call) -> None:
    Path("a.csv").write_text("<html>\n")
    code, out, err = call("check", "a.csv")
    assert (code, out) == (3, "")
    assert err.startswith("error[D101]: a.csv is a web page (HTML)")


def test_control_characters_of_names_are_escaped(call) -> None:
    name = "\x1b]0;title\x07\x1b[31m" + "long" * 30
    Path("a.csv").write_text(f"day,y,{name}\n" + ROWS.replace("\n", ",5\n"))
    code, out, err = call("check", "a.csv", "--target", "y")
    assert (code, without_summary(err)) == (0, "")
    assert "\\x1b[31m" in out
    assert not set("\x1b\x07") & set(out)
    tables = [line for line in out.splitlines() if not line.startswith(("data", "season", "note"))]
    assert max(map(len, tables)) <= 120
    code, out, _ = call("check", "a.csv", "--target", "y", "--json")
    assert "\x1b" not in out
    assert json.loads(out)["columns"][2]["name"] == name


def test_settings_come_from_the_environment_and_a_file(call, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.csv").write_text("day,y,x\n" + ROWS.replace("\n", ",5\n"))
    monkeypatch.setenv("LSTM_CHECK_TARGET", "y")
    Path("lstm.toml").write_text('[check]\nhorizon = 3\nplot = "a.png"\n')
    code, out, _ = call("check", "a.csv", "--json", "--config", "lstm.toml")
    report = json.loads(out)
    assert (code, report["targets"], report["horizon"], report["picture"]) == (0, ["y"], 3, "a.png")
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("plot", [[], ["--plot", "a.png"]])
def test_check_imports_no_heavy_module(tmp_path: Path, plot: list[str]) -> None:
    code, loaded, done = run_fresh("check", str(SAMPLE), "--json", *plot, cwd=tmp_path)
    assert (code, json.loads(done.stdout)["freq"]) == (0, "ME")
    assert not {"torch", "pandas", "sklearn", "pyarrow", "onnxruntime", "onnx", "scipy"} & loaded
    assert ("matplotlib" in loaded) == bool(plot)
