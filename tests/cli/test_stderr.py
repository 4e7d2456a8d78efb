"""Tests of --quiet and --log-format, which change stderr but neither the result nor the exit code."""

import json

import fake_steps
import pytest
from log_lines import untimed

from lstm_cli.cli import stdio


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("verb", fake_steps.VERBS)
def test_stderr_options_do_not_change_stdout(lstm, tmp_path, verb):
    argv = [*fake_steps.arguments(verb), *(["-o", str(tmp_path / "f.csv")] if verb == "predict" else [])]
    code, out, err = lstm(*argv, "--json")
    quiet = lstm(*argv, "--json", "--quiet")
    as_json = lstm(*argv, "--json", "--log-format", "json")
    assert (quiet[0], quiet[1]) == (as_json[0], as_json[1]) == (code, out)
    assert [line for line in err.splitlines() if line.startswith("warning[")] == quiet[2].splitlines()
    assert len(lines(as_json[2])) == len(err.splitlines())
    assert all(set(line) >= {"time", "event"} for line in lines(as_json[2]))


def test_training_as_json(lstm):
    code, out, err = lstm("train", "run", "--log-format", "json")
    assert (code, out.startswith("model          segment")) == (0, True)
    records = lines(err)
    assert [line["event"] for line in records] == ["note", "training", "epoch", "epoch", "epoch", "summary"]
    assert records[0]["text"] == "training on cpu (2 threads)"
    assert (records[1]["parameters"], records[1]["windows"], records[1]["epochs"]) == (139166, 11667, 2)
    assert [line["epoch"] for line in records[2:5]] == [0, 1, 2]
    assert (records[2]["train_loss"], records[3]["train_loss"], records[2]["val_loss"]) == (None, 0.5, 0.4)


def test_an_infinite_loss_is_null(lstm, monkeypatch):
    from lstm_cli.cli.progress.event_text import event_fields
    from lstm_cli.events import EpochEnded

    values = {"part": "free", "epoch": 1, "epochs": 2, "step": 3, "best": False, "lr": 0.1, "seconds": 1.0}
    event = EpochEnded(**values, train_loss=float("nan"), val_loss=float("inf"), grad_norm=2.0)
    assert {name: event_fields(event)[name] for name in ("train_loss", "val_loss", "grad_norm")} == {
        "train_loss": None,
        "val_loss": None,
        "grad_norm": 2.0,
    }


def test_long_silence_as_json(capsys):
    import time

    from lstm_cli.cli.progress.reporters import LogReporter
    from lstm_cli.events import Progressed

    stdio.configure_stderr(quiet=False, log_format="json")
    log = LogReporter(max_silence=0.05)
    log(Progressed(stage="reading", done=5, total=10))
    deadline, err = time.monotonic() + 1200, ""
    while "reading" not in err:
        assert time.monotonic() < deadline
        time.sleep(0.01)
        err += capsys.readouterr().err
    log.close()
    err += capsys.readouterr().err
    stdio.configure_stderr(quiet=False, log_format="text")
    record = lines(err)[-1]
    assert record["event"] == "working"
    assert record["state"] == "reading: 5 of 10 (50 %)"
    assert set(record) == {"time", "event", "state", "seconds"}


@pytest.mark.parametrize(
    "error", ["DataError('no column', hint='name one', rule='D202')", "ValueError('a bug')"]
)
def test_error_as_json_has_its_exit_code(lstm, monkeypatch, error):
    monkeypatch.setenv("FAKE_RAISE", error)
    plain = lstm("quantize", "run")
    code, _, err = lstm("quantize", "run", "--log-format", "json")
    records = lines(err)
    assert code == plain[0] == records[-1]["exit_code"]
    assert records[-1]["event"] == "error"
    label = f"error[{records[-1]['rule']}]" if records[-1]["rule"] else "error"
    assert plain[2].splitlines()[-2:] == [
        f"{label}: {records[-1]['message']}",
        f"hint: {records[-1]['hint']}",
    ]
    assert lstm("quantize", "run", "--quiet")[2].splitlines()[-2:] == plain[2].splitlines()[-2:]


def test_quiet_predict_prints_only_warnings(lstm, tmp_path):
    code, out, err = lstm("predict", "run", "-o", str(tmp_path / "f.csv"), "--quiet")
    assert (code, out) == (0, "")
    assert err == "warning[M102]: the model is older than the data\n"


def test_stderr_options_apply_to_one_command_only(lstm):
    lstm("train", "run", "--log-format", "json", "--quiet")
    assert untimed(lstm("train", "run")[2]).startswith("training on cpu")


@pytest.mark.parametrize("argv", [["--bogus"], ["--epochs", "x"], ["--epochs", "0"]])
@pytest.mark.parametrize("flag", [["--log-format", "json"], ["--log-format=json"]])
def test_usage_error_as_json(lstm, argv, flag):
    code, _, err = lstm("train", "run", *flag, *argv)
    assert code == 2
    (record,) = map(json.loads, err.splitlines())
    assert record["exit_code"] == 2


def test_an_unknown_format_is_refused(lstm, monkeypatch):
    code, _, err = lstm("train", "run", "--log-format", "xml")
    assert code == 2
    assert err.startswith("error: --log-format 'xml' is invalid: use one of text, json\nhint: ")
    monkeypatch.setenv("LSTM_TRAIN_LOG_FORMAT", "json")
    monkeypatch.setenv("LSTM_TRAIN_QUIET", "1")
    assert lstm("train", "run")[2] == ""


def test_a_warning_of_a_server_has_a_time(lstm, monkeypatch):
    def serve(run, config, print_line, *, print_log):
        print_line("warning", "warning: version 1 still answers", {})
        return fake_steps.serve(run, config, print_line, print_log=print_log)

    monkeypatch.setattr("lstm_cli.serving.serve.serve", serve)
    warning = lstm("serve", "run")[2].splitlines()[0]
    assert warning[:2] == "20"
    assert warning.endswith("Z warning: version 1 still answers")
