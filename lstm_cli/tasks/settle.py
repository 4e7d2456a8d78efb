"""Functions that settle the task of a run, look it up, and refuse what belongs to another task."""

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_cli.config.layers import flag_name
from lstm_cli.errors import CorruptArtifact, ForeignFolder, MissingArtifact, UsageError
from lstm_cli.rundir import Run, command, open_run
from lstm_cli.tasks.records import CLASSIFY, FORECAST, TASKS, TS_ENDING, Task

if TYPE_CHECKING:
    from lstm_cli.config.classify import SequenceColumns


def settle_task(columns: "SequenceColumns", sources: Iterable[str]) -> Task:
    """Return the task of data: the given one, or that of the columns and files.

    Args:
        columns: settings of labelled sequences.
        sources: paths of the data.
    """
    paths = [str(source) for source in sources]
    labelled = columns.label is not None or (
        bool(paths) and all(path.lower().endswith(TS_ENDING) for path in paths)
    )
    return TASKS[columns.task or (CLASSIFY if labelled else FORECAST).name]


def task_of(run: Run) -> Task:
    """Return the task of a run; a run without data is a forecast. Raise CorruptArtifact for an unknown task."""
    name = run.steps.get("prepare", {}).get("report", {}).get("task", FORECAST.name)
    if name not in TASKS:
        raise CorruptArtifact(
            f"{run.path} has the task {str(name)[:40]!r}, which this release does not know",
            hint="use the release that made the run, or prepare the data in another folder",
        )
    return TASKS[name]


def stored_task(path: Path) -> Task:
    """Return the task of a run directory; one that cannot be opened is a forecast, whose step reports the error."""
    try:
        with open_run(path) as run:
            return task_of(run)
    except (MissingArtifact, ForeignFolder):
        return FORECAST


def require_own_options(task: Task, verb: str, *settings: Any) -> None:
    """Raise UsageError for a setting of another task that does not have its default.

    Args:
        task: task of the run.
        verb: verb.
        *settings: settings of the verb.
    """
    for other in TASKS.values():
        if other is task:
            continue
        for config in settings:
            for item in fields(config):
                foreign = item.name in other.options.get(verb, frozenset())
                if foreign and getattr(config, item.name) != item.default:
                    flag = _flag(item)
                    raise UsageError(
                        f"{flag} is an option of the task {other.name}, but this run is {task.title}",
                        hint=f"leave out {flag}{_instead(other, verb)}",
                        flag=flag,
                    )


def _instead(task: Task, verb: str) -> str:
    """Return the rest of a hint: how a new run gets the task of an option."""
    return f", or add {task.settled_by}" if verb == "prepare" and task.settled_by else ""


def _flag(item: Any) -> str:
    """Return the flag of a setting, such as --output of `-o --output`."""
    declared: str = item.metadata.get("flag") or flag_name(item.name)
    return declared.split("/")[0].split()[-1]


def require_verb(run: Run, verb: str) -> None:
    """Raise UsageError if the task of a run does not have a verb."""
    task = task_of(run)
    if verb in task.excluded:
        raise UsageError(
            f"{run.path} holds {task.title} (task {task.name}), and 'lstm {verb}' has no such task",
            hint=f"run '{command('evaluate', run.path)}', or use 'lstm {verb}' on a run of the task {FORECAST.name}",
        )


def require_same_task(run: Run | None, task: Task, path: Path) -> None:
    """Raise UsageError if a run has data of another task.

    Args:
        run: run; None for a new one.
        task: task of the new data.
        path: path of the run, for messages.
    """
    if run is not None and run.has("data") and task_of(run) is not task:
        raise UsageError(
            f"{path} has the task {task_of(run).name}, and the new data have the task {task.name}",
            hint="choose another run directory",
        )
