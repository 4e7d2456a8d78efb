"""Accuracy, CPU seconds and size of lstm and of other forecasting tools, on the same rows.

make -C benchmarks peers && .venv/bin/python benchmarks/comparison.py --peers benchmarks/.peers
.venv/bin/python benchmarks/comparison.py --peers benchmarks/.peers --only hourly --tools prophet darts

Each tool runs in its own environment, on one thread. It may train on all rows before the test rows, and each of its
forecasts may read all rows before the origin. The origins are those of every N-th test window of `lstm evaluate`.
Tables are Markdown, and each row is printed when it is measured. A row that fails prints its error, and the script
continues. The exit code is then 1.
"""

import argparse
import csv
import dataclasses
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import timing
from command import CommandFailed, Notebook, lstm
from comparison_tasks import (
    ALONE,
    TASKS,
    Forecast,
    Measured,
    Prepared,
    Scores,
    Task,
    difference,
    read_measured,
    score,
)
from speed import machine

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
WORKERS = Path(__file__).with_name("peers")
TABLES = (*(task.name for task in TASKS), "size")


@dataclass(frozen=True, kw_only=True)
class Tool:
    """Tool with its models by task, and its import."""

    models: dict[str, dict[str, str]]  # by task: name of the model in the worker, and label
    start: str  # statement that imports what a forecast needs


TOOLS = {
    "prophet": Tool(
        models={task.name: {"prophet": "defaults"} for task in TASKS}, start="import prophet"
    ),
    "darts": Tool(
        models={
            "hourly": {"linear": "LinearRegressionModel", "tsmixer": "TSMixerModel"},
            "panel": {"linear": "LinearRegressionModel"},
            "monthly": {"smoothing": "ExponentialSmoothing"},
        },
        start="from darts.models import TSMixerModel",
    ),
    "statsforecast": Tool(
        models={
            "hourly": {"mstl": "MSTL"},
            "panel": {"arima": "AutoARIMA"},
            "monthly": {"arima": "AutoARIMA", "ets": "AutoETS"},
        },
        start="import statsforecast",
    ),
    "neuralforecast": Tool(
        models={
            "hourly": {"nhits": "NHITS", "lstm": "LSTM"},
            "panel": {"nhits": "NHITS"},
            "monthly": {"nhits": "NHITS"},
        },
        start="import neuralforecast",
    ),
    "autogluon": Tool(
        models={
            "hourly": {"medium_quality": "medium_quality"},
            "panel": {"medium_quality": "medium_quality"},
            "monthly": {"high_quality": "high_quality"},
        }, start="import autogluon.timeseries"
    ),
}  # fmt: skip


def parse_arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--peers", type=Path, metavar="FOLDER", required=True, help="environments of `make peers`"
    )
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES), help="tables to print")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS), help="other tools to run")
    parser.add_argument("--repetitions", type=int, default=5, help="timed imports of each tool")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="keep each measurement there, and do not repeat a kept one",
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every figure as a line of JSON")
    return parser.parse_args(words)


def children_seconds() -> float:
    """Return the CPU seconds of all ended child processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def own(prepared: Prepared) -> Measured:
    """Train with the defaults of `lstm train`, then forecast each origin by `lstm predict` in a fresh process."""
    output, task, made = prepared.folder / "forecast.csv", prepared.task, {}
    before = children_seconds()
    lstm("train", prepared.run_dir, "--threads", "1")
    trained = children_seconds() - before
    for origin in prepared.origins:
        known = str(prepared.write_known(origin))
        lstm("predict", prepared.run_dir, known, "-o", str(output), "--threads", "1")
        point, low, high = (
            read_column(output, task.series, task.target + suffix) for suffix in ("", "_lo80", "_hi80")
        )
        for name, values in point.items():
            made[name, origin] = Forecast(point=values, low=low[name], high=high[name])
    return Measured(forecasts=made, seconds=children_seconds() - before, trained=trained)


def read_column(file: Path, series: str, column: str) -> dict[str, np.ndarray]:
    """Return a column of a forecast file by series.

    Args:
        file: CSV file of `lstm predict`.
        series: column with the names of the series; empty: one series.
        column: column to read.
    """
    result: dict[str, list[float]] = {}
    with file.open(newline="") as opened:
        for line in csv.DictReader(opened):
            result.setdefault(line[series] if series else ALONE, []).append(float(line[column]))
    return {name: np.array(values) for name, values in result.items()}


def other(prepared: Prepared, python: Path, tool: str, model: str) -> Measured:
    """Return the forecasts of another tool.

    Args:
        prepared: task.
        python: interpreter of the tool's environment.
        tool: key of TOOLS.
        model: name of the model in its worker.

    Raises:
        CommandFailed: the worker failed.
    """
    written, before = prepared.folder / "forecasts.json", children_seconds()
    words = [str(python), str(WORKERS / f"windows_{tool}.py"), str(prepared.write_job()), str(written), model]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=prepared.folder)
    if done.returncode:
        message = (done.stderr.splitlines() or ["no error message"])[-1]
        raise CommandFailed(f"{tool}: exit {done.returncode}: {message}")
    return dataclasses.replace(read_measured(written), seconds=children_seconds() - before)


def measured_once(kept: Path | None, name: str, measure: Callable[[], Measured]) -> Measured:
    """Return what was measured before and kept, else measure it.

    Args:
        kept: folder of the kept measurements; None: keep none.
        name: name of the file.
        measure: function that measures.
    """
    file = None if kept is None else kept / f"{name}.json"
    if file is not None and file.exists():
        return read_measured(file)
    found = measure()
    if file is not None:
        found.write(file)
    return found


def run_task(
    notebook: Notebook, task: Task, environments: Path, tools: Sequence[str], kept: Path | None
) -> None:
    """Print the table of one task.

    Args:
        notebook: printer of the rows.
        task: task to run.
        environments: folder that `make peers` wrote.
        tools: keys of TOOLS.
        kept: folder of the kept measurements; None: keep none.
    """
    with tempfile.TemporaryDirectory() as folder, notebook.attempt(task.title):
        prepared = Prepared(task, Path(folder))
        count = len(prepared.origins) * len(prepared.rows)
        notebook.say(f"\n## {task.title}\n\n{count} forecasts from {len(prepared.origins)} origins.\n")
        notebook.head(
            "tool", "model", "MAE", "MASE", "MASE of lstm is lower by, %", "90 % interval", "coverage 80",
            "CPU seconds", "of these to train", "CPU seconds / lstm's",
        )  # fmt: skip
        mine = measured_once(kept, f"{task.name}-lstm", lambda: own(prepared))
        scored = score(prepared, mine.forecasts)

        def row(tool: str, label: str, found: Measured, compared_with: Scores | None) -> None:
            scores = score(prepared, found.forecasts)
            cells = compared(prepared, compared_with, scores) if compared_with else ("", "")
            costs = (
                (found.seconds, found.trained, found.seconds / mine.seconds) if found.seconds else [""] * 3
            )
            notebook.row(tool, label, scores.mae, scores.mase, *cells, scores.coverage, *costs)
            notebook.keep(
                task=task.name, tool=tool, model=label, mae=scores.mae, mase=scores.mase,
                coverage=scores.coverage, difference=cells, costs=costs,
            )  # fmt: skip

        row("lstm", "defaults", mine, None)
        naive = Measured(forecasts=prepared.seasonal_naive(), seconds=0, trained=None)
        row("seasonal naive", "", naive, scored)
        for tool in tools:
            python = (environments / tool / "bin" / "python").absolute()
            for model, label in TOOLS[tool].models[task.name].items():
                with notebook.attempt(tool, label):
                    name = f"{task.name}-{tool}-{model}"
                    found = measured_once(kept, name, partial(other, prepared, python, tool, model))
                    row(tool, label, found, scored)


def compared(prepared: Prepared, own: Scores, other: Scores) -> tuple[str, str]:
    """Return the cells of the difference to lstm and of its interval."""
    found, low, high = difference(prepared, own, other)
    return f"{found:.1f}", f"{low:.0f} to {high:.0f}"


def sizes(notebook: Notebook, environments: Path, tools: Sequence[str], repetitions: int) -> None:
    """Print the size of each environment, its packages, and the CPU seconds of its import.

    Args:
        notebook: printer of the rows.
        environments: folder with an environment for each tool, and for lstm and lstm-light if it has them.
        tools: keys of TOOLS.
        repetitions: number of timed imports.
    """
    notebook.say("\n## Size and start\n")
    notebook.head("environment", "MB", "packages", "start", "its CPU seconds", "CPU seconds / `lstm --help`")
    helping = [sys.executable, "-m", "lstm_cli", "--help"]
    for name in ("lstm", "lstm-light", *tools):
        with notebook.attempt(name):
            folder = environments / name
            python = str((folder / "bin" / "python").absolute())
            code = (
                [python, "-c", TOOLS[name].start] if name in TOOLS else [python, "-m", "lstm_cli", "--help"]
            )
            taken = timing.fresh(code, helping, repetitions, clock="cpu")
            start = f"`{TOOLS[name].start}`" if name in TOOLS else "`lstm --help`"
            packages = len(list(folder.glob("lib/python*/site-packages/*.dist-info")))
            megabytes = disk_megabytes(folder)
            notebook.row(name, f"{megabytes:,.0f}", packages, start, taken["own"], taken["ratio"])
            notebook.keep(table="size", name=name, megabytes=megabytes, packages=packages, **taken)


def disk_megabytes(folder: Path) -> float:
    """Return the size of the files in a folder, as `du` counts them, in MB of a million bytes."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*")) / 1e6


def main(words: list[str] | None = None) -> int:
    options = parse_arguments(words)
    for name in THREADS:
        os.environ[name] = "1"  # for all tools
    notebook = Notebook(options.record)
    notebook.say(machine())
    for task in TASKS:
        if task.name in options.only:
            run_task(notebook, task, options.peers, options.tools, options.keep)
    if "size" in options.only:
        sizes(notebook, options.peers, options.tools, options.repetitions)
    return 1 if notebook.failed else 0


if __name__ == "__main__":
    sys.exit(main())
