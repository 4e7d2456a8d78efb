"""Timing of commands that run alternately, so a busy machine slows both sides equally."""

import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from command import CommandFailed

# wall: elapsed seconds; cpu: CPU seconds, for a machine that is not idle.
CLOCKS = {"wall": "perf_counter", "cpu": "process_time"}
LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Time and memory of one process."""

    wall: float  # elapsed seconds
    cpu: float  # CPU seconds on all cores
    mib: float  # peak memory in MiB


def spent(command: Sequence[str]) -> Spent:
    """Return the time and memory of a command. Raise CommandFailed if its exit code is not 0."""
    words = [sys.executable, "-I", "-S", str(LAUNCH), *command]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    wall, cpu, kib, code = done.stdout.split()
    if int(code):
        raise CommandFailed(f"{' '.join(command)[:80]} ended with {code}")
    return Spent(wall=float(wall), cpu=float(cpu), mib=float(kib) / 1024)


class Worker:
    """Process that does some work for each line on stdin, then prints a number."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, text=True)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        with suppress(BrokenPipeError):
            self._process.communicate()

    def __call__(self) -> float:
        """Return the number after one piece of work. Raise CommandFailed if the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # the exit code is reported below
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        for line in self._process.stdout:
            try:
                return float(line)
            except ValueError:  # output of a library
                continue
        raise CommandFailed(f"{' '.join(self._command)[:80]} ended with {self._process.wait()}")


def in_turn(sides: Mapping[str, Callable[[], float]], repetitions: int) -> dict[str, list[float]]:
    """Return the figures of each side, which run alternately. The first run of each is not counted."""
    for side in sides.values():
        side()
    result: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repetitions):
        for name, side in sides.items():
            result[name].append(side())
    return result


def ratio(own: Sequence[float], other: Sequence[float]) -> float:
    """Return the median of the ratios of paired repetitions."""
    return statistics.median(first / second for first, second in zip(own, other, strict=True))


def fresh(
    own: Sequence[str], other: Sequence[str], repetitions: int, clock: str = "wall"
) -> dict[str, float]:
    """Return the median seconds and peak MiB of two commands, and the ratio of the seconds.

    Args:
        own: command of lstm.
        other: command to compare with.
        repetitions: number of timed runs of each side.
        clock: wall or cpu.
    """
    memory: dict[str, list[float]] = {"own": [], "other": []}

    def once(name: str, command: Sequence[str]) -> float:
        result = spent(command)
        memory[name].append(result.mib)
        return result.wall if clock == "wall" else result.cpu

    taken = in_turn({"own": lambda: once("own", own), "other": lambda: once("other", other)}, repetitions)
    return {
        "ratio": ratio(taken["own"], taken["other"]),
        "own": statistics.median(taken["own"]),
        "other": statistics.median(taken["other"]),
        "own_mib": statistics.median(memory["own"]),
        "other_mib": statistics.median(memory["other"]),
    }
