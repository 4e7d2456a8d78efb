"""Tests of the plot of a learning rate range test."""

from dataclasses import replace

import numpy as np
from png_pixels import count_pixels, pixels

from lstm_cli.plots.lr_range_test import RateCurve, draw_range_test
from lstm_cli.plots.style import FORECAST, TRUTH

LR = np.geomspace(1e-6, 10, 200)
LOSS = 0.9 - 0.5 / (1 + np.exp(-2 * (np.log10(LR) + 3))) + 50 * np.clip(LR - 0.3, 0, None)
CURVE = RateCurve(
    title="free, 50 % of $", lr=LR, loss=LOSS + 0.02 * np.sin(40 * LR), smoothed=LOSS, suggestion=3e-3
)


def test_the_curve_and_the_suggestion_are_drawn() -> None:
    png = draw_range_test([CURVE])
    assert (
        count_pixels(png, TRUTH, min_row=40) > 200
    )  # even if the last loss is hundreds of times the first one
    assert count_pixels(png, FORECAST, min_row=40) > 50
    assert count_pixels(draw_range_test([replace(CURVE, suggestion=None)]), FORECAST, min_row=40) == 0


def test_the_same_curves_give_the_same_bytes_and_each_has_a_panel() -> None:
    item, two = draw_range_test([CURVE]), draw_range_test([CURVE, CURVE])
    assert item == draw_range_test([CURVE])
    assert pixels(two).shape[1] > 1.5 * pixels(item).shape[1]
    assert b"Software" not in item
