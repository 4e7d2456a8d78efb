"""Speed of what users wait for, as ratios to other commands that run in the same minutes.

.venv/bin/python benchmarks/speed.py
.venv/bin/python benchmarks/speed.py --only start training --repetitions 5 --threads 1
make -C benchmarks peers && .venv/bin/python benchmarks/speed.py --peers benchmarks/.peers

Ratios are medians over repetitions. The sides run alternately, so a busy machine slows all of them equally. Tables are
Markdown, and each row is printed when it is measured. A row that fails prints its error, and the script continues. The
exit code is then 1.
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import on_export
import on_forecast
import on_int8
import on_peers
import on_processes
import on_reading
import on_stages
import on_start
import on_training
import timing
from command import Notebook

TABLES = (
    "start",
    "reading",
    "forecast",
    "training",
    "processes",
    "accuracy",
    "precision",
    "int8",
    "export",
    "stages",
)


def parse_arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES), help="tables to print")
    parser.add_argument("--repetitions", type=int, default=7, help="timed runs of each side")
    parser.add_argument(
        "--threads", type=int, nargs="+", help="CPU threads; default: 1 and all cores for training, else all"
    )
    parser.add_argument(
        "--clock",
        choices=timing.CLOCKS,
        default="wall",
        help="clock of start and training; cpu: CPU seconds, for a machine that is not idle",
    )
    parser.add_argument("--steps", type=int, default=10, help="training steps in a repetition")
    parser.add_argument("--rows", type=int, default=5_000_000, help="rows of the CSV file")
    parser.add_argument(
        "--pandas", default=sys.executable, metavar="PYTHON", help="interpreter whose pandas reads it too"
    )
    parser.add_argument(
        "--before", type=Path, metavar="TREE", help="checkout of another version that reads the file too"
    )
    parser.add_argument("--series", type=int, default=10_000, help="series of the forecast")
    parser.add_argument(
        "--hidden", type=int, nargs="+", default=[64, 128, 512], help="units of the int8 networks"
    )
    parser.add_argument("--epochs", type=int, default=3, help="epochs of the networks of int8 and stages")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="random seeds")
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="environments of `make peers`")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every figure as a line of JSON")
    return parser.parse_args(words)


def machine() -> str:
    """Return the CPU, its usable cores and load, and the versions of Python and of the main packages."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        model = next(
            (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model
        )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "onnxruntime", "numpy", "typer"))
    busy = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "?"
    return f"{model}, {cores} cores, load {busy}; Python {platform.python_version()}, {packages}"


def main(words: list[str] | None = None) -> int:
    options = parse_arguments(words)
    notebook = Notebook(options.record)
    notebook.say(machine())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = options.threads or sorted({1, cores})
    with tempfile.TemporaryDirectory() as folder:
        peers = on_peers.found(notebook, options.peers, Path(folder))
        fresh = {name: peer.forecast for name, peer in peers.items()}
        loops = {name: peer.train for name, peer in peers.items()}
        tables: dict[str, Callable[[], None]] = {
            "start": lambda: on_start.run(notebook, options.repetitions, options.clock, fresh),
            "reading": lambda: on_reading.run(
                notebook, min(5, options.repetitions), options.rows, options.pandas, options.before
            ),
            "forecast": lambda: on_forecast.run(
                notebook, options.repetitions, series=options.series, threads=options.threads and threads[0]
            ),
            "training": lambda: on_training.run(
                notebook,
                options.repetitions,
                threads=threads,
                steps=options.steps,
                clock=options.clock,
                peers=loops,
            ),
            "processes": lambda: on_processes.run(notebook, options.repetitions, steps=options.steps),
            "accuracy": lambda: on_training.to_accuracy(notebook, options.seeds),
            "precision": lambda: on_training.precisions(notebook, options.seeds),
            "int8": lambda: on_int8.run(notebook, options.hidden, options.epochs),
            "export": lambda: on_export.run(notebook, options.repetitions),
            "stages": lambda: on_stages.run(notebook, options.epochs),
        }
        for name in options.only:
            tables[name]()
    return 1 if notebook.failed else 0


if __name__ == "__main__":
    sys.exit(main())
