"""From a file to windows: reading, the time grid, splits, scaling, and what a model sees.

In a notebook:

    from lstm_cli.data import load_windows
    X, y = load_windows("runs/load", "train").arrays()      # [N, L, F] and [N, H, C], views, scaled
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lstm_cli.data.dataset.windows import Windows


def load_windows(run: str | Path, split: str, lookback: int | None = None) -> "Windows":
    """The windows of a run's split (`train`, `val` or `test`), scaled; None: the run's own lookback.

    Raises MissingArtifact where nothing was prepared, CorruptArtifact where a file is damaged.
    """
    from lstm_cli.data.dataset.load import load_dataset
    from lstm_cli.data.dataset.windows import split_windows
    from lstm_cli.rundir import open_run

    with open_run(run) as opened:
        return split_windows(load_dataset(opened), split, lookback)
