"""Tests of the recorded source of each setting, and of the TOML file that reproduces a run."""

import tomllib
from pathlib import Path

import fake_steps
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_cli.config.layers import find_settings
from lstm_cli.steps.show_config import ConfigReport

pytestmark = pytest.mark.usefixtures("in_a_folder")


def test_flag_environment_and_file_have_different_sources(lstm, monkeypatch):
    Path("lstm.toml").write_text("[train]\nepochs = 5\nseed = 5\nlr = 0.5\n")
    monkeypatch.setenv("LSTM_TRAIN_SEED", "6")
    monkeypatch.setenv("LSTM_TRAIN_LOCK_WAIT", "1")  # not a training setting
    lstm("train", "run", "--config", "lstm.toml", "--epochs", "7", "--force")
    assert fake_steps.calls[-1]["sources"] == {
        "epochs": "flag",
        "seed": "environment LSTM_TRAIN_SEED",
        "lr": "file lstm.toml",
    }


@pytest.mark.parametrize("verb", ["prepare", "train", "tune", "evaluate", "quantize"])
def test_defaults_have_no_source(lstm, verb):
    lstm(*fake_steps.arguments(verb))
    assert fake_steps.calls[-1]["sources"] == {}


def test_settings_from_tune_have_the_source_tune(lstm, monkeypatch):
    winner = {"model": "segment", "lr": 0.02, "hidden": [48], "loss": "huber"}
    monkeypatch.setattr("lstm_cli.steps.shared.tuned_settings.tuned_settings", lambda run: winner)
    lstm("train", "run", "--lr", "0.5")
    assert fake_steps.calls[-1]["sources"] == {
        "model": "tune",
        "hidden": "tune",
        "loss": "tune",
        "lr": "flag",
    }
    lstm("train", "run", "--no-tuned")
    assert fake_steps.calls[-1]["sources"] == {}


def test_settings_shared_by_all_trials_have_a_source(lstm):
    lstm("tune", "run", "--trials", "3", "--epochs", "2")
    assert fake_steps.calls[-1]["sources"] == {"trials": "flag", "epochs": "flag"}


PLAIN = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8")),
)


def to_toml(tables):
    steps = {
        verb: {name: {"value": value} for name, value in table.items()} for verb, table in tables.items()
    }
    return ConfigReport(run="run", data="data.csv", steps=steps).to_toml()


@given(st.dictionaries(st.from_regex(r"[a-z_]+", fullmatch=True), PLAIN | st.lists(PLAIN, min_size=1)))
def test_toml_round_trip(given_settings):
    text = to_toml(
        {"train": given_settings, "tune": {"trials": 2, "space": {"lr": "1..2"}, "unset": None, "none": []}}
    )
    read = tomllib.loads(text)
    assert read == {"train": given_settings, "tune": {"trials": 2, "space": {"lr": "1..2"}}}


def test_a_subtable_becomes_pairs():
    Path("lstm.toml").write_text(to_toml({"tune": {"space": {"lr": "1e-4..1e-2:log", "loss": "mae|huber"}}}))
    result = find_settings("tune", {"space": "pairs"}, file="lstm.toml", environ={}, verbs=("tune",))
    assert result["space"].value == ["lr=1e-4..1e-2:log", "loss=mae|huber"]


def test_config_shows_the_settings_of_a_run(lstm):
    code, out, _ = lstm("config", "run")
    assert code == 0
    assert out.splitlines()[-1].split() == ["to", "fp16", "flag"]
    assert lstm("config", "run", "--toml")[1].endswith('\n[quantize]\nto = "fp16"\n')
    code, _, err = lstm("config", "run", "--toml", "--json")
    assert (code, err.splitlines()[0]) == (2, "error: --toml and --json cannot be combined")
