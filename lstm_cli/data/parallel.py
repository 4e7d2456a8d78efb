"""Pieces of work done side by side in threads, their results in order: NumPy, torch and pyarrow release the GIL.

joblib would not do: it takes items as fast as its threads work, whether or not the results are needed.
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

MAX_WORKERS = 4  # at most
AHEAD_PER_WORKER = 1  # pieces a worker that are begun beyond the one that is needed
MAX_UNTHREADED_ITEMS = 4  # pieces that are not worth a thread


def usable_workers() -> int:
    """Workers that this machine has cores for."""
    return min(MAX_WORKERS, len(os.sched_getaffinity(0)))


def ordered_map(
    func: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int | None = None,
    ahead: int | None = None,
) -> Generator[Result, None, None]:
    """Return what `map` returns, made by threads.

    An error is raised in the place of its result, and what has not begun by then never begins.

    Args:
        what: makes a result of an item.
        items: are taken as they are needed.
        workers: threads; None: one for each core, and no thread at all for a few items.
        ahead: items that are begun, at most, beyond the one that is needed; None: AHEAD for each worker.
    """
    source = iter(items)
    if workers is None:
        first = list(islice(source, MAX_UNTHREADED_ITEMS + 1))
        workers, source = usable_workers(), chain(first, source)
        if len(first) <= MAX_UNTHREADED_ITEMS or workers == 1:
            yield from map(func, source)
            return
    from concurrent.futures import ThreadPoolExecutor  # here: a forecast never needs it

    most = AHEAD_PER_WORKER * workers if ahead is None else ahead
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in source:
                while len(waiting) > most:
                    yield waiting.popleft().result()
                waiting.append(pool.submit(func, item))
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
