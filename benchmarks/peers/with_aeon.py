"""Labelled sequences that the package aeon carries, and the accuracy of its nearest neighbour by dynamic time warping.

python with_aeon.py files FOLDER              copies the `.ts` files of SETS to FOLDER
python with_aeon.py neighbour FOLDER NAME     prints the accuracies on the test set as JSON

Values are not changed before they are compared, as in the published tables of the archives.
"""

import json
import shutil
import sys
from pathlib import Path

import aeon
import numpy as np
from aeon.datasets import load_from_ts_file
from aeon.distances import dtw_pairwise_distance

SETS = ("ItalyPowerDemand", "GunPoint", "BasicMotions", "JapaneseVowels")
WINDOWS = [percent / 100 for percent in range(21)]  # widths that are tried, as shares of the length


def main(words: list[str]) -> None:
    if words[0] == "files":
        for name in SETS:
            for path in (Path(aeon.__file__).parent / "datasets" / "data" / name).glob(f"{name}_T*.ts"):
                shutil.copy(path, words[1])
    else:
        print(json.dumps(neighbour(Path(words[1]), words[2])))


def neighbour(folder: Path, name: str) -> dict[str, float | None]:
    """Return the accuracies: any window, the window with the best leave-one-out accuracy, and one path per column.

    Args:
        folder: folder with the files.
        name: name of the set.
    """
    train, labels = load_from_ts_file(folder / f"{name}_TRAIN.ts")
    test, truth = load_from_ts_file(folder / f"{name}_TEST.ts")

    def accuracy(window: float | None = None) -> float:
        distances = dtw_pairwise_distance(test, train, window=window)
        return float((labels[distances.argmin(axis=1)] == truth).mean())

    def left_out(window: float) -> float:
        distances = dtw_pairwise_distance(train, window=window)
        np.fill_diagonal(distances, np.inf)
        return float((labels[distances.argmin(axis=1)] == labels).mean())

    equal = len({series.shape[1] for series in train}) == 1
    best = max(WINDOWS, key=lambda window: (left_out(window), -window)) if equal else None
    columns = train[0].shape[0]
    apart = sum(
        dtw_pairwise_distance(
            [series[column : column + 1] for series in test],
            [series[column : column + 1] for series in train],
        )
        for column in range(columns)
    )
    return {
        "full": accuracy(),
        "window": best,
        "windowed": None if best is None else accuracy(best),
        "apart": None if columns == 1 else float((labels[apart.argmin(axis=1)] == truth).mean()),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
