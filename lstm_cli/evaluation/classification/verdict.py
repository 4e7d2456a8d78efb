"""Sentences about a classifier compared with its baselines."""

from collections.abc import Mapping
from typing import Any

BASELINE_NAMES = {"majority": "majority class", "simple": "simple model"}


def comparison_text(comparison: Mapping[str, Any], baseline: str) -> str:
    """Return whether the model is better than a baseline by more than random variation.

    Args:
        comparison: difference of the log-loss and its interval.
        baseline: name of the baseline in a sentence.
    """
    low, high = comparison["interval"]
    difference = f"log-loss {comparison['difference']:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}"
    if high < 0:
        return f"the model is better than the {baseline} ({difference})"
    if low > 0:
        return f"the model is worse than the {baseline} ({difference})"
    return f"the model and the {baseline} differ by no more than random variation ({difference})"
