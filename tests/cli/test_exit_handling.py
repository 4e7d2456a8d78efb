"""Tests of exit codes and error messages, in this process."""

import errno
import sys

import fake_steps
import pytest
from log_lines import untimed

from lstm_cli import errors


@pytest.mark.parametrize(
    ("argv", "error", "hint"),
    [
        (["trian"], "unknown command 'trian'", "did you mean 'train'?"),
        (
            ["browse"],
            "unknown command 'browse'",
            "the commands are check, prepare, train, tune, evaluate, quantize, predict, serve, score, export, "
            "report, refresh, runs, verify, history, config",
        ),
        (["--quiet"], "options must come after the command", "write lstm COMMAND ... --quiet"),
        (["--frobnicate"], "no such option '--frobnicate'", "see 'lstm --help'"),
        (["--", "train", "run"], "options must come after the command", "write lstm COMMAND [OPTIONS]"),
        (["train"], "missing argument 'RUN'", "see 'lstm train --help'"),
        (["train", ""], "RUN is empty", "give the path of a run directory, such as runs/load"),
        (
            ["prepare", "data.csv"],
            "missing argument: lstm prepare needs DATA and RUN",
            "write lstm prepare data.csv runs/NAME",
        ),
        (
            ["train", "run", "--epoch", "5"],
            "no such option '--epoch'",
            "did you mean '--epochs'? see 'lstm train --help'",
        ),
        (
            ["train", "run", "--epochs", "5", "--epochs", "5"],
            "--epochs is given twice",
            "keep one of the two",
        ),
        (
            ["predict", "run", "-o", "a.csv", "--output", "b.csv"],
            "--output is given twice",
            "keep one of the two",
        ),
        (
            ["prepare", "a.csv", "run", "--dayfirst", "--monthfirst"],
            "--dayfirst/--monthfirst is given twice",
            "keep one of the two",
        ),
        (["train", "run", "--json", "--json"], "--json is given twice", "keep one of the two"),
        (
            ["train", "run", "--config", "a", "--config", "b"],
            "--config is given twice",
            "keep one of the two",
        ),
        (["train", "run", "--epochs"], "option '--epochs' requires an argument", "see 'lstm train --help'"),
        (["train", "run", "--json=1"], "option '--json' does not take a value", "see 'lstm train --help'"),
        (
            ["train", "run", "--epochs", "0"],
            "--epochs 0 is too small: it must be at least 1",
            "see 'lstm train --help'",
        ),
        (
            ["evaluate", "run", "--split", "tset"],
            "--split 'tset' is invalid: use one of val, test",
            "see 'lstm evaluate --help'",
        ),
        (
            ["predict", "run", "--json"],
            "--json needs -o FILE, because the forecast goes to standard output",
            "add -o forecast.csv",
        ),
        (
            ["refresh", "run", "data.csv", "-o", "-", "--json"],
            "--json needs -o FILE, because the forecast goes to standard output",
            "add -o forecast.csv",
        ),
    ],
)
def test_a_wrong_command_line_is_one_error_and_one_hint(lstm, argv, error, hint):
    assert lstm(*argv) == (2, "", f"error: {error}\nhint: {hint}\n")
    assert not fake_steps.calls


@pytest.mark.parametrize(
    ("argv", "option", "hint"),
    [
        (
            ["predict", "run", "--forecasts", "a"],
            "--forecasts",
            "--forecasts is an option of lstm evaluate; see ",
        ),
        (
            ["predict", "run", "--forecaster", "a"],
            "--forecaster",
            "the options of lstm predict are --",
        ),
        (
            ["evaluate", "run", "--levels", "9"],
            "--levels",
            "the options of lstm evaluate are --",
        ),
        (["predict", "run", "--wide"], "--wide", "--wide is an option of lstm check and lstm prepare; see "),
        (["verify", "run", "--learning-rate", "1"], "--learning-rate", "the options of lstm verify are "),
        (["prepare", "a.csv", "run", "--seires", "a"], "--seires", "did you mean '--series'? see "),
    ],
)
def test_an_unknown_option_is_never_a_far_guess(lstm, argv, option, hint):
    code, out, err = lstm(*argv)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: no such option '{option}'\nhint: {hint}")
    assert err.endswith(f"see 'lstm {argv[0]} --help'\n")


def test_repeatable_options_and_a_variable_next_to_a_flag_are_not_twice(lstm, monkeypatch):
    monkeypatch.setenv("LSTM_PREPARE_HORIZON", "3")
    code, _, err = lstm("prepare", "a.csv", "run", "--target", "a", "--target", "b", "--horizon", "4")
    assert code == 0, err
    config = fake_steps.calls[-1]["config"]
    assert (config.target, config.horizon) == (("a", "b"), 4)


def test_extra_argument(lstm):
    code, out, err = lstm("train", "run", "again")
    assert (code, out) == (2, "")
    assert err.splitlines()[0] == "error: unexpected argument 'again'"
    assert err.splitlines()[1] == "hint: see 'lstm train --help'"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("UsageError", 2),
        ("ArtifactError", 4),
        ("MissingArtifact", 4),
        ("StaleArtifact", 4),
        ("CorruptArtifact", 4),
        ("ForeignFolder", 4),
        ("OutputError", 4),
        ("QualityError", 5),
        ("GateFailed", 5),
        ("QuantizationLoss", 5),
        ("TrainingDiverged", 5),
        ("LockedError", 6),
        ("DeviceError", 7),
    ],
)
def test_an_expected_error_has_its_code_and_no_traceback(lstm, monkeypatch, name, code):
    monkeypatch.setenv("FAKE_RAISE", f"{name}('it failed', hint='try this')")
    assert lstm("quantize", "run") == (code, "", "error: it failed\nhint: try this\n")


def test_a_data_error_names_its_rule(lstm, monkeypatch):
    monkeypatch.setenv("FAKE_RAISE", "DataError('it failed', hint='try this', rule='D302')")
    assert lstm("quantize", "run") == (3, "", "error[D302]: it failed\nhint: try this\n")


def test_all_error_classes_are_tested():
    def below(parent):
        return {child for near in parent.__subclasses__() for child in {near, *below(near)}}

    parameters = test_an_expected_error_has_its_code_and_no_traceback.pytestmark[0].args[1]
    general = {child.__name__ for child in below(errors.LstmError) if child.__module__ == errors.__name__}
    assert general - {"Interrupted", "DataError"} == {name for name, _ in parameters}


def test_an_error_without_a_hint_gets_a_default_hint(lstm, monkeypatch):
    monkeypatch.setenv("FAKE_RAISE", "DataError('it failed', rule='D302')")
    code, _, err = lstm("quantize", "run")
    assert code == 3
    assert [line.split(":")[0] for line in err.splitlines()] == ["error[D302]", "hint"]


def test_lstm_debug_prints_a_traceback(lstm, monkeypatch):
    monkeypatch.setenv("FAKE_RAISE", "DataError('it failed', hint='try this', rule='D302')")
    monkeypatch.setenv("LSTM_DEBUG", "1")
    code, _, err = lstm("quantize", "run")
    assert code == 3
    assert "Traceback" in err
    assert err.endswith("error[D302]: it failed\nhint: try this\n")


def test_a_bug_prints_a_traceback_and_asks_for_a_report(lstm, monkeypatch):
    monkeypatch.setenv("FAKE_RAISE", "ZeroDivisionError('by zero')")
    code, out, err = lstm("quantize", "run")
    assert (code, out) == (1, "")
    assert "Traceback" in err
    assert "fake_steps.py" in err
    assert "this is a bug in lstm" in err
    assert "report" in err.splitlines()[-1]


@pytest.mark.parametrize(
    "error", ["EOFError('short')", "KeyError('k')", "OSError('no number')", "TypeError('t')"]
)
def test_unexpected_errors_are_bugs(lstm, monkeypatch, error):
    """Typer would print 'Aborted!' for an EOFError."""
    monkeypatch.setenv("FAKE_RAISE", error)
    code, _, err = lstm("quantize", "run")
    assert code == 1
    assert "Aborted" not in err


def test_a_missing_dependency_is_not_a_bug(lstm, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setenv("FAKE_RAISE", "ModuleNotFoundError('No module', name='matplotlib.dates')")
    code, out, err = lstm("quantize", "run")
    assert (code, out) == (2, "")
    error, hint = err.splitlines()
    assert error == "error: lstm quantize needs matplotlib, which is not installed"
    assert hint.startswith("hint: pip install 'matplotlib>=")


@pytest.mark.parametrize("name", ["yaml", "matplotlib.absent"])
def test_any_other_missing_module_is_a_bug(lstm, monkeypatch, name):
    monkeypatch.setenv("FAKE_RAISE", f"ModuleNotFoundError('No module', name='{name}')")
    code, _, err = lstm("quantize", "run")
    assert code == 1
    assert "this is a bug in lstm" in err


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "runs/load/x.npy: disk full"),
        (errno.EDQUOT, "runs/load/x.npy: disk full (quota exceeded)"),
        (errno.EROFS, "runs/load/x.npy: the file system is read-only"),
        (errno.EIO, "runs/load/x.npy: input/output error"),
        (errno.EACCES, "runs/load/x.npy: permission denied"),
    ],
)
def test_storage_errors_are_expected(lstm, monkeypatch, number, message):
    monkeypatch.setenv(
        "FAKE_RAISE", f"OSError({number}, __import__('os').strerror({number}), 'runs/load/x.npy')"
    )
    code, _, err = lstm("quantize", "run")
    assert code == 4
    assert err.startswith(f"error: {message}\nhint: ")


def test_out_of_memory(lstm, monkeypatch):
    monkeypatch.setenv("FAKE_RAISE", "MemoryError()")
    code, _, err = lstm("quantize", "run")
    assert code == 7
    assert err.startswith("error: out of memory\nhint: ")


def test_a_message_is_one_line_without_control_characters(lstm, monkeypatch):
    monkeypatch.setenv(
        "FAKE_RAISE", r"DataError('column \x1b[31m\'a\nb\'\r \udcff ü', hint='x', rule='D302')"
    )
    _, _, err = lstm("quantize", "run")
    assert err == "error[D302]: column \\x1b[31m'a b' \\udcff ü\nhint: x\n"


def test_a_failed_gate_prints_the_report_first(lstm):
    code, out, err = lstm("evaluate", "run", "--fail-if", "mase<1", "--fail-if", "mae>1")
    assert code == 5
    assert "FAILED: --fail-if 'mase<1' (mase is 0.9)" in out
    assert "passed: --fail-if 'mae>1'" in out
    summary, error = untimed(err).split("\n", 1)
    assert summary.startswith("evaluate run: MASE 0.9000, seasonal naive (168) 1.125, ")
    assert summary.endswith(", 1 of 2 conditions failed, N s")
    assert error == "error: not good enough: mase is 0.9\nhint: the scores are kept\n"


def test_a_failed_gate_is_in_the_json_too(lstm):
    import json

    code, out, _ = lstm("evaluate", "run", "--fail-if", "mase<1", "--json")
    assert code == 5
    assert json.loads(out)["gates"][0]["failed"] is True


@pytest.mark.parametrize(("number", "code"), [(1, 129), (2, 130), (15, 143)])
def test_interrupted_step(lstm, monkeypatch, number, code):
    monkeypatch.setenv("FAKE_RAISE", f"Interrupted({number})")
    got, out, err = lstm("quantize", "run")
    assert (got, out) == (code, "")
    assert err.startswith("error: interrupted by SIG")
