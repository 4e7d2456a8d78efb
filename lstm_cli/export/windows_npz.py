"""The windows themselves as one `.npz` file, for programs that train models of their own.

It is written as the windows are gathered, some hundred at a time: memory does not grow with their number.
"""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

from lstm_cli.data.dataset.dataset import Schema
from lstm_cli.data.dataset.windows import Windows

BATCH_WINDOWS = 512  # windows at a time


@dataclass(frozen=True, kw_only=True)
class WindowArray:
    """One array of the file, whose first axis is the windows'."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    meaning: str
    pieces: Callable[[], Iterator[np.ndarray]]  # the array, cut along its first axis

    @property
    def size(self) -> int:
        """Bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


def window_arrays(splits: Mapping[str, Windows]) -> list[WindowArray]:
    """The arrays of each split, by the split's name: X_train, y_train, mask_train and so on."""
    return [array for split, windows in splits.items() for array in _of_split(split, windows)]


def write_windows(
    stream: BinaryIO, arrays: list[WindowArray], *, progress: Callable[[int], None] = lambda done: None
) -> None:
    """Writes the file; `progress` gets the bytes written so far. Equal windows give equal bytes."""
    done = 0
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for array in arrays:
            header = {
                "descr": np.lib.format.dtype_to_descr(array.dtype),
                "fortran_order": False,
                "shape": array.shape,
            }
            with archive.open(zipfile.ZipInfo(f"{array.name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array_header_1_0(entry, header)
                for piece in array.pieces():
                    data = piece.tobytes()
                    entry.write(data)
                    done += len(data)
                    progress(done)


def _of_split(split: str, windows: Windows) -> list[WindowArray]:
    # What lies ahead is gathered without what lies behind, which is most of the work.
    ahead = replace(windows, lookback=1)
    found = [
        _gathered(f"X_{split}", windows, "past", "the inputs, oldest step first; scaled"),
        _gathered(f"y_{split}", ahead, "target", "the targets; scaled"),
        _gathered(f"mask_{split}", windows, "mask", "1 for a step of the series, 0 for padding"),
        _gathered(f"measured_{split}", ahead, "observed", "which of y was measured, not filled"),
    ]
    if windows.dataset.schema.known_ahead:
        meaning = "what is known of the steps ahead; scaled"
        found.append(_gathered(f"future_{split}", ahead, "future", meaning))
    return [*found, *_labels(split, windows)]


def _gathered(name: str, windows: Windows, part: str, meaning: str) -> WindowArray:
    """One part of all the windows; `part` is a field of Batch."""
    none: np.ndarray = getattr(windows[:0], part)
    return WindowArray(
        name=name,
        shape=(len(windows), *none.shape[1:]),
        dtype=none.dtype,
        meaning=meaning,
        pieces=lambda: (getattr(batch, part) for batch in windows.batches(BATCH_WINDOWS)),
    )


def _labels(split: str, windows: Windows) -> list[WindowArray]:
    """Of each window its series, and the time of its first target."""
    table, schema = windows.dataset.series, windows.dataset.schema
    rows = windows.origins - table.offset[windows.series]
    times = schema.step.times(rows, table.origin_us[windows.series])

    def label(name: str, values: np.ndarray, meaning: str) -> WindowArray:
        return WindowArray(
            name=f"{name}_{split}",
            shape=values.shape,
            dtype=values.dtype,
            meaning=meaning,
            pieces=lambda: iter((values,)),
        )

    return [
        label("series", windows.series, "the place of the window's series in the list of series"),
        label(
            "time", _times(schema, times), "the time of the first of y; its row from 1 without a time column"
        ),
    ]


def _times(schema: Schema, times_us: np.ndarray) -> np.ndarray:
    return times_us + 1 if schema.time_name is None else times_us.astype("datetime64[us]")
