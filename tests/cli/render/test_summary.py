"""Tests of the summary line at the end of each command."""

import json
import re
from dataclasses import replace

import fake_steps
import pytest
from log_lines import TIME, untimed

UNCHANGED = ("prepare", "train", "tune", "evaluate", "quantize")  # steps that can be up to date


@pytest.mark.parametrize("verb", fake_steps.VERBS)
def test_every_verb_ends_with_a_summary_line(lstm, verb):
    argv = fake_steps.arguments(verb)
    code, _, err = lstm(*argv)
    last = err.splitlines()[-1]
    assert code == 0
    assert TIME.match(last)
    assert re.fullmatch(rf"{verb} [^:]+: .+, N s", untimed(last)), last
    assert lstm(*argv, "--quiet")[2].count(f"{verb} ") == 0


def test_text_of_summary_lines(lstm, tmp_path):
    def summary_of(*argv):
        return untimed(lstm(*argv)[2]).splitlines()[-1]

    assert summary_of("evaluate", "run") == (
        "evaluate run: MASE 0.9000, seasonal naive (168) 1.125, 80 % interval coverage 81 %, 3,461 windows, N s"
    )
    assert summary_of("train", "run") == (
        "train run: segment on the validation rows, MASE 0.8800, seasonal naive (168) 1.020, N s"
    )
    assert (
        summary_of("quantize", "run") == "quantize run: int8, 25% of the size, validation error +0.06%, N s"
    )
    assert summary_of("prepare", "a.csv", "run") == (
        "prepare run: 17,420 rows, to 2018-06-26T19:00:00, 11,835 training windows, N s"
    )


def test_summary_as_json(lstm):
    _, _, err = lstm("evaluate", "run", "--log-format", "json")
    record = json.loads(err.splitlines()[-1])
    assert record["event"] == "summary"
    assert (record["verb"], record["subject"], record["up_to_date"]) == ("evaluate", "run", False)
    assert isinstance(record["seconds"], float)
    assert set(record["stages"]) >= {"starting"}


@pytest.mark.parametrize("verb", UNCHANGED)
def test_an_unchanged_step_prints_one_line(lstm, monkeypatch, verb):
    report = replace(getattr(fake_steps, f"{verb}_report")(), up_to_date=True)
    monkeypatch.setattr(f"lstm_cli.steps.{verb}.{verb}", lambda *_, **__: report)
    argv = fake_steps.arguments(verb)
    code, out, err = lstm(*argv)
    assert (code, out, err.count("\n")) == (0, "", 1)
    assert re.fullmatch(rf"{verb} [^:]+: up to date, .+, N s \(--force runs it again\)\n", untimed(err))
    assert lstm(*argv, "--quiet") == (0, "", "")
    code, out, _ = lstm(*argv, "--json")
    assert (code, json.loads(out)["up_to_date"]) == (0, True)


@pytest.mark.parametrize("verb", ["prepare", "train", "predict"])
def test_dry_run_prints_that_nothing_was_done(lstm, monkeypatch, verb):
    from lstm_cli.steps import dry_run as planning

    plan = planning.DryRunPlan(
        run="run", step=verb, up_to_date=False, reads=(), writes=(), seconds=None, memory=None
    )
    monkeypatch.setattr(planning, f"plan_{verb}", lambda *_, **__: plan)
    _, _, err = lstm(*fake_steps.arguments(verb), "--dry-run")
    assert untimed(err) == f"{verb} run: dry run, nothing was done\n"


def test_training_time_lists_the_stages(lstm, monkeypatch):
    from lstm_cli.cli import stdio
    from lstm_cli.cli.progress import reporters
    from lstm_cli.cli.render import train
    from lstm_cli.cli.render.train import _time_text
    from lstm_cli.events import EpochEnded, Progressed

    clock = iter([2.0, 5.0, 5.0, 9.0, 10.0])
    monkeypatch.setattr(reporters, "seconds_since_start", lambda: next(clock))
    timed = reporters.StageTimer(lambda event: None)
    epoch = EpochEnded(
        part="free",
        epoch=0,
        epochs=1,
        step=0,
        train_loss=None,
        val_loss=0.4,
        best=True,
        lr=0.1,
        grad_norm=None,
        seconds=0.0,
    )
    timed(Progressed(stage="fitting the linear forecast", done=0, total=2))
    timed(Progressed(stage="fitting the linear forecast", done=1, total=2))  # the same stage
    timed(epoch)
    timed(epoch)
    timed(Progressed(stage="fitting the linear forecast", done=2, total=2))
    timed(Progressed(stage="exporting", done=0))
    timed.close()
    assert timed.stages == {
        "starting": 2.0,
        "fitting the linear forecast": 7.0,
        "training": 0.0,
        "exporting": 1.0,
    }
    monkeypatch.setattr(train, "seconds_since_start", lambda: 10.04)
    assert _time_text(timed.stages) == "10.0 s (starting 2.0, fitting the linear forecast 7.0, exporting 1.0)"
    assert stdio.seconds_since_start() >= 0
