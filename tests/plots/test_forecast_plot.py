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

from lstm_cli.plots.forecast import Panel, draw_forecast
from lstm_cli.plots.style import BASELINE, FORECAST


def _panel(*, title: str = "load", history: int = 48, horizon: int = 24, dates: bool = True) -> Panel:
    rows = np.arange(history + horizon)
    wave = np.sin(rows * 2 * np.pi / 24)
    ahead = wave[history:]
    return Panel(
        title=title,
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


def test_intervals_are_drawn_in_a_faint_color_only_if_given() -> None:
    panel = _panel()
    ends = np.stack([panel.forecast + side for side in (-0.5, 0.5, -1.0, 1.0)])
    plain, banded = (pixels(draw_forecast([each])) for each in (panel, replace(panel, interval_ends=ends)))
    reddish = [int((image[60:, :, 0] - image[60:, :, 1] > 10).sum()) for image in (plain, banded)]
    assert reddish[1] > 5 * reddish[0] + 1000
    assert (
        _drawn(draw_forecast([replace(panel, interval_ends=ends)]), FORECAST) > 100
    )  # the line stays visible


def test_the_intervals_of_one_step_are_visible() -> None:
    panel = _panel(horizon=1)
    ends = np.stack([panel.forecast + side for side in (-0.5, 0.5, -1.0, 1.0)])
    assert not np.array_equal(
        pixels(draw_forecast([panel])), pixels(draw_forecast([replace(panel, interval_ends=ends)]))
    )


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


@pytest.mark.parametrize("count", [2, 3, 5, 6])
def test_a_position_without_a_panel_is_white(count: int) -> None:
    image = pixels(draw_forecast([_panel() for _ in range(count)]))
    height, width = image.shape[:2]
    corner = image[height - height // (2 * -(-count // 2)) :, width // 2 + 20 :]
    assert bool((corner == 255).all()) == bool(count % 2)


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
        "draw_forecast([Panel(title='', times=np.arange(2), history=one, truth=one, forecast=one, baseline=one,"
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
