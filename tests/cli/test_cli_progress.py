"""What is heard while a step works."""

import io
import sys
import time

from lstm_cli.cli.progress import LineLog, describe, describe_progress
from lstm_cli.events import EpochEnded, Noted, Progressed, TrainingStarted, Warned


def epoch(number, **changes):
    values = {
        "part": "anchored",
        "train_loss": 0.25,
        "val_loss": 0.5,
        "best": False,
        "lr": 1e-3,
        "grad_norm": 0.1,
        "seconds": 1.5,
    }
    return EpochEnded(epoch=number, epochs=12, step=10 * number, **values | changes)


def test_events_as_lines():
    assert describe(Warned(text="w")) == "warning: w"
    assert describe(Noted(text="n")) == "n"
    line = "anchored epoch  3/12  train  0.2500  val  0.5000       lr 1.0e-03    1.5 s"
    assert describe(epoch(3)) == line
    assert describe(epoch(0, train_loss=None, best=True)).startswith(
        "anchored epoch  0/12  train       -  val  0.5000 best"
    )
    assert describe(epoch(3, part="free", val_loss=None)) == (
        "free     epoch  3/12  train  0.2500  val       -       lr 1.0e-03    1.5 s"
    )
    started = TrainingStarted(model="segment", parameters=1234, windows=5678, epochs=9, steps_per_epoch=330)
    assert (
        describe(started)
        == "training segment: 1,234 parameters, 5,678 windows, at most 9 epochs of 330 steps"
    )


def test_progress_as_a_line():
    assert describe_progress(Progressed(stage="reading", done=1200, total=4000, unit="bytes")) == (
        "reading: 1,200 of 4,000 bytes (30 %)"
    )
    assert describe_progress(Progressed(stage="reading", done=1200)) == "reading: 1,200"
    assert describe_progress(Progressed(stage="reading", done=0, total=0)) == "reading: 0"


def heard(monkeypatch, events, *, silence, rest):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    log = LineLog(silence=silence)
    for event in events:
        log(event)
    time.sleep(rest)
    log.close()
    return sys.stderr.getvalue().splitlines()


def test_progress_alone_writes_no_line(monkeypatch):
    assert (
        heard(monkeypatch, [Progressed(stage="reading", done=n) for n in range(1000)], silence=9, rest=0)
        == []
    )


def test_a_silence_is_broken_with_the_last_state(monkeypatch):
    lines = heard(monkeypatch, [Progressed(stage="reading", done=5, total=10)], silence=0.1, rest=0.35)
    assert 2 <= len(lines) <= 3
    assert all(line.startswith("reading: 5 of 10 (50 %), ") for line in lines)


def test_a_silence_is_broken_where_no_event_ever_comes(monkeypatch):
    assert heard(monkeypatch, [], silence=0.1, rest=0.15)[0].startswith("still working, ")


def test_a_line_puts_the_next_one_off(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    log = LineLog(silence=0.3)
    for number in range(5):
        time.sleep(0.1)
        log(epoch(number))
    log.close()
    assert len(sys.stderr.getvalue().splitlines()) == 5


def test_names_cannot_move_the_cursor(monkeypatch):
    assert heard(monkeypatch, [Warned(text="a\x1b[2Jb\nc")], silence=9, rest=0) == ["warning: a\\x1b[2Jb c"]
