"""Trainings side by side in threads: torch lets go of the interpreter while it computes."""

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

    One thread each whatever the number of workers, so that the sums are added in the same order and the result
    is the same. A task gets its own `should_stop`, which also ends it once another one has failed; the first
    failure is raised.
    """
    threads = torch.get_num_threads()
    failures: list[BaseException] = []  # the first one is the reason: it ended the others

    def should_stop_task() -> int | None:
        return 0 if failures else should_stop()

    def run(task: Task[Result]) -> Result:
        torch.set_num_threads(1)  # of this thread alone
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
