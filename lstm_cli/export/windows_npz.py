"""Export of windows as an `.npz` file, for programs that train other models.

The file is written in batches of windows, so memory does not grow with their number.
"""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

from lstm_cli.data.dataset.dataset import Schema
from lstm_cli.data.dataset.windows import Windows

BATCH_WINDOWS = 512  # windows per batch


@dataclass(frozen=True, kw_only=True)
class WindowArray:
    """Array of the file; its first axis is the window."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    meaning: str
    pieces: Callable[[], Iterator[np.ndarray]]  # parts of the array along its first axis

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


def window_arrays(splits: Mapping[str, Windows]) -> list[WindowArray]:
    """Return the arrays of all splits, named after the split: X_train, y_train, mask_train and so on."""
    return [array for split, windows in splits.items() for array in _split_arrays(split, windows)]


def write_windows(
    stream: BinaryIO, arrays: list[WindowArray], *, progress: Callable[[int], None] = lambda done: None
) -> None:
    """Write the file. The same windows give the same bytes.

    Args:
        stream: Output file.
        arrays: Arrays to write.
        progress: Function that gets the number of bytes written so far.
    """
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


def _split_arrays(split: str, windows: Windows) -> list[WindowArray]:
    # A lookback of 1 avoids gathering past inputs, which is most of the work, for the arrays of the steps ahead.
    ahead = replace(windows, lookback=1)
    arrays = [
        _batched_array(f"X_{split}", windows, "past", "the inputs, oldest step first; scaled"),
        _batched_array(f"y_{split}", ahead, "target", "the targets; scaled"),
        _batched_array(f"mask_{split}", windows, "mask", "1 for a step of the series, 0 for padding"),
        _batched_array(f"measured_{split}", ahead, "observed", "which values of y were measured, not filled"),
    ]
    if windows.dataset.schema.known_ahead:
        meaning = "known-ahead inputs of the steps ahead; scaled"
        arrays.append(_batched_array(f"future_{split}", ahead, "future", meaning))
    return [*arrays, *_label_arrays(split, windows)]


def _batched_array(name: str, windows: Windows, part: str, meaning: str) -> WindowArray:
    """Return the array of a field of Batch for all windows."""
    empty: np.ndarray = getattr(windows[:0], part)
    return WindowArray(
        name=name,
        shape=(len(windows), *empty.shape[1:]),
        dtype=empty.dtype,
        meaning=meaning,
        pieces=lambda: (getattr(batch, part) for batch in windows.batches(BATCH_WINDOWS)),
    )


def _label_arrays(split: str, windows: Windows) -> list[WindowArray]:
    """Return arrays with the series of each window, and the time of its first target."""
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
        label("series", windows.series, "index of the series of the window in the list of series"),
        label(
            "time",
            _times(schema, times),
            "time of the first step of y; without a time column, its row number from 1",
        ),
    ]


def _times(schema: Schema, times_us: np.ndarray) -> np.ndarray:
    if schema.time_name is None:
        return times_us + 1
    if schema.time_format.is_integer:
        return times_us
    return schema.time_format.to_file_clock(times_us).astype("datetime64[us]")
