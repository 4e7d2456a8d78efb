"""Tests of the static charts: coordinates computed by hand, and what a short line must not hide."""

import re

import numpy as np
import pytest

from lstm_cli.reporting.assets import asset
from lstm_cli.reporting.chart_data import joined_splits
from lstm_cli.reporting.svg import (
    LABEL_GAP,
    LEFT,
    LETTER,
    RIGHT,
    WIDE_LEFT,
    Frame,
    band,
    bars,
    chart,
    frame,
    labels_apart,
    line,
    side,
    thin,
    vertical,
)

PLACE = Frame(x=(0.0, 10.0), y=(0.0, 4.0), height=100)


def path(mark: object) -> str:
    found = re.search(r' d="([^"]*)"', mark.stretched.text)  # type: ignore[attr-defined]
    assert found is not None
    return found.group(1)


def test_a_line_has_the_coordinates_of_its_frame_and_breaks_at_missing_values() -> None:
    x, y = np.array([0.0, 2.0, 4.0, 5.0, 10.0]), np.array([0.0, 4.0, np.nan, 1.0, 2.0])
    assert path(line(PLACE, x, y, "model")) == "M0 100L200 0M500 75L1000 50"


def test_a_line_of_one_value_is_visible() -> None:
    assert path(line(PLACE, np.array([5.0]), np.array([2.0]), "model")) == "M500 50h.01"


def test_a_band_is_closed_and_leaves_out_missing_values() -> None:
    x = np.array([0.0, 5.0, 10.0])
    low, high = np.array([1.0, 1.0, np.nan]), np.array([2.0, 3.0, 4.0])
    assert path(band(PLACE, x, low, high, "band80")) == "M0 50L500 25L500 75L0 75Z"
    assert path(band(PLACE, x, np.full(3, np.nan), high, "band80")) == ""


def test_bars_stand_on_zero() -> None:
    text = bars(PLACE, np.array([0.0, 5.0, 10.0]), np.array([2, 0]), "model").stretched.text  # type: ignore[union-attr]
    assert text.count("<rect") == 1
    assert 'x="0.0" y="50.0" width="498.5" height="50.0"' in text


def test_a_thinned_line_keeps_every_spike() -> None:
    rng = np.random.default_rng(0)
    x, y = np.arange(50_000.0), rng.normal(size=50_000)
    y[[123, 40_001]] = 99.0, -99.0
    y[20_000:20_500] = np.nan
    thin_x, thin_y = thin(x, y, 1_000)
    assert len(thin_x) <= 1_000
    assert (np.diff(thin_x) > 0).all()
    assert {(123.0, 99.0), (40_001.0, -99.0)} <= set(zip(thin_x.tolist(), thin_y.tolist(), strict=True))
    assert np.isnan(thin_y).any()
    same = thin(x[:900], y[:900], 1_000)
    assert same[0] is not None
    np.testing.assert_array_equal(same[1], y[:900])


def test_a_frame_holds_all_known_values() -> None:
    place = frame([np.array([3.0, 9.0])], [np.array([np.nan, -2.0, 8.0])], 80)
    assert place.x == (3.0, 9.0)
    assert place.y[0] < -2 < 8 < place.y[1]
    empty = frame([np.zeros(0)], [np.array([np.nan])], 80, zero=True)
    assert np.isfinite([*empty.x, *empty.y]).all()
    constant = frame([np.array([1.0])], [np.array([5.0])], 80)
    assert constant.y[0] < 5 < constant.y[1]
    assert np.isfinite(constant.across(1.0))


@pytest.mark.parametrize(
    ("top", "room"), [(1.0, LEFT), (3_000.0, LEFT), (-900_000.0, WIDE_LEFT), (9e-4, WIDE_LEFT)]
)
def test_labels_of_the_y_axis_stand_left_of_the_marks(top: float, room: int) -> None:
    place = Frame(x=(0.0, 1.0), y=(min(top, 0.0), max(top, 0.0)), height=100)
    drawn = chart(place, "chart", [(0.5, "noon")]).text
    labels = re.findall(r'class="y-label" x="(-?\d+)" y="[^"]*" text-anchor="end">([^<]*)<', drawn)
    assert len(labels) >= 3
    assert side(text for _, text in labels) == room
    for right, text in labels:
        assert int(right) == -LABEL_GAP
        assert int(right) - LETTER * len(text) >= -room
    styles = {LEFT: "chart sided", WIDE_LEFT: "chart wide-sided"}
    assert f'class="{styles[room]}"' in drawn


def test_the_style_sheet_has_the_same_sides() -> None:
    css = asset("page.css")
    assert f"padding: 0 {RIGHT}px 0 {LEFT}px;" in css
    assert f".chart.wide-sided {{ padding-left: {WIDE_LEFT}px; }}" in css


def test_a_chart_without_labels_of_the_y_axis_needs_no_side() -> None:
    assert side([]) == 0
    assert 'class="chart bare"' in chart(PLACE, "chart", [], y_ticks=()).text


def test_labels_of_the_x_axis_are_centered_on_their_tick_marks_and_evenly_left_out() -> None:
    texts = [(float(day), f"{day} May") for day in range(11)]
    kept = labels_apart(PLACE, texts, 236, LEFT)
    assert [text for _, text in kept] == ["0 May", "2 May", "4 May", "6 May", "8 May", "10 May"]
    drawn = chart(PLACE, "chart", texts).text
    assert re.findall(r'class="x-label" x="([\d.]+)%" y="\d+" text-anchor="(\w+)"', drawn) == [
        (f"{10.0 * day:.2f}", "middle") for day in range(0, 11, 2)
    ]
    assert drawn.count('class="tick"') == 11
    assert labels_apart(PLACE, [(10.0, "10 May 2024")], 236, LEFT) == []  # it would leave the chart


def test_a_text_stands_on_the_side_of_its_line_that_has_room() -> None:
    near = vertical(PLACE, 7.0, "split", "validation", until=8.0).fixed
    last = vertical(PLACE, 8.0, "split", "test").fixed
    end = vertical(PLACE, 9.9, "split", "test").fixed
    anchors = [re.findall(r'text-anchor="(\w+)"', item.text) for item in (near, last, end)]  # type: ignore[union-attr]
    assert anchors == [["end"], ["start"], ["end"]]


def test_shaded_splits_leave_no_step_between_them() -> None:
    splits = (("training", 0.0, 5.0), ("validation", 6.0, 7.0), ("test", 8.0, 9.0))
    assert joined_splits(splits) == (("training", 0.0, 6.0), ("validation", 6.0, 8.0), ("test", 8.0, 9.0))
    assert joined_splits(()) == ()


def test_labels_that_would_touch_are_left_out() -> None:
    texts = [(0.0, "24 Jun 2022"), (1.0, "25 Jun"), (9.0, "8 Jul")]
    drawn = chart(
        PLACE, "chart <b>", texts, line(PLACE, np.array([0.0, 10.0]), np.array([1.0, 2.0]), "model")
    )
    assert re.findall(r'class="x-label"[^>]*>([^<]*)<', drawn.text) == ["24 Jun 2022", "8 Jul"]
    assert 'aria-label="chart &lt;b&gt;"' in drawn.text
    assert "NaN" not in drawn.text
    assert "nan" not in drawn.text
