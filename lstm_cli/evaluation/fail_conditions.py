"""Conditions that make a command exit with 5: `mase>=1`, `wql>0.9*seasonal_naive.wql`, `coverage.80<75`."""

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lstm_cli.errors import UsageError
from lstm_cli.evaluation import BASELINES
from lstm_cli.evaluation.metrics import NAMES
from lstm_cli.wording import NUMBER, did_you_mean, is_number

COVERAGES = ("coverage.80", "coverage.95")
LOSSES = ("wql", "wis", "wis_scaled")  # losses of the quantiles
NO_REASONS: Mapping[str, str] = {}
_OPERATORS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


@dataclass(frozen=True, kw_only=True)
class FailCondition:
    """Condition that makes the command fail if it is true."""

    text: str
    name: str  # metric or loss of the model, or coverage.LEVEL
    operator: str
    factor: float  # factor of the baseline's metric, or the limit itself
    baseline: str | None  # None: the limit is `factor`
    baseline_metric: str | None


def parse_condition(
    text: str,
    *,
    names: tuple[str, ...] = (*NAMES, *COVERAGES, *LOSSES),
    limits: tuple[str, ...] = (*NAMES, *LOSSES),
    more_names: tuple[str, ...] = (),
    baselines: tuple[str, ...] = BASELINES,
) -> FailCondition:
    """Return the condition in a text.

    Args:
        text: condition, such as `mase>=1`.
        names: figures of the model.
        limits: figures of a baseline.
        more_names: names of the verb next to the figures of the model.
        baselines: names that can stand before a metric in the limit.

    Raises:
        UsageError: the text is invalid, or a name is unknown.
    """
    example = f"{baselines[-1]}.{limits[0]}"
    parts = re.fullmatch(r"\s*([\w.]+)\s*(<=|>=|<|>)\s*(.+?)\s*", text)
    if parts is None:
        raise UsageError(
            f"--fail-if '{text}' is not a valid condition",
            hint=f"write A OP B, e.g. --fail-if '{names[0]}>=1' or --fail-if '{limits[0]}>0.9*{example}'",
            flag="--fail-if",
        )
    name, comparison, limit = parts.groups()
    _require_known(text, name, (*names, *more_names))
    if is_number(limit):
        return FailCondition(
            text=text,
            name=name,
            operator=comparison,
            factor=float(limit),
            baseline=None,
            baseline_metric=None,
        )
    baseline_limit = re.fullmatch(rf"(?:({NUMBER})\s*\*\s*)?(\w+)\.(\w+)", limit)
    if baseline_limit is None:
        raise UsageError(
            f"--fail-if '{text}': '{limit}' is not a valid limit",
            hint=f"a limit is a number or [FACTOR*]BASELINE.METRIC, e.g. 0.9*{example}",
            flag="--fail-if",
        )
    factor, baseline, metric = baseline_limit.groups()
    _require_known(text, baseline, baselines)
    _require_known(text, metric, limits)
    return FailCondition(
        text=text,
        name=name,
        operator=comparison,
        factor=float(factor or 1),
        baseline=baseline,
        baseline_metric=metric,
    )


def _require_known(text: str, name: str, names: tuple[str, ...]) -> None:
    if name in names:
        return
    raise UsageError(
        f"--fail-if '{text}': '{name}' is not one of {', '.join(names)}",
        hint=did_you_mean(name, names) or "use one of these names",
        flag="--fail-if",
    )


def check_condition(
    condition: FailCondition,
    scores: Mapping[str, Any],
    baselines: Mapping[str, Mapping[str, Any]],
    coverage: Mapping[str, Any],
    *,
    why_missing: Mapping[str, str] = NO_REASONS,
) -> dict[str, Any]:
    """Return the outcome of a condition: condition, value, limit, failed, reason. An undefined value fails.

    Args:
        condition: condition to check.
        scores: metrics and losses of the model.
        baselines: metrics and losses of each baseline.
        coverage: percent of measured values within each interval, by level.
        why_missing: reason for a missing or undefined figure, by its name or that of its baseline.
    """
    value = (
        coverage.get(condition.name.partition(".")[2])
        if "." in condition.name
        else scores.get(condition.name)
    )
    limit: float | None = condition.factor
    if condition.baseline is not None:
        baseline_value = baselines.get(condition.baseline, {}).get(str(condition.baseline_metric))
        limit = None if baseline_value is None else condition.factor * baseline_value
    if value is None:
        why = why_missing.get(condition.name)
        failed, reason = True, f"{condition.name} is undefined" + (" here" if why is None else f", {why}")
    elif limit is None:
        why = why_missing.get(str(condition.baseline))
        if condition.baseline in baselines:
            problem = "undefined here" if why is None else f"undefined, {why}"
        else:
            problem = f"missing, {why or 'because these data have no season'}"
        failed, reason = True, f"{condition.baseline}.{condition.baseline_metric} is {problem}"
    else:
        failed = bool(_OPERATORS[condition.operator](value, limit))
        reason = f"{condition.name} is {value:.4g}, the limit {limit:.4g}"
    return {"condition": condition.text, "value": value, "limit": limit, "failed": failed, "reason": reason}
