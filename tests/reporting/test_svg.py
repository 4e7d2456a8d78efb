"""Tests of the static charts: coordinates computed by hand, and what a short line must not hide."""

import re

import numpy as np

from lstm_cli.reporting.svg import Frame, band, bars, chart, frame, line, thin

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


def test_labels_that_would_touch_are_left_out() -> None:
    texts = [(0.0, "24 Jun 2022"), (1.0, "25 Jun"), (9.9, "8 Jul")]
    drawn = chart(
        PLACE, "chart <b>", texts, line(PLACE, np.array([0.0, 10.0]), np.array([1.0, 2.0]), "model")
    )
    assert re.findall(r'class="x-label"[^>]*>([^<]*)<', drawn.text) == ["24 Jun 2022", "8 Jul"]
    assert 'aria-label="chart &lt;b&gt;"' in drawn.text
    assert "NaN" not in drawn.text
    assert "nan" not in drawn.text
