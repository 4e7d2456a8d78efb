"""Metrics of classifiers: their titles, and which are better if higher. It loads nothing."""

from collections.abc import Mapping

METRICS: Mapping[str, str] = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "log_loss": "log-loss",
    "calibration_error": "calibration error",
}
HIGHER_IS_BETTER = frozenset(("accuracy", "macro_f1"))
