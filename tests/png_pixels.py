"""The pixels of a PNG, for tests of pictures."""

import io

import numpy as np
from PIL import Image


def pixels(png: bytes) -> np.ndarray:
    """[height, width, 3], from 0 to 255."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def count_pixels(png: bytes, color: str, *, min_row: int) -> int:
    """How many pixels below so many rows, where the legend is, have about this colour."""
    wanted = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)])
    return int((np.abs(pixels(png)[min_row:] - wanted).max(axis=2) < 12).sum())
