"""How far a program runs ahead of a GPU, which takes its steps from a queue."""

from collections import deque

import torch

QUEUED = 4  # steps that a GPU is given ahead: enough that it never waits for the next one


class Pace:
    """Keeps the program no more than some steps ahead of a GPU: else a signal would wait for all that is queued."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._ends: deque[torch.cuda.Event] = deque()

    def step(self) -> None:
        """Called after each step was started; waits for one that is long under way. On the CPU nothing is queued."""
        if self._device.type == "cpu":
            return
        end = torch.cuda.Event(blocking=True)
        end.record(torch.cuda.current_stream(self._device))
        self._ends.append(end)
        if len(self._ends) > QUEUED:
            self._ends.popleft().synchronize()
