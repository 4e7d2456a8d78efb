"""Conversion of reports to plain JSON values."""

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from lstm_cli.findings import Finding, finding_texts, findings_to_dicts

COMPARISON_KEYS = (
    "baseline_season",
    "mase_season",
    "comparison",
    "comparisons",
)  # fields that compare a model with baselines


def to_plain(report: Any, *, absent: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a report as JSON values, with None for NaN and infinity; fields in `absent` are left out if None."""
    values = {field.name: plain_value(getattr(report, field.name)) for field in fields(report)}
    return {name: value for name, value in values.items() if value is not None or name not in absent}


def finding_fields(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the two fields of a report for its findings: `warnings` as sentences and `findings` as data."""
    return {"warnings": finding_texts(findings), "findings": findings_to_dicts(findings)}


def plain_value(value: Any) -> Any:
    """Return the value with lists for tuples, and None for NaN and infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    return value
