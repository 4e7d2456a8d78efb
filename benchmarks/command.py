"""Calls of the command line in a fresh process, and the printing of tables."""

import dataclasses
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

AS_IT_IS = "as it is"  # no option: the default of lstm


class CommandFailed(Exception):
    """Failure of a command; the message is its last error line."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """Settings of one training, apart from its data."""

    effort: str = AS_IT_IS  # fast, default, best
    refit: str = AS_IT_IS  # refit, no-refit
    further: tuple[str, ...] = ()  # more options of `lstm train`
    threads: int | None = None  # CPU threads of each command

    def options(self) -> list[str]:
        """Return the options of `lstm train`."""
        words = [] if self.effort == AS_IT_IS else ["--effort", self.effort]
        words += [] if self.refit == AS_IT_IS else [f"--{self.refit}"]
        return [*words, *self.further, *self.thread_options()]

    def thread_options(self) -> list[str]:
        """Return the option `--threads`, if it is set."""
        return [] if self.threads is None else ["--threads", str(self.threads)]


def lstm(*arguments: str) -> tuple[dict, float]:
    """Return the --json report of one command and the seconds of its process.

    Raises:
        CommandFailed: the exit code is not 0.
    """
    began = time.perf_counter()
    command = [sys.executable, "-m", "lstm_cli", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
        message = (errors or done.stderr.splitlines() or ["no error message"])[-1]
        raise CommandFailed(f"lstm {arguments[0]}: exit {done.returncode}: {message}")
    return json.loads(done.stdout), time.perf_counter() - began


class Notebook:
    """Printer of Markdown tables, with an optional file of JSON lines."""

    def __init__(self, record: Path | None) -> None:
        self.record = record
        self.failed = 0

    def head(self, *names: str) -> None:
        """Print the header of a table."""
        self.row(*names)
        self.row(*("---" for _ in names))

    def row(self, *cells: object) -> None:
        """Print one row at once."""
        print("| " + " | ".join(shown(cell) for cell in cells) + " |", flush=True)

    def say(self, text: str) -> None:
        """Print a line of text at once."""
        print(text, flush=True)

    def keep(self, **measured: object) -> None:
        """Append the figures to the file as one line of JSON."""
        if self.record is not None:
            with self.record.open("a") as file:
                file.write(json.dumps(measured, ensure_ascii=False) + "\n")

    @contextmanager
    def attempt(self, *cells: object) -> Iterator[None]:
        """Print a failure of the block as a row, then continue."""
        try:
            yield
        except (CommandFailed, OSError, ValueError, KeyError) as error:
            self.failed += 1
            self.row(*cells, f"failed: {str(error).replace('|', '/')}")
            self.keep(cells=[shown(cell) for cell in cells], failed=str(error))


def shown(cell: object) -> str:
    """Return the text of a cell, floats with about 4 digits."""
    if isinstance(cell, float):
        digits = 4 if abs(cell) < 10 else 3 if abs(cell) < 100 else 1
        return f"{cell:.{digits}f}" if abs(cell) < 1e6 else f"{cell:.3e}"
    return "" if cell is None else str(cell)


def each_seed(notebook: Notebook, seeds: list[int], cells: tuple, once: Callable[[int], dict]) -> list[dict]:
    """Return the figures of each seed that did not fail.

    Args:
        notebook: printer of the rows.
        seeds: random seeds.
        cells: first cells of the row that reports a failure.
        once: function that measures one seed.
    """
    result = []
    for seed in seeds:
        with notebook.attempt(*cells, f"seed {seed}"):
            result.append(once(seed))
    return result


def medians(notebook: Notebook, label: tuple, result: list[dict]) -> None:
    """Print a row of the medians over the seeds, or nothing if all seeds failed.

    Args:
        notebook: printer of the row.
        label: first cells of the row.
        result: figures of each seed.
    """
    if result:
        middle = (statistics.median(item[key] for item in result) for key in result[0])
        notebook.row(*label, "**median**", *middle)
