"""Maker of gestures.csv: labelled sequences of unequal length, for tests and docs.

    python sample_data/make_gestures.py [FOLDER]    (default: the folder of this script)

The seed is fixed and all figures are rounded, so each run writes the same bytes. A test checks this.
"""

import csv
import sys
from pathlib import Path

import numpy as np

PEOPLE, REPEATS = 12, 5  # each person makes each gesture five times
SHORTEST, LONGEST = 12, 40  # steps
NOISE = 0.25


def left(turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a circle counterclockwise."""
    return np.cos(turn), np.sin(turn)


def right(turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a circle clockwise."""
    return np.cos(turn), -np.sin(turn)


def eight(turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a figure of eight."""
    return np.cos(turn), np.sin(2 * turn)


GESTURES = {"left": left, "right": right, "eight": eight}


def rows() -> list[list[str]]:
    """Return the rows of the file, with its header."""
    generator = np.random.default_rng(7)
    result = [["id", "step", "person", "gesture", "x", "y"]]
    number = 0
    for person in range(PEOPLE):
        size, tilt = generator.uniform(0.7, 1.3), generator.normal(0, 0.25)
        for name, path in GESTURES.items():
            for _ in range(REPEATS):
                number += 1
                steps = int(generator.integers(SHORTEST, LONGEST + 1))
                start, turns = generator.uniform(0, 2 * np.pi), generator.uniform(0.8, 1.2)
                x, y = path(start + 2 * np.pi * turns * np.linspace(0, 1, steps))
                turned = x * np.cos(tilt) - y * np.sin(tilt), x * np.sin(tilt) + y * np.cos(tilt)
                noisy = [size * side + generator.normal(0, NOISE, steps) for side in turned]
                result += [
                    [f"g{number:03d}", str(step), f"p{person + 1:02d}", name, f"{a:.2f}", f"{b:.2f}"]
                    for step, (a, b) in enumerate(zip(*noisy, strict=True))
                ]
    return result


def main() -> None:
    """Write the file."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    with (folder / "gestures.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows())


if __name__ == "__main__":
    main()
