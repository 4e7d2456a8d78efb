"""Tests of parallel tasks: their order and their end."""

import threading
import time
from collections.abc import Callable

import pytest
import torch

from lstm_cli.errors import Interrupted, TrainingDiverged
from lstm_cli.training.recipes.parallel import run_in_threads

Stop = Callable[[], int | None]


def never() -> None:
    return None


def works(stop: Stop, *, limit: float = 300.0) -> str:
    """Run until should_stop returns a signal, as `fit` does."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        signum = stop()
        if signum is not None:
            raise Interrupted(signum)
        time.sleep(0.001)
    raise AssertionError("nobody ended it")


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_the_order_of_the_tasks(workers: int) -> None:
    def task(number: int) -> Callable[[Stop], int]:
        def run(stop: Stop) -> int:
            time.sleep(0.01 * (3 - number))
            return number

        return run

    assert run_in_threads([task(n) for n in range(3)], workers=workers, should_stop=never) == [0, 1, 2]
    assert run_in_threads([], workers=workers, should_stop=never) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_has_one_thread_and_the_setting_is_restored(workers: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        tasks = [lambda stop: torch.get_num_threads()] * 3
        assert run_in_threads(tasks, workers=workers, should_stop=never) == [1, 1, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_two_workers_run_in_parallel() -> None:
    together = threading.Barrier(2, timeout=1200)
    assert len(run_in_threads([lambda stop: together.wait()] * 2, workers=2, should_stop=never)) == 2


@pytest.mark.parametrize("first", [True, False])
def test_a_failure_ends_the_other_tasks_and_is_raised(first: bool) -> None:
    def fails(stop: Stop) -> str:
        time.sleep(0.02)
        raise TrainingDiverged("not finite")

    tasks = [fails, works] if first else [works, fails]
    with pytest.raises(TrainingDiverged):
        run_in_threads(tasks, workers=2, should_stop=never)


def test_a_signal_ends_all_of_them() -> None:
    requested = iter(range(10_000))
    with pytest.raises(Interrupted) as caught:
        run_in_threads([works, works], workers=2, should_stop=lambda: 15 if next(requested) > 20 else None)
    assert caught.value.exit_code == 128 + 15


def test_after_a_failure_waiting_tasks_end_at_once() -> None:
    def fails(stop: Stop) -> str:
        raise TrainingDiverged("not finite")

    with pytest.raises(TrainingDiverged):
        run_in_threads([fails, works], workers=1, should_stop=never)


def test_threads_are_restored_after_a_failure() -> None:
    before = torch.get_num_threads()

    def fails(stop: Stop) -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        run_in_threads([fails], workers=1, should_stop=never)
    assert torch.get_num_threads() == before
