"""Tests of the drawings in a terminal: width, colors, numbers and times."""

import re
from dataclasses import replace

import numpy as np
import pytest

from lstm_cli.plots.check import SeriesLine
from lstm_cli.plots.forecast import Band, Panel
from lstm_cli.plots.terminal import Terminal, draw_check_text, draw_forecast_text

PANEL = Panel(
    title="shop 1",
    target="sales",
    time_name="date",
    times=np.datetime64("2024-02-28T00", "us") + np.arange(72) * np.timedelta64(3600, "s"),
    history=np.sin(np.arange(48) / 4) + 20,
    forecast=np.sin(np.arange(48, 72) / 4) + 20.2,
    bands=[Band(name="80 % interval", low=np.full(24, 18.0), high=np.full(24, 22.0))],
)
LINE = SeriesLine(
    title="load",
    times=np.arange(400) + 1,
    values=np.sin(np.arange(400.0) / 9),
    gaps=np.zeros(400, dtype=bool),
    outliers=np.zeros(0, dtype=np.int64),
)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("colors", [True, False])
def test_no_line_is_wider_than_the_terminal(width: int, colors: bool) -> None:
    terminal = Terminal(width=width, colors=colors)
    long = replace(PANEL, title="a name " * 30)
    for text in (
        draw_forecast_text([PANEL, long], terminal, title="2 of 1,000 series"),
        draw_check_text([LINE, replace(LINE, values=LINE.values * 1e6)], terminal),
    ):
        plain = re.sub(r"\x1b\[\d+m", "", text)
        assert max(map(len, plain.splitlines())) <= width
        assert (plain != text) == (colors and ("forecast" in plain or "minimum" in plain))


def test_a_forecast_has_its_numbers_times_and_a_legend() -> None:
    text = draw_forecast_text([PANEL], Terminal(width=80, colors=False))
    lines = text.splitlines()
    assert lines[0] == "shop 1 · sales"
    assert [line.split(" │")[0] for line in (lines[1], lines[14])] == ["22.0", "18.0"]
    assert lines[-2].strip().startswith("2024-02-28 00:00  ")
    assert lines[-2].endswith("2024-03-01 23:00")
    assert lines[-1] == ". 80 % interval  ⠒⠒ measured  o forecast"
    body = [line.split("│", 1)[1] for line in lines[1:15]]
    first_forecast = min(line.index("o") for line in body if "o" in line)
    assert first_forecast / len(body[0]) == pytest.approx(48 / 71, abs=0.03)
    assert all(line.find("⠁") < first_forecast for line in body)


def test_measured_values_over_the_horizon_are_drawn() -> None:
    known = replace(PANEL, truth=np.full(24, 19.0), bands=())
    text = draw_forecast_text([known], Terminal(width=80, colors=False))
    assert text.count("o") > 20
    assert "interval" not in text
    last = [line.rstrip()[-1] for line in text.splitlines()[1:15]]
    assert any("\u2800" < cell <= "\u28ff" for cell in last)


def test_a_long_series_is_a_mean_between_minimum_and_maximum_and_a_spike_is_counted() -> None:
    values = np.tile(np.sin(np.arange(48) * np.pi / 24), 365)
    values[9000] = 1e6
    long = replace(LINE, values=values, times=np.arange(len(values)) + 1, season=48)
    lines = draw_check_text([long], Terminal(width=60, colors=False)).splitlines()
    assert lines[-1] == "1 value above this range, up to 1,000,000"
    assert re.fullmatch(r"\. minimum and maximum  ⠒⠒ mean of (\d+) rows", lines[-2])
    assert len(values) // int(re.findall(r"mean of (\d+)", lines[-2])[0]) <= 120


def test_missing_values_are_marked() -> None:
    values = LINE.values.copy()
    values[100:200] = np.nan
    text = draw_check_text([replace(LINE, values=values)], Terminal(width=80, colors=False))
    assert 15 < text.count("x") < 25  # a quarter of the columns, and the legend
    assert "x missing" in text


@pytest.mark.parametrize("values", [np.full(5, np.nan), np.full(5, 3.0), np.array([1e308, -1e308, 0, 0, 0])])
def test_unusual_values_are_drawn(values: np.ndarray, recwarn: pytest.WarningsRecorder) -> None:
    line = replace(LINE, values=values, times=np.arange(5), gaps=np.zeros(5, dtype=bool))
    assert draw_check_text([line], Terminal(width=60, colors=False))
    one = replace(
        PANEL, times=PANEL.times[:49], forecast=PANEL.forecast[:1], bands=(), history=np.full(48, np.nan)
    )
    assert draw_forecast_text([one], Terminal(width=60, colors=True))
    assert not list(recwarn)
