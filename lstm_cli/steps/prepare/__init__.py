"""Step `prepare`: data files become scaled series on a time grid, with splits."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from lstm_cli.config import PrepareConfig
from lstm_cli.config.tasks import PrepareOfTasks
from lstm_cli.data.reading.dialect.prose import is_prose
from lstm_cli.data.reading.source import expand_paths
from lstm_cli.events import Listener, Note
from lstm_cli.rundir import writing
from lstm_cli.steps.prepare.report import data_is_up_to_date
from lstm_cli.steps.prepare.work import WORK, AnyReport
from lstm_cli.steps.shared.cached_report import replay_report
from lstm_cli.tasks.settle import (
    hint_at_text,
    is_inferred,
    require_own_options,
    require_same_task,
    settle_task,
)


def prepare(
    source: str | Sequence[str],
    run: Path,
    config: PrepareConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
    stdin: BinaryIO | None = None,
    columns: PrepareOfTasks | None = None,
) -> AnyReport:
    """Read data files and write the run's data; if the data is up to date, return the stored report.

    Args:
        source: a path, `-`, a pattern, or several paths.
        run: path of the run directory.
        config: settings of the step.
        listen: receives progress events and warnings.
        force: prepare even if the data is up to date or `run.json` is corrupt.
        lock_wait: seconds to wait for the lock of the run.
        sources: origin of each setting, for the manifest.
        stdin: standard input, read for `-`.
        columns: task, and settings that only some tasks have; None: their defaults.

    Raises:
        LstmError: the data, a setting or the output is not usable. Then nothing is written.
    """
    columns = columns or PrepareOfTasks()
    paths = expand_paths(source)
    task = settle_task(config, columns, paths, partial(is_prose, encoding=config.encoding))
    require_own_options(task, "prepare", config, columns)
    if is_inferred(task, columns):
        listen(
            Note(
                text=f"task {task.name}: no column of numbers, so the file is {task.title} (--task changes it)"
            )
        )
    work = WORK[task.name]
    settings = work.settle(config, columns)  # before the slow reading
    with writing(
        run, step="prepare", create=True, lock_wait=lock_wait, sources=sources, force=force
    ) as writer:
        require_same_task(writer.run, task, run)
        if not force and data_is_up_to_date(writer.run, paths, settings):
            assert writer.run is not None
            return replay_report(work.report(), writer.run, "prepare")
        with hint_at_text(task, columns, paths):
            return work.prepare(writer, paths, settings, listen, stdin)
