"""Small labelled sequences for tests."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lstm_cli.sequences.dataset import SequenceData, SequenceScaler, SequenceSchema


def sequences(
    lengths: Sequence[int],
    *,
    labels: Sequence[int] | None = None,
    split: Sequence[int] | None = None,
    classes: int = 2,
    columns: int = 2,
    seed: int = 0,
) -> SequenceData:
    """Return random sequences of these lengths."""
    count = len(lengths)
    values = np.random.default_rng(seed).normal(size=(sum(lengths), columns)).astype(np.float32)
    return SequenceData(
        schema=SequenceSchema(
            columns=tuple(f"x{number}" for number in range(columns)),
            classes=tuple(f"class{number}" for number in range(classes)),
            sequence="id",
            label="label",
            time=(),
            max_length=max(lengths),
            missing="interpolate",
        ),
        scaler=SequenceScaler(kind="standard", center=np.zeros(columns), scale=np.ones(columns)),
        values=values,
        lengths=np.array(lengths),
        labels=np.array([number % classes for number in range(count)] if labels is None else labels),
        names=tuple(f"s{number}" for number in range(count)),
        split=np.zeros(count, dtype=np.int64) if split is None else np.array(split),
    )


def gestures(path: Path, count: int = 60, *, seed: int = 0) -> Path:
    """Write sequences of two classes with 5 to 14 steps: rising and falling, with noise."""
    generator = np.random.default_rng(seed)
    lines = ["id,step,x,y,move,person"]
    for number in range(count):
        length = int(generator.integers(5, 15))
        slope = 1 if number % 2 else -1
        x = slope * np.linspace(-1, 1, length) + generator.normal(0, 0.6, length)
        y = generator.normal(0, 1, length)
        move = "up" if number % 2 else "down"
        lines += [
            f"{number},{step},{x[step]:.3f},{y[step]:.3f},{move},p{number % 6}" for step in range(length)
        ]
    path.write_text("\n".join(lines) + "\n")
    return path
