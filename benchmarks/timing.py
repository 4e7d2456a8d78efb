"""Time as ratios: what is compared runs in turn in the same minutes, so that a busy machine slows both alike."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from command import CommandFailed


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What one run of a process took."""

    seconds: float
    mib: float  # peak memory


def spent(command: Sequence[str], *, env: Mapping[str, str] | None = None) -> Spent:
    """Runs a command without a word. Raises CommandFailed where it ends otherwise than well."""
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise CommandFailed(f"{' '.join(command)[:80]} ended with {child.returncode}")
    return Spent(seconds=seconds, mib=usage.ru_maxrss / 1024)


class Worker:
    """A process that does a piece of work for each line it is given, and prints a number."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> None:
        self._command = command
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=env,
        )

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def __call__(self) -> float:
        """One piece of work. Raises CommandFailed where the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        for line in self._process.stdout:
            try:
                return float(line)
            except ValueError:  # a library that talks
                continue
        raise CommandFailed(f"{' '.join(self._command)[:80]} ended with {self._process.wait()}")


def in_turn(sides: Mapping[str, Callable[[], float]], repetitions: int) -> dict[str, list[float]]:
    """What every side gave, one repetition of each after the other; a first one of each is thrown away."""
    for side in sides.values():
        side()
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repetitions):
        for name, side in sides.items():
            found[name].append(side())
    return found


def ratio(own: Sequence[float], other: Sequence[float]) -> float:
    """The median of the ratios of repetitions that ran beside each other."""
    return statistics.median(one / beside for one, beside in zip(own, other, strict=True))


def fresh(
    own: Sequence[str], other: Sequence[str], repetitions: int, *, env: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Two commands in fresh processes: both medians of seconds and peak MiB, and the ratio of the seconds."""
    memory: dict[str, list[float]] = {"own": [], "other": []}

    def once(name: str, command: Sequence[str]) -> float:
        found = spent(command, env=env)
        memory[name].append(found.mib)
        return found.seconds

    taken = in_turn({"own": lambda: once("own", own), "other": lambda: once("other", other)}, repetitions)
    return {
        "ratio": ratio(taken["own"], taken["other"]),
        "own": statistics.median(taken["own"]),
        "other": statistics.median(taken["other"]),
        "own_mib": statistics.median(memory["own"]),
        "other_mib": statistics.median(memory["other"]),
    }
