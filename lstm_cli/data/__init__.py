"""Reading, time grid, splits, scaling and windows: everything between a data file and a model.

In a notebook:

    from lstm_cli.data import load_windows
    X, y = load_windows("runs/load", "train").arrays()      # [N, L, F] and [N, H, C], views, scaled
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lstm_cli.data.dataset.windows import Windows


def load_windows(run: str | Path, split: str, lookback: int | None = None) -> "Windows":
    """Return the scaled windows of one split of a run.

    Args:
        run: run directory.
        split: `train`, `val` or `test`.
        lookback: steps; None takes the lookback of the run.

    Raises:
        UsageError: if the split is none of these.
        MissingArtifact: if the run has no prepared data.
        CorruptArtifact: if a file of the prepared data is corrupt.
    """
    from lstm_cli.data.dataset.load import load_dataset
    from lstm_cli.data.dataset.windows import require_split, split_windows
    from lstm_cli.rundir import open_run

    require_split(split)
    with open_run(run) as opened:
        return split_windows(load_dataset(opened), split, lookback)
