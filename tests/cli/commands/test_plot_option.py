"""Tests of `--plot -`: the stream that gets the drawing, and its colors."""

import json
import sys

import pytest
from log_lines import untimed

pytestmark = pytest.mark.usefixtures("in_a_folder")


def test_the_drawing_goes_to_stderr_if_stdout_has_the_rows(lstm) -> None:
    code, out, err = lstm("predict", "run", "--plot", "-")
    assert (code, "drawing" in out, out.count("\n")) == (0, False, 25)
    assert "\ndrawing\npredict run: " in untimed(err)
    code, out, err = lstm("predict", "run", "-o", "f.csv", "--plot", "-")
    assert (code, out, "drawing" in err) == (0, "drawing\n", False)
    code, out, err = lstm("predict", "run", "-o", "f.csv", "--plot", "-", "--json")
    assert (code, json.loads(out)["output"], "\ndrawing\n" in err) == (0, "f.csv", True)


@pytest.mark.parametrize("argv", [("evaluate", "run"), ("check", "data.csv")])
def test_the_drawing_is_below_the_report(lstm, argv) -> None:
    code, out, err = lstm(*argv, "--plot", "-")
    assert (code, out.endswith("\ndrawing\n"), "drawing" in err) == (0, True, False)
    code, out, err = lstm(*argv, "--plot", "-", "--json")
    assert (code, isinstance(json.loads(out), dict)) == (0, True)
    assert "drawing\n" in err


def test_a_failed_condition_still_draws(lstm) -> None:
    code, out, _ = lstm("evaluate", "run", "--plot", "-", "--fail-if", "mase>0")
    assert (code, out.endswith("\ndrawing\n")) == (5, True)


def test_quiet_keeps_the_drawing_and_json_lines_stay_json(lstm) -> None:
    _, out, err = lstm("predict", "run", "--plot", "-", "--quiet")
    assert "drawing" not in out
    assert err.endswith("\ndrawing\n")
    _, _, err = lstm("predict", "run", "--plot", "-", "--log-format", "json")
    events = [json.loads(line) for line in err.splitlines()]
    assert [event["text"] for event in events if event["event"] == "plot"] == ["drawing\n"]


def test_width_and_colors_are_those_of_the_stream(monkeypatch) -> None:
    from lstm_cli.cli.render.drawing import make_terminal

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    assert make_terminal(stdout_is_taken=False).width == 80  # not a terminal
    monkeypatch.setenv("COLUMNS", "61")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    terminal = make_terminal(stdout_is_taken=True)
    assert (terminal.width, terminal.colors) == (61, True)
    assert not make_terminal(stdout_is_taken=False).colors
    monkeypatch.setenv("NO_COLOR", "1")
    assert not make_terminal(stdout_is_taken=True).colors


@pytest.mark.parametrize(("plot", "package"), [("-", "plotille"), ("a.png", "matplotlib")])
def test_a_missing_package_is_named_with_its_command(call, monkeypatch, plot, package) -> None:
    from lstm_cli.config import extras

    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(extras, "PROJECT", "lstm-cli-that-nobody-installed")
    for argv in (("predict", "run"), ("evaluate", "run"), ("check", "data.csv")):
        code, out, err = call(*argv, "--plot", plot)
        assert (code, out) == (2, "")
        assert f"error: --plot{' -' if plot == '-' else ''} needs {package}, which is not installed" in err
        assert err.endswith(f"hint: pip install '{package}'\n")
