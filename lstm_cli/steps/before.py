"""The report of an earlier run of a step, told again where running it anew could change nothing."""

from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from lstm_cli.events import Listener, Noted, Warned
from lstm_cli.rundir import Run

Report = TypeVar("Report")

# Settings that say where or how long, not what: another value of them makes nothing anew.
OF_THE_MACHINE = ("threads", "jobs")
JUDGED = (*OF_THE_MACHINE, "fail_if")  # of `evaluate`, whose conditions are held against stored scores too


def told_again(kind: type[Report], run: Run, step: str, listen: Listener) -> Report:
    """The stored report of `step`, marked as up to date; the note and the warnings that it gave are told."""
    stored = run.report(step)
    finished = run.entry(step)["times"].get("finished", "it was made")
    listen(Noted(text=f"up to date: nothing has changed since {finished}; --force runs it anyhow"))
    for text in stored.get("warnings", ()):
        listen(Warned(text=text))
    return restored_report(kind, stored, run.path)


def restored_report(kind: type[Report], stored: Mapping[str, Any], run: Path) -> Report:
    """A report as the step returned it, from its JSON. The paths in it are those of the run as it is called now."""
    values = {}
    for field in fields(kind):  # type: ignore[arg-type]
        value = stored.get(field.name, None if field.default is MISSING else field.default)
        values[field.name] = tuple(value) if isinstance(value, list) and "tuple" in str(field.type) else value
    report: Any = kind(**values | {"up_to_date": True})
    moved = {"run": str(run)}
    if stored.get("picture"):
        moved["picture"] = str(run / Path(*Path(stored["picture"]).parts[-3:]))  # artifact, number, file
    whole: Report = replace(report, **moved)
    return whole
