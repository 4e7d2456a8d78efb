"""Pieces of work done side by side on all cores, their results in order: NumPy lets go of the interpreter meanwhile."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKERS = 4  # at most
AHEAD = 1  # pieces a worker that are begun before the first of them is needed
FEW = 4  # pieces that are not worth a thread


def usable() -> int:
    """Workers that this machine has cores for."""
    return min(WORKERS, len(os.sched_getaffinity(0)))


def in_order(what: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """As `map`: what is made of each item, in their order. A few items are done one after another."""
    source = iter(items)
    first = list(islice(source, FEW + 1))
    if len(first) <= FEW or usable() == 1:
        yield from map(what, first)
        yield from map(what, source)
        return
    from concurrent.futures import ThreadPoolExecutor  # here: a forecast never needs it

    with ThreadPoolExecutor(usable()) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in chain(first, source):
                while len(waiting) > AHEAD * usable():
                    yield waiting.popleft().result()
                waiting.append(pool.submit(what, item))
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
