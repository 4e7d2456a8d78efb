"""Conditions of `refresh --fail-if` on the held-out rows."""

from collections.abc import Mapping
from typing import Any

from lstm_cli.config import RefreshConfig
from lstm_cli.errors import UsageError
from lstm_cli.evaluation import fail_conditions
from lstm_cli.evaluation.metrics import NAMES
from lstm_cli.steps.refresh.compare import Comparison


def parse_conditions(config: RefreshConfig) -> list[fail_conditions.FailCondition]:
    """Return the conditions of --fail-if. Raise UsageError for an invalid one."""
    conditions = [fail_conditions.parse_condition(text) for text in config.fail_if]
    for condition in conditions:
        if condition.name not in NAMES:
            raise UsageError(
                f"--fail-if '{condition.text}': refresh compares {', '.join(NAMES)}, not {condition.name}",
                hint="use one of these names, and 'lstm score --fail-if' for the others",
                flag="--fail-if",
            )
    return conditions


def check_gates(
    conditions: list[fail_conditions.FailCondition], comparison: Comparison | None
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the outcomes, and the conditions that are true for `champion` and `challenger` as text, "" if none is.

    Args:
        conditions: conditions of --fail-if.
        comparison: scores of both models; None: no condition is checked.
    """
    if comparison is None:
        return [], {"champion": "", "challenger": ""}
    models: Mapping[str, Any] = {"champion": comparison.champion, "challenger": comparison.challenger}
    gates = [
        fail_conditions.check_condition(condition, scores, comparison.baselines, {}) | {"model": name}
        for name, scores in models.items()
        for condition in conditions
    ]
    return gates, {
        name: ", ".join(
            f"'{gate['condition']}' ({gate['reason']})"
            for gate in gates
            if gate["failed"] and gate["model"] == name
        )
        for name in models
    }
