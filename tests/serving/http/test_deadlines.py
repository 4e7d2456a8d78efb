"""Tests of deadlines: one timer serves all requests, and an answered request is forgotten."""

import asyncio

from lstm_cli.serving.messages.deadlines import Deadline, Deadlines


def test_each_request_that_waits_expires_and_an_answered_one_does_not() -> None:
    expired: list[str] = []

    async def main() -> None:
        deadlines = Deadlines(0.01)

        def begin(name: str, ended: asyncio.Event) -> Deadline:
            deadline = deadlines.begin()
            deadline.expire = lambda: (expired.append(name), ended.set())
            return deadline

        first, third = asyncio.Event(), asyncio.Event()
        waiting, idle = begin("first", first), deadlines.begin()
        deadlines.end(begin("answered", asyncio.Event()))
        await asyncio.wait_for(first.wait(), 300)
        while not idle.is_over:
            await asyncio.sleep(0)
        assert waiting.is_over
        begin("third", third)  # the timer starts again
        await asyncio.wait_for(third.wait(), 300)
        assert not deadlines._open

    asyncio.run(main())
    assert expired == ["first", "third"]
