"""Tests of the progress on stderr."""

import io
import sys
import threading
import time

from log_lines import untimed

from lstm_cli.cli.progress import reporters
from lstm_cli.cli.progress.event_text import event_fields
from lstm_cli.cli.progress.reporters import LogReporter
from lstm_cli.events import (
    EpochEnded,
    Note,
    Progressed,
    TrainingStarted,
    WarningRaised,
    describe_event,
    describe_progress,
    seconds_left,
)
from lstm_cli.findings import Finding


def epoch(number, **changes):
    values = {
        "part": "anchored",
        "train_loss": 0.25,
        "val_loss": 0.5,
        "best": False,
        "lr": 1e-3,
        "grad_norm": 0.1,
        "seconds": 1.5,
        "epochs": 12,
    }
    return EpochEnded(epoch=number, step=10 * number, **values | changes)


def test_events_as_lines():
    assert describe_event(WarningRaised(finding=Finding(rule="D516", text="w"))) == "warning[D516]: w"
    assert describe_event(Note(text="n")) == "n"
    line = "anchored epoch  3/12  train loss 0.2500  val MASE 0.5000       lr 1.0e-03    1.5 s"
    assert describe_event(epoch(3)) == line
    assert describe_event(epoch(0, train_loss=None, best=True)).startswith(
        "anchored epoch  0/12  train loss      -  val MASE 0.5000 best"
    )
    assert describe_event(epoch(3, part="free", val_loss=None)) == (
        "free     epoch  3/12  train loss 0.2500  val MASE      -       lr 1.0e-03    1.5 s"
    )
    started = TrainingStarted(model="segment", parameters=1234, windows=5678, epochs=9, steps_per_epoch=330)
    assert (
        describe_event(started)
        == "training segment: 1,234 parameters, 5,678 windows, at most 9 epochs of 330 steps"
    )


def test_an_epoch_has_both_losses_and_the_time_left():
    """Three epochs took 1.5 s, so the other nine take 4.5 s at most."""
    full = "anchored epoch  3/12  train loss 0.2500  val MASE 0.5000       lr 1.0e-03    1.5 s"
    assert describe_event(epoch(3), with_left=True) == f"{full}, at most 0:05 left"
    assert describe_event(epoch(3), 84, with_left=True) == full
    without_lr = "anchored epoch  3/12 train loss 0.2500 val MASE 0.5000        1.5 s"
    assert describe_event(epoch(3), 70, with_left=True) == without_lr
    narrow = "anchored  3/12 loss 0.2500 val MASE 0.5000        1.5 s"
    assert describe_event(epoch(3), 60, with_left=True) == narrow
    assert seconds_left(epoch(3)) == 4.5
    assert event_fields(epoch(3))["seconds_left_at_most"] == 4.5
    assert [seconds_left(epoch(number)) for number in (0, 12)] == [None, None]


def test_the_validation_of_a_stacked_model_is_its_loss():
    """`stacked` validates with its training loss, the networks of `segment` with MASE."""
    assert "train loss 0.2500  val loss 0.5000" in describe_event(epoch(3, part="stacked"))


def test_progress_as_a_line():
    assert describe_progress(Progressed(stage="reading", done=1200, total=4000, unit="bytes")) == (
        "reading: 1,200 of 4,000 bytes (30 %)"
    )
    assert describe_progress(Progressed(stage="reading", done=1200)) == "reading: 1,200"
    assert describe_progress(Progressed(stage="reading", done=0, total=0)) == "reading"


class FakeClock:
    """Fake clock that replaces the thread of a log, and sends events at given seconds."""

    def __init__(self, events, end):
        self.now, self.end = 0, end
        self.events = list(events)  # (second, event)
        self.log = None

    def wait(self, seconds):
        """Advance the clock by `seconds`, send the events, and return whether the end is reached."""
        until = self.now + seconds
        while self.events and self.events[0][0] <= min(until, self.end):
            self.now, event = self.events.pop(0)
            self.log(event)
        self.now = min(until, self.end)
        return until > self.end

    def start(self):
        """Do nothing, because the test calls the thread function."""

    set = join = start


def log_of(monkeypatch, events, *, silence, end):
    """Return the lines of a log for events (second, event), closed at the second `end`."""
    clock = FakeClock(events, end)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(reporters, "monotonic", lambda: clock.now)
    monkeypatch.setattr(threading, "Thread", lambda target, daemon: setattr(clock, "pulse", target) or clock)
    monkeypatch.setattr(threading, "Event", lambda: clock)
    clock.log = LogReporter(max_silence=silence)
    clock.pulse()
    clock.log.close()
    return untimed(sys.stderr.getvalue()).splitlines()


def test_frequent_progress_writes_no_line(monkeypatch):
    events = [(0, Progressed(stage="reading", done=n)) for n in range(1000)]
    assert log_of(monkeypatch, events, silence=9, end=8) == []


def test_a_long_silence_prints_the_last_state(monkeypatch):
    lines = log_of(monkeypatch, [(0, Progressed(stage="reading", done=5, total=10))], silence=10, end=35)
    assert lines == [f"reading: 5 of 10 (50 %), {seconds} s" for seconds in (10, 20, 30)]


def test_a_long_silence_without_events_prints_a_line(monkeypatch):
    assert log_of(monkeypatch, [], silence=10, end=15) == ["still working, 10 s"]


def test_the_thread_prints_a_line_after_a_long_silence(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    log = LogReporter(max_silence=0.01)
    deadline = time.monotonic() + 1200
    while not sys.stderr.getvalue():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    log.close()
    assert untimed(sys.stderr.getvalue()).startswith("still working, ")


def test_each_line_restarts_the_silence_timer(monkeypatch):
    lines = log_of(monkeypatch, [(8 * n, epoch(n)) for n in range(1, 6)], silence=10, end=49)
    assert len(lines) == 5


def test_control_characters_are_escaped(monkeypatch):
    lines = log_of(
        monkeypatch, [(0, WarningRaised(finding=Finding(rule="D516", text="a\x1b[2Jb\nc")))], silence=9, end=0
    )
    assert lines == ["warning[D516]: a\\x1b[2Jb c"]


def test_a_long_silence_prints_the_part_in_training(monkeypatch):
    lines = log_of(monkeypatch, [(0, epoch(3, part="free"))], silence=10, end=15)
    assert lines[1:] == ["free epoch 4/12 running, 10 s"]
