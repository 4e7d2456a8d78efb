"""The report of an earlier run of a step, where running it again could change nothing."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin

from lstm_cli.errors import CorruptArtifact
from lstm_cli.findings import Finding, findings_to_dicts
from lstm_cli.rundir import Run, command

Report = TypeVar("Report")

# Settings that say where or how long, not what: another value of them makes nothing anew.
OF_THE_MACHINE = ("threads", "jobs")
# Of `evaluate`: conditions are checked against stored scores, and stored scores are copied to the output.
JUDGED = (*OF_THE_MACHINE, "fail_if", "output")


def replay_report(kind: type[Report], run: Run, step: str) -> Report:
    """Return the stored report of `step`, marked as up to date."""
    marked: Report = replace(restore_report(kind, run, step), up_to_date=True)  # type: ignore[type-var]
    return marked


def restore_report(kind: type[Report], run: Run, step: str) -> Report:
    """The stored report of `step` as the step returned it. The paths in it are those of the run as it is called now.

    Raises CorruptArtifact where it is none of this release.
    """
    stored = run.report(step)
    try:
        values = {
            field.name: _value(field, stored)
            for field in fields(kind)  # type: ignore[arg-type]
            if field.name in stored or field.default is MISSING
        }
        values["run"] = str(run.path)
        if "findings" not in stored:  # 0.1.0 kept the sentences alone
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
            f"{run.path} holds no report of 'lstm {step}' that this release reads ({error})",
            hint=f"run '{command(step, run.path)} --force'",
        ) from None


def _value(field: "Field[Any]", stored: Mapping[str, Any]) -> Any:
    """Return a field's value. One that is left out of the JSON was None, and NaN is null there."""
    kinds = get_args(field.type) if isinstance(field.type, UnionType) else (field.type,)
    classes = tuple(get_origin(kind) or kind for kind in kinds)
    value = stored.get(field.name) if NoneType in classes else stored[field.name]
    if isinstance(value, list) and tuple in classes:
        return tuple(value)
    if not isinstance(value, (*classes, NoneType)):
        raise TypeError(f"{field.name} is {type(value).__name__}")
    return value
