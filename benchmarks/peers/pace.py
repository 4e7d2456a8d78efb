"""Control of a training loop: some steps for each line on stdin, then the windows per second on stdout."""

import os
import sys
import time


class Pace:
    """Counter of training steps that waits for a line before each `steps` of them."""

    def __init__(self, steps: int, batch: int, clock: str) -> None:
        self.steps, self.batch, self.done, self.began = steps, batch, 0, 0.0
        self.clock = time.perf_counter if clock == "wall" else time.process_time

    def begin(self) -> None:
        """Wait for a line before the first step. Exit at the end of stdin."""
        if not sys.stdin.readline():
            os._exit(0)  # called inside the loop of another library
        self.done, self.began = 0, self.clock()

    def step(self) -> None:
        """Count a step, and print the speed after each `steps` of them."""
        self.done += 1
        if self.done == self.steps:
            print(self.steps * self.batch / (self.clock() - self.began), flush=True)
            self.begin()
