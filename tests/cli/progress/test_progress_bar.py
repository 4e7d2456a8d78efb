"""Tests of the progress bar in a terminal: both losses and the time left, and no number is cut."""

import io
import re
import sys

import pytest
from rich.console import Console
from test_reporters import epoch

from lstm_cli.cli.progress import progress_bar
from lstm_cli.cli.progress.progress_bar import ProgressBar, current_time_left, losses_text
from lstm_cli.events import REFIT, Progressed, TrainingStarted


def make_terminal(monkeypatch):
    stream = io.StringIO()
    stream.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress_bar, "monotonic", lambda: 100.0)
    return stream


def bar_lines(monkeypatch, width, *events):
    """Return the lines of the bars in a terminal of this width."""
    make_terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", str(width))
    bar = ProgressBar()
    for event in events:
        bar(event)
    drawn = io.StringIO()
    Console(file=drawn, width=width).print(bar._bar.get_renderable())
    bar.close()
    return [line.rstrip() for line in drawn.getvalue().splitlines() if line.strip()]


def started(part, epochs=12):
    return TrainingStarted(model=part, parameters=1, windows=2, epochs=epochs, steps_per_epoch=10)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("epochs", [12, 1200])
def test_no_number_is_cut(monkeypatch, width, epochs):
    losses = {"train_loss": 12345.678, "val_loss": 0.5, "seconds": 4000.0}
    lines = bar_lines(
        monkeypatch,
        width,
        *(started(part, epochs) for part in ("anchored", "free")),
        *(epoch(3, part=part, epochs=epochs, **losses) for part in ("anchored", "free")),
    )
    assert len(lines) == 2
    for line in lines:
        assert len(line) <= width
        assert "…" not in line
        assert f"3/{epochs}" in line
        for number in ("12345.6780", "0.5000", *re.findall(r"\d+:\d\d:\d\d(?= left)", line)):
            assert number in line or "train" not in line.replace("training", "")


def test_a_network_has_both_losses_and_the_time_left(monkeypatch):
    for width, expected in (
        (70, "anchored   3/12  train loss 0.2500 val MASE 0.5000 at most 0:36 left"),
        (44, "anchored   3/12  at most 0:36 left"),
    ):
        lines = bar_lines(monkeypatch, width, started("anchored"), epoch(3, seconds=12.0))
        assert [" ".join(line.split()) for line in lines] == [" ".join(expected.split())]
    (line,) = bar_lines(monkeypatch, 110, started("anchored"), epoch(3, seconds=12.0))
    assert re.fullmatch(
        r"training anchored [━╸╺]+\s+3/12 0:00:00 train loss 0\.2500 val MASE 0\.5000 at most 0:36 left", line
    )


def test_a_loss_that_is_not_known_is_left_out():
    assert losses_text(epoch(0, train_loss=None)) == "val MASE 0.5000"
    assert losses_text(epoch(3, val_loss=None)) == "train loss 0.2500"


def test_the_time_left_counts_down_to_the_end_of_the_running_epoch():
    """Epochs of 4 s: 3 of 12 are done, so 36 s are left at most."""
    now = epoch(3, seconds=12.0)
    assert [current_time_left(now, since) for since in (0, 1.5, 4, 60)] == [
        f"at most 0:{seconds} left" for seconds in ("36", "35", "32", "32")
    ]
    assert current_time_left(epoch(0, train_loss=None), 5) == ""
    assert current_time_left(epoch(12), 5) == ""


def test_parallel_networks_have_one_bar_each_until_the_next_stage(monkeypatch):
    terminal = make_terminal(monkeypatch)
    bar = ProgressBar()
    for part in ("anchored", "free"):
        bar(started(part))
    bar(epoch(3, part="anchored"))
    bar(epoch(5, part="free"))
    moving = {task.description: task.completed for task in bar._bar.tasks}
    assert moving == {"training anchored": 3, "training free": 5}
    bar(Progressed(stage=REFIT, done=0, total=2))
    assert [task.description for task in bar._bar.tasks] == ["training anchored", "training free", REFIT]
    bar(Progressed(stage="exporting", done=0))
    assert [task.description for task in bar._bar.tasks] == ["exporting"]
    bar.close()
    assert "free     epoch  5/12" in terminal.getvalue()
