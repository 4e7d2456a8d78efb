"""Comparison of each series with a baseline, and the worst series."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.evaluation import metrics, scoring


def series_against_baselines(
    dataset: Dataset, sums: Mapping[str, metrics.ErrorSums]
) -> dict[str, dict[str, Any]]:
    """Return for each series the MASE of seasonal naive (or naive), and the MASE of the model divided by it.

    sums: errors of `model` and of the baselines. The ratio is that of `metrics.relative_to_baseline`.
    """
    scale, baseline = scoring.metric_scale(dataset), "seasonal_naive" if "seasonal_naive" in sums else "naive"
    baseline_scores = metrics.scores_per_series(sums[baseline], scale)
    ratios = metrics.relative_to_baseline(metrics.scores_per_series(sums["model"], scale), baseline_scores)
    return {
        name: {"baseline": baseline, "baseline_mase": scores["mase"], "ratio": ratio}
        for name, scores, ratio in zip(dataset.series.names, baseline_scores, ratios, strict=True)
    }


def worst_series(
    scores: Mapping[str, metrics.Scores], comparisons: Mapping[str, dict[str, Any]], max_series: int
) -> list[dict[str, Any]]:
    """Return the worst series, worst first. An infinite ratio comes first and is reported as None.

    Args:
        scores: scores of each series.
        comparisons: result of `series_against_baselines`.
        max_series: largest number of series.
    """
    names = list(scores)
    indices = metrics.worst_series_indices([comparisons[name]["ratio"] for name in names], max_series)
    worst = []
    for name in (names[index] for index in indices):
        ratio = comparisons[name]["ratio"]
        model_scores = {"series": name, "mase": scores[name]["mase"], "mae": scores[name]["mae"]}
        worst.append(model_scores | comparisons[name] | {"ratio": ratio if np.isfinite(ratio) else None})
    return worst
