import numpy as np
import pytest

from lstm_cli.plots.search import SettingPanel, draw_search


def panels(count: int = 2) -> list[SettingPanel]:
    numbers = SettingPanel(title="lr: 40 % of the variance", values=[1e-4, 1e-3, 1e-2], log=True)
    words = SettingPanel(title="loss $x", values=["mae", "huber", "mae"], log=False, order=["mae", "huber"])
    return [numbers, words, *[numbers] * (count - 2)]


@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_plot_is_a_png_with_the_same_bytes_each_time(count: int) -> None:
    first = draw_search(panels(count), [0.5, 0.4, 0.6], metric="mase")
    assert first.startswith(b"\x89PNG")
    assert first == draw_search(panels(count), [0.5, 0.4, 0.6], metric="mase")


def test_the_best_trial_is_marked() -> None:
    """Two searches with the same scores in another order give different plots."""
    item = draw_search(panels(), [0.5, 0.4, 0.6], metric="mase")
    other = draw_search(panels(), [0.4, 0.5, 0.6], metric="mase")
    assert item != other
    assert len(set(np.frombuffer(item[:24], np.uint8))) > 1
