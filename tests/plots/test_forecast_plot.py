"""Tests of the forecast plot: content, reproducibility, and unusual names and lengths."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PIL import Image
from png_pixels import count_pixels, pixels

from lstm_cli.plots.forecast import Band, Panel, draw_forecast
from lstm_cli.plots.style import BASELINE, FORECAST, TRUTH


def _panel(*, title: str = "load", history: int = 48, horizon: int = 24, dates: bool = True) -> Panel:
    rows = np.arange(history + horizon)
    wave = np.sin(rows * 2 * np.pi / 24)
    ahead = wave[history:]
    return Panel(
        title=title,
        target="load",
        time_name="date",
        times=np.datetime64("2024-02-28T00", "s") + rows * np.timedelta64(3600, "s") if dates else rows,
        history=wave[:history],
        truth=ahead + 0.2,
        forecast=ahead - 0.3,
        baseline=ahead + 0.6,
        baseline_name="seasonal naive",
    )


_drawn = partial(count_pixels, min_row=60)


@pytest.mark.parametrize("dates", [True, False])
def test_forecast_and_baseline_are_drawn(dates: bool) -> None:
    png = draw_forecast([_panel(dates=dates)])
    assert _drawn(png, FORECAST) > 100
    assert _drawn(png, BASELINE) > 100


def _with_bands(panel: Panel, levels: tuple[int, ...] = (95, 80)) -> Panel:
    bands = [
        Band(name=f"{level} % interval", low=panel.forecast - level / 95, high=panel.forecast + level / 95)
        for level in levels
    ]
    return replace(panel, bands=bands)


def test_intervals_are_drawn_in_a_faint_color_only_if_given() -> None:
    panel = _panel()
    plain, banded = (pixels(draw_forecast([each])) for each in (panel, _with_bands(panel)))
    reddish = [int((image[60:, :, 0] - image[60:, :, 1] > 10).sum()) for image in (plain, banded)]
    assert reddish[1] > 4 * reddish[0] + 1000
    # The lines stay visible.
    assert _drawn(draw_forecast([_with_bands(panel)]), FORECAST) > 100


def test_all_intervals_are_drawn() -> None:
    five = _with_bands(_panel(), (95, 80, 60, 40, 20))
    images = [pixels(draw_forecast([replace(five, bands=five.bands[first:])]))[60:] for first in range(5)]
    reddish = [int((image[:, :, 0] - image[:, :, 1] > 10).sum()) for image in images]
    assert reddish == sorted(reddish, reverse=True)
    assert len(set(reddish)) == 5


def test_a_long_horizon_shows_the_forecast_and_the_measured_values_where_they_agree() -> None:
    panel = _panel(history=84, horizon=168)
    same = replace(panel, truth=panel.forecast, baseline=None)
    for panels in ([same], [same] * 4):
        png = draw_forecast(panels)
        assert _drawn(png, FORECAST) > 200 * len(panels)
        ahead = pixels(png)[60:, 400:]
        dark = np.abs(ahead - [int(TRUTH[start : start + 2], 16) for start in (1, 3, 5)]).max(axis=2) < 60
        assert dark.sum() > 150 * len(panels)


def test_sample_paths_and_quantiles_are_drawn() -> None:
    panel = replace(_panel(), truth=None, baseline=None)
    lines = panel.forecast + np.linspace(-1, 1, 30)[:, None]
    plain = pixels(draw_forecast([panel]))
    for name in ("paths", "quantiles"):
        for each in (lines, lines[:, :1]):
            cut = each.shape[1]
            one = replace(panel, times=panel.times[: 48 + cut], forecast=panel.forecast[:cut])
            image = pixels(draw_forecast([replace(one, **{name: each, "quantiles_name": "quantiles"})]))
            assert image.shape == plain.shape
            assert not np.array_equal(image, pixels(draw_forecast([one])))


@pytest.mark.parametrize("format", ["svg", "pdf"])
def test_other_formats_are_reproducible(format: str) -> None:
    panels = [_with_bands(_panel())]
    file = draw_forecast(panels, title="12 of 1,000 series", format=format)
    assert file == draw_forecast(panels, title="12 of 1,000 series", format=format)
    assert file.lstrip().startswith({"svg": b"<?xml", "pdf": b"%PDF"}[format])
    assert b"Date" not in file


def test_the_intervals_of_one_step_are_visible() -> None:
    panel = _panel(horizon=1)
    assert not np.array_equal(pixels(draw_forecast([panel])), pixels(draw_forecast([_with_bands(panel)])))


def test_a_horizon_of_one_step_is_visible() -> None:
    png = draw_forecast([_panel(horizon=1)])
    assert _drawn(png, FORECAST) > 10
    assert _drawn(png, BASELINE) > 10


def test_the_same_panels_give_the_same_bytes_without_a_date_or_program() -> None:
    panels = [_panel(), _panel(title="other", dates=False)]
    png = draw_forecast(panels)
    assert png == draw_forecast(panels)
    assert b"Software" not in png
    assert b"matplotlib" not in png
    assert not {"Software", "Creation Time"} & set(Image.open(io.BytesIO(png)).info)


@pytest.mark.parametrize(("count", "columns"), [(2, 2), (3, 2), (5, 3), (12, 3)])
def test_a_position_without_a_panel_is_white(count: int, columns: int) -> None:
    image = pixels(draw_forecast([_panel() for _ in range(count)]))
    height, width = image.shape[:2]
    rows = -(-count // columns)
    corner = image[height - height // (2 * rows) :, width - width // columns + 20 :]
    assert bool((corner == 255).all()) == bool(count % columns)


@pytest.mark.parametrize("title", ["cost $x^$ in $", "温度 ☃", "a name " * 40, "", r"\frac{", "a_b^c & <d>"])
def test_any_name_works_as_a_title(title: str, recwarn) -> None:
    assert _drawn(draw_forecast([_panel(title=title)]), FORECAST) > 100
    assert not list(recwarn)


def test_values_that_were_not_measured_leave_a_gap(recwarn) -> None:
    panel = _panel()
    panel.truth[:] = np.nan
    panel.history[3:9] = np.nan
    assert _drawn(draw_forecast([panel]), FORECAST) > 100
    assert not list(recwarn)


def test_an_unwritable_home_folder_gives_no_warning(tmp_path) -> None:
    program = (
        "import numpy as np\n"
        "from lstm_cli.plots.forecast import Panel, draw_forecast\n"
        "one = np.zeros(1)\n"
        "draw_forecast([Panel(title='', target='', time_name='', times=np.arange(2), history=one, truth=one,"
        " forecast=one, baseline=one,"
        " baseline_name='naive')])\n"
        "import sys\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    home = tmp_path / "nothing-here"  # not even root can make a folder below a file
    home.write_text("")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MPL", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
