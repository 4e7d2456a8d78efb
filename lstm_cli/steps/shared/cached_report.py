"""Stored report of a step that is up to date."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin

from lstm_cli.errors import CorruptArtifact
from lstm_cli.findings import Finding, findings_to_dicts
from lstm_cli.rundir import Run, command

Report = TypeVar("Report")

# Settings that do not change the result, so a step stays up to date with any value of them.
MACHINE_SETTINGS = ("threads", "jobs")
# Outputs outside the run: a command that is repeated must not overwrite them.
OUTPUT_SETTINGS = ("output", "forecasts", "stride", "plot")
# Settings of `evaluate` that need no new scores: conditions are checked against the stored ones, and tables and the
# plot are copied or computed again.
IGNORED_SETTINGS = (*MACHINE_SETTINGS, *OUTPUT_SETTINGS, "fail_if")


def replay_report(kind: type[Report], run: Run, step: str) -> Report:
    """Return the stored report of a step, marked as up to date.

    Args:
        kind: class of the report.
        run: run with the report.
        step: name of the step.

    Raises:
        CorruptArtifact: this release cannot read the report.
    """
    marked: Report = replace(restore_report(kind, run, step), up_to_date=True)  # type: ignore[type-var]
    return marked


def restore_report(kind: type[Report], run: Run, step: str) -> Report:
    """Return the stored report of a step; its paths are those of the run at its current location.

    Args:
        kind: class of the report.
        run: run with the report.
        step: name of the step.

    Raises:
        CorruptArtifact: this release cannot read the report.
    """
    stored = run.report(step)
    try:
        values = {
            field.name: _value(field, stored)
            for field in fields(kind)  # type: ignore[arg-type]
            if field.name in stored or field.default is MISSING
        }
        values["run"] = str(run.path)
        if "findings" not in stored:  # release 0.1.0 stored only the sentences
            values["findings"] = findings_to_dicts(
                [Finding(rule="", text=text) for text in stored.get("warnings", ())]
            )
        if stored.get("picture"):
            values["picture"] = str(
                run.path / Path(*Path(stored["picture"]).parts[-3:])
            )  # artifact, number, file
        return kind(**values)
    except (KeyError, TypeError) as error:
        raise CorruptArtifact(
            f"{run.path}: the report of 'lstm {step}' is invalid for this release ({error})",
            hint=f"run '{command(step, run.path)} --force'",
        ) from None


def _value(field: "Field[Any]", stored: Mapping[str, Any]) -> Any:
    """Return a field's value. JSON leaves out some fields that are None, and it has null for NaN."""
    kinds = get_args(field.type) if isinstance(field.type, UnionType) else (field.type,)
    classes = tuple(get_origin(kind) or kind for kind in kinds)
    value = stored.get(field.name) if NoneType in classes else stored[field.name]
    if isinstance(value, list) and tuple in classes:
        return tuple(value)
    if not isinstance(value, (*classes, NoneType)):
        raise TypeError(f"{field.name} is {type(value).__name__}")
    return value
