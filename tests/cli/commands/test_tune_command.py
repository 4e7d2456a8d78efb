"""Tests of `lstm tune` with the options of train, and of `lstm train` with the settings of the winner."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import fake_steps
import pytest
from test_options import OTHER_VALUES, REQUIRED, required_flags

from lstm_cli.cli.commands.tune import tune
from lstm_cli.config import TrainConfig
from lstm_cli.rundir import writing
from lstm_cli.steps.shared.tuned_settings import note_winner

Lstm = Callable[..., tuple[int, str, str]]


pytestmark = pytest.mark.usefixtures("in_a_folder")


@pytest.mark.parametrize("name", [field.name for field in fields(TrainConfig)])
def test_every_setting_of_train_can_be_fixed(lstm: Lstm, name: str) -> None:
    text, value = OTHER_VALUES["train"][name]
    words = [f"--{name.replace('_', '-')}", *([] if text is None else [text])]
    code, _, err = lstm("tune", "run", *words, *required_flags("train", name))
    assert code == 0, err
    assert fake_steps.calls[-1]["fixed"] == TrainConfig(**{name: value}, **REQUIRED.get(("train", name), {}))


def test_shared_settings_come_from_file_and_environment(lstm: Lstm, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("lstm.toml").write_text("[tune]\nepochs = 5\nseed = 5\n[tune.space]\nlr = '1e-4..1e-2:log'\n")
    monkeypatch.setenv("LSTM_TUNE_SEED", "6")
    assert lstm("tune", "run", "--config", "lstm.toml")[0] == 0
    call = fake_steps.calls[-1]
    assert (call["fixed"].epochs, call["fixed"].seed) == (5, 6)
    assert call["config"].space == ("lr=1e-4..1e-2:log",)


def test_other_options_of_train_are_not_options_of_tune() -> None:
    names = set(inspect.signature(tune).parameters)
    assert not {"training", "given", "tuned", "tensorboard", "wandb"} & names
    assert {field.name for field in fields(TrainConfig)} < names


def test_invalid_time(lstm: Lstm) -> None:
    code, _, err = lstm("tune", "run", "--time", "soon")
    assert (
        code,
        err.startswith("error: --time 'soon' is not a duration\nhint: write it like --time 90"),
    ) == (
        2,
        True,
    )
    assert lstm("tune", "run", "--time", "0")[2].startswith(
        "error: --time 0 is too small: it must be above 0"
    )


def test_storage_needs_bayes(lstm: Lstm) -> None:
    code, _, err = lstm("tune", "run", "--storage", "sqlite:///a.db")
    assert code == 2
    assert err == "error: --storage needs --method bayes\nhint: add --method bayes\n"


def test_show_without_a_run_or_a_search(lstm: Lstm) -> None:
    code, out, err = lstm("tune", "absent", "--show")
    assert (code, out) == (4, "")
    assert "lstm prepare" in err
    make_run(Path("run"), None)
    code, out, err = lstm("tune", "run", "--show")
    assert (code, err) == (4, "error: run has no search\nhint: run 'lstm tune run' first\n")
    assert fake_steps.calls == []


def test_show_prints_the_report_as_it_was_recorded(lstm: Lstm) -> None:
    picture = "run/tune/0004/importance.png"
    report = fake_steps.tune_report(run="run", finished=False, picture=picture)
    make_run(Path("run"), report.to_json())
    code, out, _ = lstm("tune", "run", "--show")
    assert code == 0
    assert "random search for segment, 2 done, 1 failed of 3 trials" in out
    assert "search not finished" in out
    import json

    code, out, _ = lstm("tune", "run", "--show", "--json")
    assert json.loads(out) == report.to_json()


# Use of the winner by train


def make_run(run: Path, report: dict[str, Any] | None) -> None:
    """Make a run with data and, if a report is given, a search."""
    with writing(run, step="prepare", create=True) as writer:
        writer.new("data").write_json("schema.json", {})
        writer.commit(config={}, reads={}, report={})
    if report is not None:
        with writing(run, step="tune") as writer:
            writer.new("tune").write_json_lines("trials.jsonl", [])
            writer.commit(config={}, reads={}, report=report)


WINNER = {"model": "stacked", "hidden": [48, 24], "lr": 3e-05, "refit": True, "loss": "huber"}
STACKED = TrainConfig(model="stacked", hidden=(48, 24), lr=3e-05, refit=True, loss="huber")


@pytest.fixture
def tuned(in_a_folder: None) -> None:
    make_run(Path("run"), {"winner": WINNER})


def note_of_the_step() -> str:
    """Return the note that `train` sends about the settings that it got; the fake step sends none."""
    call, sent = fake_steps.calls[-1], []
    note_winner(call["winner"], call["config"], sent.append, network=call["network"])
    return str(sent[0].text)


@pytest.mark.usefixtures("tuned")
def test_verbose_names_tune_as_the_source(lstm: Lstm) -> None:
    _, _, err = lstm("train", "run", "-v", "--lr", "0.1")
    lines = [" ".join(line.split()) for line in err.splitlines()]
    assert {"--loss huber (tune)", "--lr 0.1 (flag)", "--seed 0 (default)"} <= set(lines)


@pytest.mark.usefixtures("tuned")
def test_train_uses_the_settings_of_the_winner_with_a_note(lstm: Lstm) -> None:
    code, _, _ = lstm("train", "run")
    assert code == 0
    assert fake_steps.calls[-1]["config"] == STACKED
    assert note_of_the_step() == (
        "using settings of the winner of 'lstm tune': model stacked, hidden 48,24, lr 3e-05, refit on, loss huber "
        "(--no-tuned ignores them)"
    )


@pytest.mark.usefixtures("tuned")
def test_flag_environment_and_file_override_the_winner(lstm: Lstm, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("lstm.toml").write_text("[train]\nloss = 'mse'\nlr = 0.5\n")
    monkeypatch.setenv("LSTM_TRAIN_LR", "0.25")
    lstm("train", "run", "--config", "lstm.toml", "--hidden", "7", "--no-refit", "--seed", "3")
    given = fake_steps.calls[-1]["config"]
    assert given == TrainConfig(model="stacked", hidden=(7,), lr=0.25, refit=False, loss="mse", seed=3)
    assert note_of_the_step().startswith("using settings of the winner of 'lstm tune': model stacked (")


@pytest.mark.usefixtures("tuned")
@pytest.mark.parametrize("how", ["flag", "environment", "file"])
def test_another_model_ignores_the_winner(lstm: Lstm, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    words = ["--model", "segment"] if how == "flag" else []
    if how == "environment":
        monkeypatch.setenv("LSTM_TRAIN_MODEL", "segment")
    if how == "file":
        Path("lstm.toml").write_text("[train]\nmodel = 'segment'\n")
        words = ["--config", "lstm.toml"]
    _, _, err = lstm("train", *words, "run")
    assert fake_steps.calls[-1]["config"] == TrainConfig()
    assert "winner" not in err


@pytest.mark.usefixtures("tuned")
@pytest.mark.parametrize("how", ["flag", "environment"])
def test_the_winner_can_be_ignored(lstm: Lstm, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    if how == "environment":
        monkeypatch.setenv("LSTM_TRAIN_TUNED", "0")
    _, _, err = lstm("train", "run", *(["--no-tuned"] if how == "flag" else []))
    assert fake_steps.calls[-1]["config"] == TrainConfig()
    assert "winner" not in err


@pytest.mark.usefixtures("tuned")
def test_a_setting_of_another_model_is_refused(lstm: Lstm) -> None:
    code, _, err = lstm("train", "run", "--model", "stacked", "--effort", "fast")
    assert code == 2
    assert err.startswith("error: --effort works only with --model segment, not with stacked")


def test_an_unfinished_search_has_no_winner(lstm: Lstm) -> None:
    make_run(Path("run"), {"winner": None})
    assert lstm("train", "run")[0] == 0
    assert fake_steps.calls[-1]["config"] == TrainConfig()


def test_a_corrupt_run_is_reported_by_the_step(lstm: Lstm) -> None:
    Path("run").mkdir()
    Path("run/run.json").write_text("{}")
    assert lstm("train", "run")[0] == 0  # the fake step does not read the run
    assert fake_steps.calls[-1]["config"] == TrainConfig()
