"""What chance leaves open about a model: warnings of `train` and `evaluate`."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lstm_cli.data.dataset.windows import SPLITS, Windows
from lstm_cli.evaluation import scoring, uncertainty
from lstm_cli.evaluation.calibrate_intervals import count_horizons
from lstm_cli.evaluation.intervals import Intervals
from lstm_cli.evaluation.metrics import Scores
from lstm_cli.findings import MODEL, Finding


def networks_finding(
    scores: Mapping[str, Scores], comparisons: Mapping[str, Mapping[str, Any]], parts: Iterable[str]
) -> bool:
    """Return whether the linear forecast is as good as a model with networks, and chance may explain the rest.

    scores: of `model` and `linear`; parts: of the model.
    """
    networks = [part for part in parts if part not in ("linear", "simple")]
    interval = comparisons.get("linear", {}).get("interval")
    better = interval is not None and interval[0] > 0
    return bool(networks) and not better and scoring.is_as_good(scores["linear"], scores["model"])


def adds_nothing(split: str) -> Finding:
    """Return the finding that `networks_add_nothing` on a split."""
    rows = SPLITS[split]
    return Finding(
        rule="M201",
        kind=MODEL,
        text=f"the networks add nothing on the {rows} rows: the linear forecast is as good",
    )


def coverage_warnings(
    split: str, windows: Windows, tally: scoring.IntervalTally, fitted: Intervals
) -> list[Finding]:
    """Return a finding for each level whose coverage of the windows lies outside what chance allows."""
    found = uncertainty.coverage_ranges(
        np.concatenate(tally.inside, axis=1),
        np.concatenate(tally.count),
        uncertainty.window_times(windows),
        calibration_ratio=max(1.0, fitted.horizons) / count_horizons(windows),
    )
    why = (
        f"{tally.beyond_bounds:,} measured values lie beyond the bounds of the forecast (--min, --max of lstm train)"
        if tally.beyond_bounds
        else "it rests on errors in the training and validation rows; prepare and train again with newer rows, or "
        "with a larger --val"
    )
    return [
        Finding(
            rule="M202",
            kind=MODEL,
            text=f"the {level} % interval covers {share:.1f} % of the {SPLITS[split]} rows, and chance allows "
            f"{low:.1f} to {high:.1f} %: it is too {'narrow' if share < low else 'wide'} for them; {why}",
        )
        for level, (share, low, high) in found.items()
        if not low <= share <= high
    ]
