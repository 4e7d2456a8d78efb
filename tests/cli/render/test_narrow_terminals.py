"""Tests of narrow terminals, where no number may be cut."""

import re
from functools import partial
from types import SimpleNamespace

import fake_steps
import pytest

from lstm_cli.cli import stdio
from lstm_cli.cli.render import check as checking
from lstm_cli.cli.render import evaluate as evaluation
from lstm_cli.cli.render.classify import classification_table
from lstm_cli.cli.render.page import Page
from lstm_cli.cli.render.prepare import prepare_table
from lstm_cli.cli.render.quantize import quantize_table
from lstm_cli.cli.render.runs import runs_page
from lstm_cli.cli.render.score import score_table
from lstm_cli.cli.render.tune import tune_table
from lstm_cli.evaluation.score_text import format_number
from lstm_cli.events import EpochEnded, describe_event

WIDTHS = (60, 80, 200)
METRICS = {"accuracy": 0.9, "macro_f1": 0.9, "log_loss": 0.25, "calibration_error": 0.1}


def classified_report():
    return SimpleNamespace(
        run="runs/gestures",
        precision="fp32",
        sequences=1_200,
        split="test",
        metrics=METRICS,
        baselines={"majority": METRICS | {"accuracy": 0.5, "log_loss": 0.7}, "simple": METRICS},
        intervals={name: [0.1, 0.2] for name in ("accuracy", "macro_f1", "log_loss")},
        comparisons={name: {"difference": 0.0, "interval": [-0.01, 0.01]} for name in ("majority", "simple")},
        per_class=[
            {"class": f"class {number}", "sequences": 100, "precision": 0.5, "recall": 0.5, "f1": 0.5}
            for number in range(12)
        ],
        classes=[f"class {number}" for number in range(12)],
        confusion=[[100] * 12] * 12,
        gates=[],
        picture="confusion.png",
        plot=None,
        output=None,
    )


PAGES = {
    "check": (checking.check_table, fake_steps.check_report),
    "prepare": (prepare_table, fake_steps.prepare_report),
    "evaluate": (evaluation.evaluate_table, fake_steps.evaluate_report),
    "evaluate a classifier": (classification_table, classified_report),
    "tune": (tune_table, fake_steps.tune_report),
    "quantize": (quantize_table, fake_steps.quantize_report),
    "runs": (runs_page, fake_steps.runs_report),
    "runs, a list": (runs_page, partial(fake_steps.runs_report, names=("load", "load-28"))),
    "score": (score_table, fake_steps.score_report),
}


@pytest.fixture
def page_of(monkeypatch):
    """Return a function that draws a report for a terminal of a given width."""

    def draw_page(verb, columns):
        monkeypatch.setattr("lstm_cli.cli.render.page.is_interactive", lambda stream: True)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", str(columns))
        page, (draw, report) = Page(), PAGES[verb]
        draw(report(), page)
        return re.sub(r"\x1b\[[\d;]*m", "", page.text())

    return draw_page


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("verb", PAGES)
def test_no_line_is_wider_than_the_terminal_and_no_cell_is_cut(page_of, verb, columns):
    page = page_of(verb, columns)
    assert max(map(len, page.splitlines())) <= columns
    assert "…" not in page


def words(page):
    return sorted(re.findall(r"[\w.%,]+", re.sub(r"─+", "", page)))


@pytest.mark.parametrize("verb", PAGES)
def test_a_narrow_page_has_all_words_of_a_wide_page(page_of, verb):
    wide, narrow = words(page_of(verb, 200)), words(page_of(verb, 60))
    missing = [word for word in set(wide) if narrow.count(word) < wide.count(word)]
    assert missing == []


def test_columns_that_do_not_fit_follow_in_a_second_table(page_of):
    page, report = page_of("evaluate", 60), fake_steps.evaluate_report()
    blocks = [block for block in page.split("\n\n") if block.startswith("forecast")]
    assert len(blocks) > 1
    assert "MAE " in blocks[0]
    assert all(re.search(r"^seasonal naive \(168\) ", block, re.M) for block in blocks)
    (scaled,) = (block for block in blocks if "MAE scaled" in block.splitlines()[0])
    assert format_number(report.metrics["mae_scaled"]) in scaled


def test_text_wraps_between_words_but_not_inside_a_path():
    text = "a longer sentence with an interval of 90 % and a/path/that/is/longer/than/the/line"
    lines = stdio.wrap_line(text, 41).splitlines()
    assert lines == [
        "a longer sentence with an interval of",
        "    90 % and",
        "    a/path/that/is/longer/than/the/line",
    ]
    assert stdio.wrap_line("short", 30) == "short"


def test_a_hint_is_not_wrapped(monkeypatch, capsys):
    monkeypatch.setattr(stdio, "is_terminal", lambda stream: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "30")
    stdio.configure_stderr(quiet=False, log_format="text")
    stdio.print_line("warning", "warning: " + "word " * 10)
    stdio.print_line("hint", "hint: lstm train runs/load --log-transform off --epochs 20")
    *warning, hint = capsys.readouterr().err.splitlines()
    assert len(warning) > 1
    assert max(map(len, warning)) <= 30
    assert hint == "hint: lstm train runs/load --log-transform off --epochs 20"


def test_a_terminal_without_colors_wraps_too(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("lstm_cli.cli.render.page.is_terminal", lambda stream: True)
    page = Page()
    evaluation.evaluate_table(fake_steps.evaluate_report(), page)
    assert "\x1b" not in page.text()
    assert max(map(len, page.text().splitlines())) <= 60


@pytest.mark.parametrize("columns", [60, 80])
def test_epoch_line_fits_the_terminal(columns):
    event = EpochEnded(
        part="anchored",
        epoch=9,
        epochs=11,
        step=9,
        train_loss=0.1546,
        val_loss=0.4494,
        best=True,
        lr=1e-3,
        grad_norm=None,
        seconds=100.8,
    )
    line = describe_event(event, columns)
    assert len(line) <= columns
    assert all(figure in line for figure in (" 9/11", "0.1546", "0.4494", "best", "100.8 s"))


@pytest.mark.parametrize(("columns", "expected"), [("", 80), ("0", 80), ("x", 80), ("61", 61)])
def test_terminal_width(monkeypatch, tmp_path, columns, expected):
    monkeypatch.setenv("COLUMNS", columns)
    with (tmp_path / "log").open("w") as log:
        assert stdio.terminal_width(log) == expected


def test_every_best_score_of_a_classifier_is_marked(page_of):
    lines = {
        line.split("  ")[0]: line.count(" *") for line in page_of("evaluate a classifier", 80).splitlines()
    }
    assert [lines[name] for name in ("model", "majority class", "simple model")] == [3, 1, 3]
    assert "* best" in lines
