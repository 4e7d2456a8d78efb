"""Pixels of a PNG, for tests of plots."""

import io

import numpy as np
from PIL import Image


def pixels(png: bytes) -> np.ndarray:
    """Return the pixels [height, width, 3], from 0 to 255."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def count_pixels(png: bytes, color: str, *, min_row: int) -> int:
    """Return the number of pixels with about this color, from row `min_row` (below the legend) on."""
    expected = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)])
    return int((np.abs(pixels(png)[min_row:] - expected).max(axis=2) < 12).sum())
