"""Tests of -v and -q, of variables for all verbs, and of renamed settings."""

import json

import fake_steps
import pytest
from log_lines import untimed

from lstm_cli.cli.main import run


@pytest.mark.parametrize("flag", ["-v", "--verbose"])
def test_verbose_writes_each_setting_with_its_source(lstm, monkeypatch, tmp_path, flag):
    monkeypatch.setenv("LSTM_PREPARE_SCALER", "robust")
    file = tmp_path / "lstm.toml"
    file.write_text('[prepare]\nval = "0.3"\nscaler = "minmax"\n')
    code, _, err = lstm("prepare", "a.csv", "run", "--horizon", "12", "--config", str(file), flag)
    assert code == 0
    listed = [line.split() for line in err.splitlines() if line.startswith("--")]
    values = {words[0]: " ".join(words[1:]) for words in listed}
    assert values["--horizon"] == "12 (flag)"
    assert values["--scaler"] == "robust (environment LSTM_PREPARE_SCALER)"
    assert values["--val"] == f"0.3 (file {file})"
    assert values["--test"] == "0.2 (default)"
    assert values["--target"] == "none (default)"


def test_settings_are_objects_with_log_format_json(lstm):
    _, _, err = lstm("quantize", "run", "-v", "--log-format", "json", "--max-loss", "2%")
    records = [json.loads(line) for line in err.splitlines()]
    settings = {line["flag"]: line for line in records if line["event"] == "setting"}
    assert (settings["--max-loss"]["value"], settings["--max-loss"]["source"]) == ("0.02", "flag")
    assert settings["--to"]["source"] == "default"


def test_quiet_and_verbose_cannot_be_combined(lstm):
    code, _, err = lstm("train", "run", "-q", "-v")
    assert code == 2
    assert err.startswith("error: --quiet and --verbose cannot be combined\nhint: ")


def test_a_flag_overrides_a_contrary_variable(lstm, monkeypatch):
    monkeypatch.setenv("LSTM_QUIET", "1")
    assert lstm("train", "run", "-v")[2].startswith("--model")
    monkeypatch.setenv("LSTM_QUIET", "")
    monkeypatch.setenv("LSTM_TRAIN_VERBOSE", "1")
    assert lstm("train", "run", "-q")[2] == ""


@pytest.mark.parametrize("verb", fake_steps.VERBS)
def test_one_variable_makes_every_verb_quiet(lstm, monkeypatch, tmp_path, verb):
    argv = [*fake_steps.arguments(verb), *(["-o", str(tmp_path / "f.csv")] if verb == "predict" else [])]
    loud = lstm(*argv)
    monkeypatch.setenv("LSTM_QUIET", "1")
    quiet = lstm(*argv)
    assert quiet[0] == loud[0]
    assert _without_time(quiet[1]) == _without_time(loud[1])
    assert quiet[2].splitlines() == [line for line in loud[2].splitlines() if line.startswith("warning[")]


def _without_time(page):
    return [line for line in page.splitlines() if not line.startswith("time ")]


@pytest.mark.parametrize("verb", fake_steps.VERBS)
def test_one_variable_makes_every_verb_log_json(lstm, monkeypatch, verb):
    monkeypatch.setenv("LSTM_LOG_FORMAT", "json")
    _, _, err = lstm(*fake_steps.arguments(verb), "--force" if verb == "train" else "--dry-run")
    assert [json.loads(line)["event"] for line in err.splitlines()][-1] in ("summary", "error")


def test_a_variable_of_a_verb_overrides_the_common_one(lstm, monkeypatch):
    monkeypatch.setenv("LSTM_LOG_FORMAT", "json")
    monkeypatch.setenv("LSTM_TRAIN_LOG_FORMAT", "text")
    assert untimed(lstm("train", "run")[2]).startswith("training on cpu")
    code, _, err = lstm("train", "run", "--epochs", "x")
    assert (code, err.startswith("error: --epochs 'x'")) == (2, True)
    code, _, err = lstm("quantize", "run", "--to", "x")
    assert (code, json.loads(err.splitlines()[0])["event"]) == (2, "error")


NOTE = "{} is now {} (the old name works only in this release)"


@pytest.mark.parametrize("argv", [["--logs", "off"], ["--logs=off"]])
@pytest.mark.parametrize("verb", ["train", "tune"])
def test_the_old_name_of_a_flag_still_works(lstm, verb, argv):
    code, _, err = lstm(verb, "run", *argv)
    assert code == 0
    assert untimed(err).splitlines()[0] == NOTE.format("--logs", "--log-transform")
    assert fake_steps.calls[-1]["config" if verb == "train" else "fixed"].log_transform == "off"


def test_the_old_name_of_a_variable_and_a_key_still_works(lstm, monkeypatch, tmp_path):
    monkeypatch.setenv("LSTM_TRAIN_LOGS", "on")
    _, _, err = lstm("train", "run")
    assert untimed(err).splitlines()[0] == NOTE.format("LSTM_TRAIN_LOGS", "LSTM_TRAIN_LOG_TRANSFORM")
    assert fake_steps.calls[-1]["config"].log_transform == "on"
    monkeypatch.delenv("LSTM_TRAIN_LOGS")
    file = tmp_path / "lstm.toml"
    file.write_text('[train]\nlogs = "off"\n')
    _, _, err = lstm("train", "run", "--config", str(file))
    note = NOTE.format(f"'[train] logs' in {file}", "'log_transform'")
    assert untimed(err).splitlines()[0] == note
    assert fake_steps.calls[-1]["config"].log_transform == "off"


def test_the_new_name_of_a_variable_overrides_the_old_one(lstm, monkeypatch):
    monkeypatch.setenv("LSTM_TRAIN_LOGS", "on")
    monkeypatch.setenv("LSTM_TRAIN_LOG_TRANSFORM", "off")
    _, _, err = lstm("train", "run")
    assert fake_steps.calls[-1]["config"].log_transform == "off"
    assert "is now" not in err


def test_a_space_by_the_old_name_has_a_note(lstm):
    _, _, err = lstm("tune", "run", "--space", "logs=on|off")
    assert untimed(err).splitlines()[0] == NOTE.format("--space logs", "--space log_transform")


def test_an_old_name_is_not_an_option_of_other_verbs(lstm):
    assert lstm("quantize", "run", "--logs", "on")[0] == 2


def test_an_error_under_the_old_name_shows_the_new_name(lstm):
    code, _, err = lstm("train", "run", "--logs", "maybe")
    assert code == 2
    assert "error: --log-transform 'maybe' is invalid: use one of auto, on, off" in err


def test_the_clock_restarts_with_each_command(lstm, monkeypatch):
    from lstm_cli.cli import stdio

    monkeypatch.setattr(stdio, "monotonic", lambda: 1000.0)
    assert run(["--version"]) == 0
    monkeypatch.setattr(stdio, "monotonic", lambda: 1002.5)
    assert stdio.seconds_since_start() == 2.5
