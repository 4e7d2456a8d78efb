"""Time as ratios: what is compared runs in turn in the same minutes, so that a busy machine slows both alike."""

import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from command import CommandFailed

# wall: as a person waits; cpu: seconds of the processor, for a machine that other work shares.
CLOCKS = {"wall": "perf_counter", "cpu": "process_time"}
LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What one run of a process took."""

    wall: float  # seconds
    cpu: float  # seconds of the processor, on all cores
    mib: float  # peak memory


def spent(command: Sequence[str]) -> Spent:
    """Runs a command without a word. Raises CommandFailed where it ends otherwise than well."""
    words = [sys.executable, "-I", "-S", str(LAUNCH), *command]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    wall, cpu, kib, code = done.stdout.split()
    if int(code):
        raise CommandFailed(f"{' '.join(command)[:80]} ended with {code}")
    return Spent(wall=float(wall), cpu=float(cpu), mib=float(kib) / 1024)


class Worker:
    """A process that does a piece of work for each line it is given, and prints a number."""

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
        """One piece of work. Raises CommandFailed where the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # how it ended is told below
            self._process.stdin.write("\n")
            self._process.stdin.flush()
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
    own: Sequence[str], other: Sequence[str], repetitions: int, clock: str = "wall"
) -> dict[str, float]:
    """Two commands in fresh processes: both medians of seconds and peak MiB, and the ratio of the seconds."""
    memory: dict[str, list[float]] = {"own": [], "other": []}

    def once(name: str, command: Sequence[str]) -> float:
        found = spent(command)
        memory[name].append(found.mib)
        return found.wall if clock == "wall" else found.cpu

    taken = in_turn({"own": lambda: once("own", own), "other": lambda: once("other", other)}, repetitions)
    return {
        "ratio": ratio(taken["own"], taken["other"]),
        "own": statistics.median(taken["own"]),
        "other": statistics.median(taken["other"]),
        "own_mib": statistics.median(memory["own"]),
        "other_mib": statistics.median(memory["other"]),
    }
