"""How long a fresh process takes, as ratios: two commands in turn, medians of many repetitions, peak memory.

.venv/bin/python benchmarks/startup.py --repetitions 15
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
LSTM = str(Path(sys.executable).parent / "lstm")


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds and peak MiB of one run."""
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command} ended with {child.returncode}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def compare(name: str, command: list[str], beside: list[str], repetitions: int) -> None:
    """One row of the table: both commands in turn, so that a busy machine slows both alike."""
    timed(command), timed(beside)  # warm the page cache
    pairs = [(timed(command), timed(beside)) for _ in range(repetitions)]
    own, other = (statistics.median(pair[side][0] for pair in pairs) for side in (0, 1))
    ratio = statistics.median(pair[0][0] / pair[1][0] for pair in pairs)
    memory = statistics.median(pair[0][1] for pair in pairs)
    print(f"| {name} | {ratio:.2f} | {own:.3f} | {other:.3f} | {memory:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=15)
    repetitions = parser.parse_args().repetitions
    python = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        run = str(Path(folder) / "run")
        data = str(ROOT / "sample_data" / "ETTh1.csv")
        subprocess.run(
            [LSTM, "prepare", data, run, "--target", "OT", "--horizon", "24"], check=True, capture_output=True
        )
        subprocess.run([LSTM, "train", run, "--epochs", "1"], check=True, capture_output=True)
        print("| what | ratio | seconds | seconds of the other | peak MiB |")
        print("| --- | --- | --- | --- | --- |")
        typer, runtime = [python, "-c", "import typer"], [python, "-c", "import numpy, onnxruntime"]
        compare("`lstm --help` / `import typer`", [LSTM, "--help"], typer, repetitions)
        compare(
            "`lstm predict RUN` / `import numpy, onnxruntime`", [LSTM, "predict", run], runtime, repetitions
        )
        compare(
            "`lstm predict RUN NEW.csv` (17,420 rows) / the same",
            [LSTM, "predict", run, data],
            runtime,
            repetitions,
        )


if __name__ == "__main__":
    main()
