"""Pieces side by side: in order, no further ahead than asked, and a failure is the caller's."""

import threading
import time
from collections.abc import Iterator

import pytest

from lstm_cli.data import parallel as module
from lstm_cli.data.parallel import AHEAD_PER_WORKER, MAX_UNTHREADED_ITEMS, ordered_map


@pytest.fixture(autouse=True)
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "usable_workers", lambda: 3)


@pytest.mark.parametrize("count", [0, 1, MAX_UNTHREADED_ITEMS, MAX_UNTHREADED_ITEMS + 1, 50])
def test_results_come_in_the_order_of_the_items_whichever_ends_first(count: int) -> None:
    def slow_at_first(item: int) -> int:
        time.sleep(0.002 * (item % 3 == 0))
        return item * item

    assert list(ordered_map(slow_at_first, iter(range(count)))) == [item * item for item in range(count)]


def test_a_few_are_done_where_they_are_asked_for() -> None:
    def thread(item: int) -> str:
        return threading.current_thread().name

    assert set(ordered_map(thread, range(MAX_UNTHREADED_ITEMS))) == {threading.main_thread().name}
    assert threading.main_thread().name not in set(ordered_map(thread, range(20)))


def test_items_are_not_taken_long_before_they_are_needed() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(1_000):
            taken.append(item)
            yield item

    for results, most in (
        (ordered_map(lambda item: item, items()), MAX_UNTHREADED_ITEMS + 1 + AHEAD_PER_WORKER * 3 + 1),
        (ordered_map(lambda item: item, items(), workers=2, ahead=5), 5 + 2),
    ):
        taken.clear()
        next(results)
        assert len(taken) <= most
        results.close()  # nothing waits for the rest


def test_a_failure_is_raised_where_its_result_would_have_come() -> None:
    def fails(item: int) -> int:
        if item == 7:
            raise ValueError("seven")
        return item

    results = ordered_map(fails, range(50))
    assert [next(results) for _ in range(7)] == list(range(7))
    with pytest.raises(ValueError, match="seven"):
        next(results)


def test_after_a_failure_what_has_not_begun_never_begins() -> None:
    begun: list[int] = []

    def fails(item: int) -> None:
        begun.append(item)
        raise ValueError("at once")

    with pytest.raises(ValueError, match="at once"):
        list(ordered_map(fails, range(1_000), workers=1, ahead=10))
    assert len(begun) <= 11
