"""Trainings side by side in threads: torch lets go of the interpreter while it computes."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from lstm_cli.errors import Interrupted

Result = TypeVar("Result")
Task = Callable[[Callable[[], int | None]], Result]


def abreast(
    tasks: Sequence[Task[Result]], *, workers: int, should_stop: Callable[[], int | None]
) -> list[Result]:
    """The results of the tasks, in their order; at most `workers` run at a time, each on one CPU thread.

    One thread each whatever the number of workers, so that the sums are added in the same order and the result
    is the same. A task gets its own `should_stop`, which also ends it once another one has failed; the first
    failure is raised.
    """
    threads = torch.get_num_threads()
    failed = threading.Event()

    def stop() -> int | None:
        return 0 if failed.is_set() else should_stop()

    def run(task: Task[Result]) -> Result:
        torch.set_num_threads(1)  # of this thread alone
        try:
            return task(stop)
        except BaseException:
            failed.set()
            raise

    try:
        with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
            futures = [pool.submit(run, task) for task in tasks]
        errors = [error for future in futures if (error := future.exception()) is not None]
        if errors:
            # What the failure of another one ended is not the reason.
            raise next((error for error in errors if not _ended_by_another(error)), errors[0])
        return [future.result() for future in futures]
    finally:
        torch.set_num_threads(threads)


def _ended_by_another(error: BaseException) -> bool:
    return isinstance(error, Interrupted) and error.exit_code == Interrupted(0).exit_code
