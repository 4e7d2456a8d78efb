"""Tests of the command lines of `history`, `--keep` and `--from`."""

from pathlib import Path

import fake_steps
import pytest


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (["history", "run", "--rollback", "0"], "--rollback 0 is too small: it must be at least 1"),
        (["history", "run", "--rollback", "v2"], "--rollback 'v2' is not a whole number"),
        (["history", "run", "--rollback", "1", "--drop", "2"], "--rollback and --drop cannot be combined"),
        (["train", "run", "--keep", "0"], "--keep 0 is too small: it must be at least 1"),
        (["tune", "run", "--keep", "101"], "--keep 101 is too large: the maximum is 100"),
        (["train", "run", "--from", ""], "--from is empty"),
    ],
)
def test_a_wrong_option_is_refused(lstm, argv, error):
    code, out, err = lstm(*argv)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {error}")


@pytest.mark.parametrize("verb", ["train", "tune"])
def test_the_number_of_kept_models_reaches_the_step(lstm, verb):
    lstm(verb, "run")
    assert fake_steps.calls[-1]["keep"] == 3
    lstm(verb, "run", "--keep", "5")
    assert fake_steps.calls[-1]["keep"] == 5


def test_the_start_reaches_the_step(lstm, monkeypatch):
    lstm("train", "run")
    assert fake_steps.calls[-1]["start"] is None
    monkeypatch.setenv("LSTM_TRAIN_FROM", "runs/old")
    lstm("train", "run")
    assert fake_steps.calls[-1]["start"] == Path("runs/old")


def test_the_table_of_models(lstm):
    code, out, err = lstm("history", "run")
    assert code == 0
    assert out.splitlines() == [
        "version     made by   made (UTC)         data until         val MASE     MASE      WQL   MASE since",
        "─" * 99,
        "1 kept      train     2026-11-28 02:00   2026-11-27 23:00     0.8800   0.9100   0.1230            -",
        "2 current   train     2026-11-28 02:00   2026-11-27 23:00     0.8800        -        -            -",
        "",
        "served from (UTC)   until              version   by",
        "─" * 54,
        "2026-11-28 02:00    2026-11-29 02:00   1         train",
        "2026-11-29 02:00    now                2         train",
        "",
        "roll back: lstm history run --rollback 1",
    ]
    assert "history run: version 2 of 2, 2 kept" in err
