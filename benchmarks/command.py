"""The command line as a person runs it: one process a command, its --json report, its seconds."""

import dataclasses
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

AS_IT_IS = "as it is"  # no option is given: the tool's own default


class CommandFailed(Exception):
    """A command ended otherwise than well; the message is its last line of error."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """How one model is trained: everything that a row of a table differs by but its data."""

    effort: str = AS_IT_IS  # fast, default, best
    refit: str = AS_IT_IS  # refit, no-refit
    further: tuple[str, ...] = ()  # words passed to `lstm train` as they are
    threads: int | None = None  # CPU threads of each command

    def options(self) -> list[str]:
        words = [] if self.effort == AS_IT_IS else ["--effort", self.effort]
        words += [] if self.refit == AS_IT_IS else [f"--{self.refit}"]
        return [*words, *self.further, *self.thread_options()]

    def thread_options(self) -> list[str]:
        return [] if self.threads is None else ["--threads", str(self.threads)]


def lstm(*arguments: str) -> tuple[dict, float]:
    """Runs one command; its --json report and its seconds as a whole process. Raises CommandFailed."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "lstm_cli", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
        said = (errors or done.stderr.splitlines() or ["nothing was said"])[-1]
        raise CommandFailed(f"lstm {arguments[0]}: exit {done.returncode}: {said}")
    return json.loads(done.stdout), time.perf_counter() - began


class Notebook:
    """Prints rows of Markdown tables at once, and keeps what was measured as JSON lines where a file is named."""

    def __init__(self, record: Path | None) -> None:
        self.record = record
        self.failed = 0

    def head(self, *names: str) -> None:
        self.row(*names)
        self.row(*("---" for _ in names))

    def row(self, *cells: object) -> None:
        print("| " + " | ".join(shown(cell) for cell in cells) + " |", flush=True)

    def say(self, text: str) -> None:
        print(text, flush=True)

    def keep(self, **measured: object) -> None:
        if self.record is not None:
            with self.record.open("a") as file:
                file.write(json.dumps(measured, ensure_ascii=False) + "\n")

    @contextmanager
    def attempt(self, *cells: object) -> Iterator[None]:
        """What fails inside becomes a row that says so, and the next row is begun."""
        try:
            yield
        except (CommandFailed, OSError, ValueError, KeyError) as error:
            self.failed += 1
            self.row(*cells, f"failed: {str(error).replace('|', '/')}")
            self.keep(cells=[shown(cell) for cell in cells], failed=str(error))


def shown(cell: object) -> str:
    if isinstance(cell, float):
        digits = 4 if abs(cell) < 10 else 3 if abs(cell) < 100 else 1
        return f"{cell:.{digits}f}" if abs(cell) < 1e6 else f"{cell:.3e}"
    return "" if cell is None else str(cell)


def each_seed(notebook: Notebook, seeds: list[int], cells: tuple, once: Callable[[int], dict]) -> list[dict]:
    """What `once` measured for every seed that did not fail."""
    found = []
    for seed in seeds:
        with notebook.attempt(*cells, f"seed {seed}"):
            found.append(once(seed))
    return found


def medians(notebook: Notebook, label: tuple, found: list[dict]) -> None:
    """A row of the medians over the seeds; none where every seed failed."""
    if found:
        middle = (statistics.median(one[key] for one in found) for key in found[0])
        notebook.row(*label, "**median**", *middle)
