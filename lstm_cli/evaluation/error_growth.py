"""Growth of the error beyond the trained horizon, measured on windows whose split holds several horizons of targets."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from lstm_cli.data.dataset.windows import Batch, Windows
from lstm_cli.data.forecast.fed_back import forecast_blocks
from lstm_cli.evaluation.quantiles.intervals import local_scale

MAX_BLOCKS = 3  # blocks of one horizon; later blocks are extrapolated
MAX_ROWS = 1000  # windows x targets per split
MAX_CELLS = 4_000_000  # windows x steps x targets, a limit of memory for long horizons


@dataclass(frozen=True, kw_only=True)
class LongWindows:
    """Windows with the targets of several blocks in their split."""

    blocks: int
    splits: dict[str, Windows]  # val and train, without splits that are too short

    @staticmethod
    def from_splits(splits: dict[str, Windows]) -> "LongWindows":
        """Return the windows with as many blocks as the validation rows hold, or only windows of the training rows.

        A model with past covariates has none, because there is no forecast of a covariate that could be fed back.
        """
        if splits["val"].dataset.schema.past:
            return LongWindows(blocks=1, splits={})
        for blocks in (*range(MAX_BLOCKS, 1, -1), MAX_BLOCKS):
            long = {name: _select(windows, name, blocks) for name, windows in splits.items()}
            long = {name: windows for name, windows in long.items() if len(windows)}
            if "val" in long:
                break
        return LongWindows(blocks=blocks, splits=long)

    def __len__(self) -> int:
        return sum(map(len, self.splits.values()))

    def growth(
        self,
        forecaster: Callable[[Batch], np.ndarray],
        floor: np.ndarray,
        weights: dict[str, float],
        report: Callable[[int], None],
    ) -> tuple[float, ...]:
        """Return the mean error of blocks 2, 3, … divided by that of block 1; () if it cannot be measured.

        Args:
            forecaster: windows -> forecast [B, H, C], scaled.
            floor: [C] smallest spread.
            weights: weight of the errors of each split.
            report: called with a number of finished windows.
        """
        errors = [
            weights[name] * _block_errors(windows, self.blocks, forecaster, floor, report)
            for name, windows in self.splits.items()
        ]
        mean = np.sum(errors, axis=0) if errors else np.zeros(1)
        if not np.isfinite(mean).all() or mean[0] <= 0:
            return ()
        return tuple(float(error / mean[0]) for error in mean[1:])


def _select(windows: Windows, split: str, blocks: int) -> Windows:
    """Return a sample of the windows whose split holds the targets of `blocks` horizons."""
    dataset, table = windows.dataset, windows.dataset.series
    ends = table.offset + (table.train_end if split == "train" else table.val_end)
    steps = blocks * dataset.schema.horizon
    rows = min(MAX_ROWS, MAX_CELLS // steps) // dataset.targets
    return windows.select(windows.origins + steps <= ends[windows.series]).sample(max(1, rows))


def _block_errors(
    windows: Windows,
    blocks: int,
    forecaster: Callable[[Batch], np.ndarray],
    floor: np.ndarray,
    report: Callable[[int], None],
) -> np.ndarray:
    """Return the mean error [blocks] of a forecast that is fed back, in spreads; NaN without measured targets."""
    dataset, horizon = windows.dataset, windows.dataset.schema.horizon
    total, count = np.zeros(blocks), np.zeros(blocks)
    shifted = [replace(windows, origins=windows.origins + block * horizon) for block in range(blocks)]
    for first in range(0, len(windows), windows.batch_size):
        parts = [block[first : first + windows.batch_size] for block in shifted]
        batch = parts[0]
        future, target, observed = (
            np.concatenate([getattr(part, name) for part in parts], axis=1)
            for name in ("future", "target", "observed")
        )
        spread = local_scale(batch.past[:, :, : dataset.targets], batch.mask, dataset.schema.season)
        errors = (
            np.abs(forecast_blocks(batch, future, forecaster) - target) / np.maximum(spread, floor)[:, None]
        )
        shape = (len(batch.series), blocks, -1)
        total += np.where(observed, errors, 0.0).reshape(shape).sum(axis=(0, 2))
        count += observed.reshape(shape).sum(axis=(0, 2))
        report(len(batch.series))
    return np.divide(total, count, out=np.full(blocks, np.nan), where=count > 0)
