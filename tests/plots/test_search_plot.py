"""Tests of the plot of a search: importance, the best trial, and names that do not collide."""

import numpy as np
import pytest
from png_pixels import count_pixels, pixels

from lstm_cli.plots.search import SettingPanel, draw_search
from lstm_cli.plots.style import BASELINE, FORECAST


def panels(count: int = 2, *, share: float | None = 0.4) -> list[SettingPanel]:
    numbers = SettingPanel(title="lr", values=[1e-4, 1e-3, 1e-2], log=True, share=share)
    order = ["mae", "huber"]
    words = SettingPanel(title="loss $x", values=["mae", "huber", "mae"], log=False, order=order, share=share)
    return [numbers, words, *[numbers] * (count - 2)]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_the_plot_is_a_png_with_the_same_bytes_each_time(count: int) -> None:
    first = draw_search(panels(count)[:count], [0.5, 0.4, 0.6], metric="mase")
    assert first.startswith(b"\x89PNG")
    assert first == draw_search(panels(count)[:count], [0.5, 0.4, 0.6], metric="mase")


def test_the_best_trial_is_marked() -> None:
    """Two searches with the same scores in another order give different plots."""
    item = draw_search(panels(), [0.5, 0.4, 0.6], metric="mase")
    assert count_pixels(item, FORECAST, min_row=60) > 30
    assert item != draw_search(panels(), [0.4, 0.5, 0.6], metric="mase")


def test_the_importance_is_a_bar_as_long_as_the_share() -> None:
    lengths = []
    for share in (0.4, 0.2, None):
        one = SettingPanel(title="lr", values=[1e-4, 1e-3], log=True, share=share)
        other = SettingPanel(title="dropout", values=[0.1, 0.2], log=False, share=share and 0.4)
        image = pixels(draw_search([one, other], [0.5, 0.4], metric="mase"))
        expected = [int(BASELINE[start : start + 2], 16) for start in (1, 3, 5)]
        widths = (np.abs(image - expected).max(axis=2) < 12).sum(axis=1)
        lengths.append(sorted({int(width) for width in widths if width > 30}))
    (longest,), (half, other), unknown = lengths
    assert longest == other
    assert half == pytest.approx(longest / 2, abs=2)
    assert unknown == []


def test_long_names_of_choices_do_not_collide(recwarn: pytest.WarningsRecorder) -> None:
    """Turned names need more height than short ones side by side."""
    heights = []
    for names in (["a", "b"], ["linear+anchored", "linear+free", "linear+anchored+free", "anchored+free"]):
        values = [names[number % len(names)] for number in range(8)]
        panel = SettingPanel(title="parts", values=values, log=False, order=names, share=0.1)
        image = pixels(draw_search([panel], [0.1 * number for number in range(1, 9)], metric="mase"))
        dark = np.flatnonzero((image < 100).all(axis=2).any(axis=1))
        heights.append(int((dark > image.shape[0] - 60).sum()))
    assert not list(recwarn)
    assert heights[1] > heights[0] + 10
