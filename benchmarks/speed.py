"""How fast the tool is where people wait, as ratios to what stands beside it in the same minutes.

.venv/bin/python benchmarks/speed.py
.venv/bin/python benchmarks/speed.py --only start training --repetitions 5 --threads 1
make -C benchmarks peers && .venv/bin/python benchmarks/speed.py --peers benchmarks/.peers

Ratios are medians over interleaved repetitions: one run of each side after the other, so that a busy machine slows
all alike. Tables are Markdown, each row as soon as it is known; what fails becomes a row and the rest goes on (exit
code 1).
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import on_forecast
import on_int8
import on_peers
import on_reading
import on_start
import on_training
import timing
from command import Notebook

TABLES = ("start", "reading", "forecast", "training", "accuracy", "precision", "int8")


def parsed(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES), help="these tables")
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument(
        "--threads", type=int, nargs="+", help="default: 1 and all cores for training, else all"
    )
    parser.add_argument(
        "--clock",
        choices=timing.CLOCKS,
        default="wall",
        help="of start and training; cpu: seconds of the processor, for a machine that other work shares",
    )
    parser.add_argument("--steps", type=int, default=10, help="of training in a repetition")
    parser.add_argument("--rows", type=int, default=5_000_000, help="of the file that is read")
    parser.add_argument(
        "--pandas", default=sys.executable, metavar="PYTHON", help="whose pandas reads it beside"
    )
    parser.add_argument("--series", type=int, default=10_000, help="of the forecast")
    parser.add_argument("--hidden", type=int, nargs="+", default=[64, 128, 512], help="of the int8 networks")
    parser.add_argument("--epochs", type=int, default=3, help="of the int8 networks")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="environments that `make peers` made")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every figure as a line of JSON")
    return parser.parse_args(words)


def machine() -> str:
    """The processor, the cores that may be used, and the versions of what is measured."""
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
    options = parsed(words)
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
                notebook, min(3, options.repetitions), options.rows, options.pandas
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
            "accuracy": lambda: on_training.to_accuracy(notebook, options.seeds),
            "precision": lambda: on_training.precisions(notebook, options.seeds),
            "int8": lambda: on_int8.run(notebook, options.hidden, options.epochs),
        }
        for name in options.only:
            tables[name]()
    return 1 if notebook.failed else 0


if __name__ == "__main__":
    sys.exit(main())
