"""Functions that settle the task of a run, look it up, and refuse what belongs to another task."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_cli.config.layers import flag_name
from lstm_cli.errors import CorruptArtifact, DataError, ForeignFolder, MissingArtifact, UsageError
from lstm_cli.rundir import Run, command, open_run
from lstm_cli.tasks.records import (
    CLASSIFY,
    FORECAST,
    GENERATE,
    PACKED_ENDINGS,
    TASKS,
    TS_ENDING,
    TXT_ENDING,
    Task,
)

if TYPE_CHECKING:
    from lstm_cli.config import PrepareConfig
    from lstm_cli.config.tasks import PrepareOfTasks

# Rules that a text breaks if it is read as a table.
BROKEN_BY_TEXT = frozenset(("D124", "D129", "D131", "D132", "D206", "D302", "D317"))
EMPTY = "D104"  # rule of a file without rows
WINDOWS = "series.json"  # file of data that windows are made of


def settle_task(
    config: "PrepareConfig",
    columns: "PrepareOfTasks",
    sources: Iterable[str],
    is_prose: Callable[[str], bool] = lambda path: False,
) -> Task:
    """Return the task of data: the given one, or that of the settings and files.

    Args:
        config: settings of `prepare`.
        columns: task, and settings that only some tasks have.
        sources: paths of the data.
        is_prose: returns whether a `.txt` file is not a table. It is asked only if the other settings allow a text.
    """
    if columns.task is not None:
        return TASKS[columns.task]
    paths = [str(source) for source in sources]
    if columns.label is not None or _all_end(paths, TS_ENDING):
        return CLASSIFY
    foreign = _foreign_options(GENERATE, "prepare", config, columns)
    if _are_txt(paths) and next(foreign, None) is None and all(map(is_prose, paths)):
        return GENERATE
    return FORECAST


def is_inferred(task: Task, columns: "PrepareOfTasks") -> bool:
    """Return whether a task is the result of a look at the files, which is worth a note."""
    return task is GENERATE and columns.task is None


def _all_end(paths: Sequence[str], ending: str) -> bool:
    return bool(paths) and all(path.lower().endswith(ending) for path in paths)


def _are_txt(paths: Sequence[str]) -> bool:
    """Return whether all files end with `.txt`, which the ending of a compression may follow."""
    endings = tuple(TXT_ENDING + packed for packed in ("", *PACKED_ENDINGS))
    return bool(paths) and all(path.lower().endswith(endings) for path in paths)


@contextmanager
def hint_at_text(task: Task, columns: "PrepareOfTasks", sources: Iterable[str]) -> Iterator[None]:
    """Name the task of texts in the hint of an error about a file that is read as a table, and may be a text.

    Args:
        task: task of the data.
        columns: settings of `prepare` that only some tasks have.
        sources: paths of the data.
    """
    try:
        yield
    except DataError as error:
        paths = [str(source) for source in sources]
        is_doubtful = task is FORECAST and columns.task is None and (paths == ["-"] or _are_txt(paths))
        if is_doubtful and error.rule in BROKEN_BY_TEXT:
            error.hint += f", or add {GENERATE.settled_by.split(' to ')[0]} if this is text"
        elif error.rule == EMPTY and (is_doubtful or task is GENERATE):
            error.hint = "write a table with a header line and rows, or a text"
        raise


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
    for _, item in _foreign_options(task, verb, *settings):
        raise _foreign_option_error(task, verb, item, *settings)


def require_own_values(task: Task, verb: str, kinds: Iterable[type[Any]], given: Mapping[str, Any]) -> None:
    """Raise UsageError for a given value of another task, before the values are checked together.

    Args:
        task: task of the run.
        verb: verb.
        kinds: classes of the settings of the verb.
        given: given values by the name of the setting, not yet checked.
    """
    foreign = {name for other in TASKS.values() for name in other.options.get(verb, ())}
    foreign -= task.options.get(verb, frozenset())
    for item in (item for kind in kinds for item in fields(kind)):
        value = given.get(item.name, item.default)
        if item.name in foreign and value != item.default and (value or item.default):
            raise _foreign_option_error(task, verb, item)


def _foreign_option_error(task: Task, verb: str, item: "Field[Any]", *settings: Any) -> UsageError:
    """Return the error for an option that a task does not have. It names all tasks that have the option.

    Args:
        task: task of the run.
        verb: verb.
        item: setting.
        *settings: settings of the verb, one of which may have the task of the run.
    """
    others = [other for other in TASKS.values() if item.name in other.options.get(verb, ())]
    names = " and ".join(other.name for other in others)
    flag = _flag(item)
    return UsageError(
        f"{flag} is an option of the task{'s' if len(others) > 1 else ''} {names}, but this run is {task.title}",
        hint=f"leave out {flag}{''.join(_instead(other, verb, *settings) for other in others)}",
        flag=flag,
    )


def _foreign_options(task: Task, verb: str, *settings: Any) -> Iterator[tuple[Task, "Field[Any]"]]:
    """Yield each setting that a task does not have and that does not have its default, and a task that has it."""
    own = task.options.get(verb, frozenset())
    for other in TASKS.values():
        names = other.options.get(verb, frozenset()) - own
        for config in settings:
            for item in fields(config):
                if item.name in names and getattr(config, item.name) != item.default:
                    yield other, item


def _instead(task: Task, verb: str, *settings: Any) -> str:
    """Return the rest of a hint: how a new run gets the task of an option.

    Args:
        task: task of the option.
        verb: verb.
        *settings: settings of the verb, one of which may have the task of the run.
    """
    if verb == "prepare" and any(getattr(config, "task", None) for config in settings):
        return f", or use --task {task.name}"
    return f", or add {task.settled_by}" if verb == "prepare" and task.settled_by else ""


def _flag(item: Any) -> str:
    """Return the flag of a setting, such as --output of `-o --output`."""
    declared: str = item.metadata.get("flag") or flag_name(item.name)
    return declared.split("/")[0].split()[-1]


def require_verb_for_files(task: Task, verb: str, sources: Sequence[str], *, inferred: bool) -> None:
    """Raise UsageError if the task of data files does not have a verb.

    Args:
        task: task of the files.
        verb: verb.
        sources: paths of the data.
        inferred: whether the files decided the task, and not an option.
    """
    if verb in task.excluded:
        from lstm_cli.data.locations import dataset_name  # loads NumPy

        names = " ".join(map(shlex.quote, sources))
        text = f"holds no table, but {task.title} (task {task.name})"
        raise UsageError(
            f"{dataset_name(sources)} {text}, which 'lstm {verb}' does not read"
            if inferred
            else f"'lstm {verb}' has no task {task.name}, which is {task.title}",
            hint=f"'lstm prepare {names} RUN{'' if inferred else f' --task {task.name}'}' reads it",
            flag="" if inferred else "--task",
        )


def require_verb(run: Run, verb: str) -> None:
    """Raise UsageError if the task of a run does not have a verb."""
    require_verb_of(task_of(run), verb, run.path)


def require_verb_of(task: Task, verb: str, path: Path) -> None:
    """Raise UsageError if a task does not have a verb.

    Args:
        task: task of a run.
        verb: verb, with an option such as --find-lr if only this is excluded.
        path: path of the run, for messages.
    """
    if verb in task.excluded:
        raise UsageError(
            f"{path} holds {task.title} (task {task.name}), and 'lstm {verb}' has no such task",
            hint=f"run '{command('evaluate', path)}', or use 'lstm {verb}' on a run of the task {FORECAST.name}",
        )


def require_start(source: Run, run: Run) -> None:
    """Raise UsageError if a training would start at a model of another task.

    Args:
        source: run of the model.
        run: run to train.
    """
    if task_of(source) is not task_of(run):
        raise UsageError(
            f"--from {source.path} has the task {task_of(source).name}, and {run.path} the task {task_of(run).name}",
            hint="choose a run of the same task",
            flag="--from",
        )


def require_windows(run: Run) -> None:
    """Raise UsageError if the task of a run has no windows of rows."""
    task = task_of(run)
    if WINDOWS not in task.files["data"]:
        raise UsageError(
            f"{run.path} holds {task.title}, which have no windows",
            hint=f"use a run of the task {FORECAST.name}",
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
