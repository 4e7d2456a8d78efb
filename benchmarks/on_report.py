"""Time, memory and size of `lstm report`, compared with `lstm evaluate` of the same run, which scores all windows.

    .venv/bin/python benchmarks/on_report.py runs/demo runs/thousand

Both commands run alternately in fresh processes, on a copy of the run. Seconds are CPU seconds.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from timing import fresh

LSTM = (sys.executable, "-m", "lstm_cli")


def main() -> None:
    """Print a row of a Markdown table for each run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--repetitions", type=int, default=7)
    options = parser.parse_args()
    print(
        "| run | ratio to `lstm evaluate RUN --force` | CPU seconds | peak MiB | KB |\n" + "| --- " * 5 + "|"
    )
    for run in options.runs:
        with tempfile.TemporaryDirectory() as folder:
            copy, page = shutil.copytree(run, Path(folder) / run.name), Path(folder) / "page.html"
            report = [*LSTM, "report", str(copy), "-o", str(page), "-q"]
            evaluate = [*LSTM, "evaluate", str(copy), "--force", "-q"]
            spent = fresh(report, evaluate, options.repetitions, "cpu")
            size = page.stat().st_size / 1000
        print(
            f"| {run.name} | {spent['ratio']:.2f} | {spent['own']:.2f} | {spent['own_mib']:.0f} | {size:.0f} |"
        )


if __name__ == "__main__":
    main()
