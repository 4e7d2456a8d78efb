"""Warnings of `train` and `evaluate` about a model whose advantage or coverage is in doubt."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lstm_cli.data.dataset.windows import SPLITS, Windows
from lstm_cli.evaluation import scoring, uncertainty
from lstm_cli.evaluation.metrics import Scores
from lstm_cli.evaluation.quantiles.calibrate_intervals import count_horizons
from lstm_cli.evaluation.quantiles.model import CalibratedQuantiles
from lstm_cli.findings import MODEL, Finding


def networks_add_nothing(
    scores: Mapping[str, Scores], comparisons: Mapping[str, Mapping[str, Any]], parts: Iterable[str]
) -> bool:
    """Return whether a model with networks is not clearly better than the linear forecast alone.

    Args:
        scores: scores of `model` and `linear`.
        comparisons: comparisons of the model with each baseline.
        parts: parts of the model.
    """
    networks = [part for part in parts if part not in ("linear", "simple")]
    interval = comparisons.get("linear", {}).get("interval")
    better = interval is not None and interval[0] > 0
    return bool(networks) and not better and scoring.is_as_good(scores["linear"], scores["model"])


def useless_networks_finding(split: str) -> Finding:
    """Return the warning that the networks of a model add nothing on a split."""
    rows = SPLITS[split]
    return Finding(
        rule="M201",
        kind=MODEL,
        text=f"the networks add nothing on the {rows} rows: the linear forecast is as good",
    )


def coverage_warnings(
    split: str, windows: Windows, tally: scoring.IntervalTally, fitted: CalibratedQuantiles
) -> list[Finding]:
    """Return a warning for each interval level whose coverage is outside the range that chance explains.

    Args:
        split: name of the split.
        windows: scored windows.
        tally: counts of measured values within the intervals.
        fitted: prediction intervals of the model.
    """
    ranges = uncertainty.coverage_ranges(
        np.concatenate(tally.inside, axis=1),
        np.concatenate(tally.count),
        uncertainty.window_times(windows),
        calibration_ratio=max(1.0, fitted.horizons) / count_horizons(windows),
    )
    why = (
        f"{tally.beyond_bounds:,} measured values are outside the bounds of the forecast: "
        "change --min, --max of lstm train"
        if tally.beyond_bounds
        else "It was calibrated on the training and validation rows: prepare and train again with newer rows or a "
        "larger --val"
    )
    return [
        Finding(
            rule="M202",
            kind=MODEL,
            text=f"the {level} % interval covers {share:.1f} % of the {SPLITS[split]} rows, so it is too "
            f"{'narrow' if share < low else 'wide'} (chance explains {low:.1f} to {high:.1f} %). {why}",
        )
        for level, (share, low, high) in ranges.items()
        if not low <= share <= high
    ]
