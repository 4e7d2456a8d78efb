"""Trainings in parallel threads; torch releases the interpreter lock while it computes."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from lstm_cli.data.parallel import ordered_map

Result = TypeVar("Result")
Task = Callable[[Callable[[], int | None]], Result]


def run_in_threads(
    tasks: Sequence[Task[Result]], *, workers: int, should_stop: Callable[[], int | None]
) -> list[Result]:
    """Return the results of the tasks, in their order; at most `workers` run at a time, each on one CPU thread.

    One thread per task keeps the order of sums, so the result does not depend on `workers`. After a failure, the
    `should_stop` of the other tasks ends them, and the first failure is raised.

    Args:
        tasks: functions of a `should_stop` of their own.
        workers: tasks that run at a time.
        should_stop: returns the number of a signal to stop at, else None.
    """
    threads = torch.get_num_threads()
    failures: list[BaseException] = []  # the first one is the cause of the others

    def should_stop_task() -> int | None:
        return 0 if failures else should_stop()

    def run(task: Task[Result]) -> Result:
        torch.set_num_threads(1)  # only of this thread
        try:
            return task(should_stop_task)
        except BaseException as error:
            failures.append(error)
            raise

    try:
        return list(ordered_map(run, tasks, workers=max(1, workers), ahead=len(tasks)))
    except BaseException:
        if not failures:
            raise
        raise failures[0] from failures[0].__cause__
    finally:
        torch.set_num_threads(threads)
