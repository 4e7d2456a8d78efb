"""Tests of the plot of `lstm check`: position of its parts, and unusual data."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lstm_cli.plots.check import (
    GAP,
    MISSING,
    RANGE,
    Correlation,
    MissingStrip,
    SeriesLine,
    draw_check,
    row_buckets,
)
from lstm_cli.plots.style import BASELINE, FORECAST, TRUTH

LEGEND, LINE = 40, 210  # height in pixels of the legend and of a panel with a line
NONE = np.zeros(0, dtype=np.int64)


def line(rows: int = 400, *, title: str = "load", dates: bool = True) -> SeriesLine:
    row = np.arange(rows)
    return SeriesLine(
        title=title,
        times=np.datetime64("2024-02-28T00", "us") + row * np.timedelta64(3600, "s") if dates else row + 1,
        values=np.sin(row * 2 * np.pi / 24),
        gaps=np.zeros(rows, dtype=bool),
        outliers=NONE,
    )


def correlation(lags: int = 50) -> Correlation:
    values = np.cos(np.arange(1, lags + 1) * 2 * np.pi / 24)
    return Correlation(title="autocorrelation", values=values, raw=None, noise_limit=0.1, seasons=(24,))


def pixels(png: bytes) -> np.ndarray:
    """Return the pixels [height, width, 3] below the legend."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)[LEGEND:]


def find_color(image: np.ndarray, color: str, *, alpha: float = 1.0, within: int = 12) -> np.ndarray:
    """Return the columns that contain about this color, blended with white."""
    full = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)])
    expected = 255 - alpha * (255 - full)
    return np.flatnonzero((np.abs(image - expected).max(axis=2) < within).any(axis=0))


def test_the_size_depends_on_the_panels() -> None:
    sizes = [
        Image.open(io.BytesIO(draw_check([line()] * count, None, part))).size
        for count, part in ((1, None), (1, correlation()), (3, correlation()))
    ]
    assert [size[0] for size in sizes] == [1000] * 3
    heights = [size[1] for size in sizes]
    assert heights == [260, 490, 910]  # 0.5 for the legend, 2.1 a line, 2.3 the autocorrelation, in inches


@pytest.mark.parametrize("dates", [True, False])
def test_gaps_and_missing_values_are_marked_at_their_position(dates: bool) -> None:
    complete = line(dates=dates)
    assert len(find_color(pixels(draw_check([complete], None, None)), GAP, alpha=0.45)) == 0
    values, gaps = complete.values.copy(), complete.gaps.copy()
    values[100:120] = values[300] = np.nan
    gaps[100:120] = True
    image = pixels(draw_check([replace(complete, values=values, gaps=gaps)], None, None))
    orange, violet = (find_color(image, color, alpha=0.45) for color in (GAP, MISSING))
    # The panel spans about 4 % to 99 % of the width.
    assert 0.2 < orange.min() / 1000 < 0.33 < orange.max() / 1000 < 0.4
    assert 0.7 < violet.min() / 1000 <= violet.max() / 1000 < 0.8
    assert len(orange) > 3 * len(violet) > 0


def test_an_outlier_and_the_splits_are_marked() -> None:
    plain = pixels(draw_check([line()], None, None))
    assert len(find_color(plain, FORECAST)) == 0
    marked = pixels(
        draw_check([replace(line(), outliers=np.array([200]), split_rows=(300, 350))], None, None)
    )
    red = find_color(marked, FORECAST)
    assert 0.45 < red.mean() / 1000 < 0.6
    assert not np.array_equal(plain, pixels(draw_check([replace(line(), split_rows=(300, 350))], None, None)))


def test_the_season_is_marked_in_the_autocorrelation() -> None:
    image = pixels(draw_check([line()], None, correlation()))
    assert 0.4 < find_color(image[LINE:], FORECAST, within=40).mean() / 1000 < 0.6  # 24 of 50 lags
    assert len(find_color(image[LINE:], BASELINE)) > 80
    beyond = replace(correlation(), seasons=(24, 400), raw=correlation().values / 2)
    assert draw_check([line()], None, beyond)


def test_a_long_series_with_gaps_is_drawn_completely(recwarn: pytest.WarningsRecorder) -> None:
    long = line(200_000)
    values, gaps = long.values.copy(), np.zeros(200_000, dtype=bool)
    values[::7] = np.nan
    values[50_000:60_000] = np.nan
    gaps[50_000:60_000] = True
    values[150_000] = 9.0  # a triangle marks a value beyond the axis
    image = pixels(draw_check([replace(long, values=values, gaps=gaps)], None, None))
    marked = find_color(image[12:60, :780], FORECAST, within=40)  # to the left of the text that counts it
    assert 0.7 < marked.mean() / 1000 < 0.78
    assert not list(recwarn)


def test_one_spike_does_not_flatten_the_series() -> None:
    heights = []
    for spike in (1.0, 1e6):
        values = line().values.copy()
        values[150] = spike
        image = pixels(draw_check([replace(line(), values=values)], None, None))[:LINE, 450:]
        expected = [int(TRUTH[start : start + 2], 16) for start in (1, 3, 5)]
        rows = np.flatnonzero((np.abs(image - expected).max(axis=2) < 40).any(axis=1))
        heights.append(int(np.ptp(rows)))
    assert heights[1] > heights[0] / 3


def test_a_year_of_half_hours_is_no_block() -> None:
    """A mean line over buckets of whole seasons, in front of a lighter range."""
    year = line(17_520)
    noisy = year.values + np.random.default_rng(0).normal(0, 0.1, 17_520)
    image = pixels(draw_check([replace(year, values=noisy, season=24)], None, None))[:, 100:900]
    dark = (np.abs(image - [int(TRUTH[start : start + 2], 16) for start in (1, 3, 5)]).max(axis=2) < 40).sum()
    assert 400 < dark < 8_000  # of 128,000
    assert len(find_color(image, RANGE)) > 700


def test_the_buckets_have_mean_minimum_and_maximum() -> None:
    values = np.array([1.0, 3.0, np.nan, 8.0, np.nan, np.nan, 5.0])
    middle, mean, minimum, maximum = row_buckets(values, 2)
    np.testing.assert_array_equal(middle, [0, 2, 4, 6])
    np.testing.assert_array_equal(mean, [2.0, 8.0, np.nan, 5.0])
    np.testing.assert_array_equal(minimum, [1.0, 8.0, np.nan, 5.0])
    np.testing.assert_array_equal(maximum, [3.0, 8.0, np.nan, 5.0])


def test_the_strip_names_as_many_series_as_fit() -> None:
    heights = []
    for count in (4, 24, 300):
        strip = MissingStrip(
            total=count,
            names=[f"shop {number}" for number in range(count)],
            times=np.linspace(0, 400, 11),
            measured=np.ones((count, 10)),
        )
        image = pixels(draw_check([line(dates=False)], strip, None))
        heights.append(image.shape[0])
        letters = (
            (image[LINE:, 4:30] < 128).all(axis=2).any(axis=1)
        )  # the names begin here, the numbers do not
        names = np.diff(np.flatnonzero(letters)) > 2
        assert 1 + int(names.sum()) >= min(count, 20)
    assert heights[0] < heights[1] == heights[2]


def test_values_between_missing_values_are_drawn() -> None:
    values = np.full(400, np.nan)
    values[::2] = 1.0
    png = draw_check([replace(line(), values=values)], None, None)
    assert len(find_color(pixels(png), TRUTH)) > 50


@pytest.mark.parametrize(("series", "dates"), [(2, True), (40, False)])
def test_the_strip_shows_which_series_were_measured(series: int, dates: bool) -> None:
    measured = np.ones((series, 100))
    measured[0, 50:60] = 0
    measured[-1, :80] = np.nan
    edges = np.linspace(0, 400, 101)
    times = (
        np.datetime64("2024-02-28T00", "us") + (edges * 3600e6).astype("timedelta64[us]") if dates else edges
    )
    strip = MissingStrip(
        total=600, names=[f"shop {number}" for number in range(series)], times=times, measured=measured
    )
    image = pixels(draw_check([line(dates=dates)], strip, None))
    orange = find_color(image[LINE:], GAP)
    assert 0.45 < orange.min() / 1000 < orange.max() / 1000 < 0.68
    assert len(find_color(image[LINE:], BASELINE)) > 600


def test_the_same_data_give_the_same_bytes() -> None:
    png = draw_check([line()], None, correlation())
    assert png == draw_check([line()], None, correlation())
    assert b"matplotlib" not in png


def test_any_name_works_as_a_title(recwarn: pytest.WarningsRecorder) -> None:
    names = ["cost $x^$ in $", "温度 ☃", "a name " * 200, "", r"\frac{", "\x1b[31mred"]
    strip = MissingStrip(
        total=600, names=names, times=np.linspace(0, 400, 11), measured=np.ones((len(names), 10))
    )
    assert draw_check([line(title=name, dates=False) for name in names], strip, None)
    assert not list(recwarn)


def test_one_row_missing_values_and_huge_values_are_drawn(recwarn: pytest.WarningsRecorder) -> None:
    empty = replace(line(3), values=np.full(3, np.nan))
    immense = replace(line(3), values=np.array([-1.7e308, 1.7e308, np.nan]))
    assert draw_check([line(1), empty, immense], None, None)
    assert not list(recwarn)
