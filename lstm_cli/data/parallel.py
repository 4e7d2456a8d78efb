"""Parallel map in threads with ordered results; NumPy, torch and pyarrow release the GIL.

joblib does not fit: it consumes items as fast as its threads work, even if the results are not needed yet.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_WORKERS = 4
AHEAD_PER_WORKER = 1  # items started early, per worker
MAX_UNTHREADED_ITEMS = 4  # so few items are not worth a thread


def usable_workers() -> int:
    """Return the number of worker threads that fit the cores of this machine."""
    return min(MAX_WORKERS, len(os.sched_getaffinity(0)))


def ordered_map(
    func: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int | None = None,
    ahead: int | None = None,
) -> Generator[Result, None, None]:
    """Yield the results of `map(func, items)` in order, computed by threads.

    An error is raised in place of its result. Items that have not started by then never start.

    Args:
        func: function of one item.
        items: items, consumed as they are needed.
        workers: threads; None is one per core, and no thread for a few items.
        ahead: maximum number of items started beyond the needed one; None is AHEAD_PER_WORKER per worker.
    """
    source = iter(items)
    if workers is None:
        first = list(islice(source, MAX_UNTHREADED_ITEMS + 1))
        workers, source = usable_workers(), chain(first, source)
        if len(first) <= MAX_UNTHREADED_ITEMS or workers == 1:
            yield from map(func, source)
            return
    from concurrent.futures import ThreadPoolExecutor  # lazy: a forecast never needs it

    max_waiting = AHEAD_PER_WORKER * workers if ahead is None else ahead
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in source:
                while len(waiting) > max_waiting:
                    yield waiting.popleft().result()
                waiting.append(pool.submit(func, item))
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
