"""Titles of the metrics and baselines of classifiers, and which metrics are better if higher. It loads nothing."""

from collections.abc import Mapping

METRICS: Mapping[str, str] = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "log_loss": "log-loss",
    "calibration_error": "calibration error",
}
HIGHER_IS_BETTER = frozenset(("accuracy", "macro_f1"))
BASELINE_NAMES: Mapping[str, str] = {"majority": "majority class", "simple": "simple model"}
