"""Time of `prepare` and `train` if nothing changed, in fresh processes, on a large CSV file.

.venv/bin/python benchmarks/unchanged.py --megabytes 50 --repetitions 15
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

LSTM = [sys.executable, "-m", "lstm_cli"]
HORIZON = ["--target", "load", "--horizon", "24", "--lookback", "48", "--season", "24"]
TRAIN = ["--parts", "linear", "--no-refit", "--threads", "1"]


def write_hourly(path: Path, megabytes: float) -> None:
    """Write one series with a daily season, in lines of about 30 bytes."""
    moment = datetime(1800, 1, 1)
    with path.open("w") as file:
        file.write("time,load\n")
        row = 0
        while file.tell() < megabytes * 1e6:
            lines = (
                f"{moment + timedelta(hours=item)},{50 + item % 24 + (item * 7919 % 1000) / 1000:.6f}\n"
                for item in range(row, row + 10_000)
            )
            file.write("".join(lines))
            row += 10_000


def timed(command: list[str]) -> tuple[float, float, str]:
    """Return the elapsed seconds, CPU seconds and stderr of a command."""
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command} failed with exit code {child.returncode}: {errors}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, errors


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=float, default=50, help="size of the CSV file")
    parser.add_argument("--repetitions", type=int, default=15, help="timed runs of each step")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, run = Path(folder) / "load.csv", str(Path(folder) / "run")
        write_hourly(data, options.megabytes)
        steps = {
            "prepare": [*LSTM, "prepare", str(data), run, *HORIZON],
            "train": [*LSTM, "train", run, *TRAIN],
        }
        print("| step | lowest seconds | median seconds | CPU seconds | seconds of the first run |")
        print("| --- | --- | --- | --- | --- |")
        for step, command in steps.items():
            first = timed(command)[0]
            result = [timed(command) for _ in range(options.repetitions)]
            if not all("up to date" in errors for _, _, errors in result):
                raise SystemExit(f"{step} was not up to date: {result[0][2]}")
            seconds, cpu_seconds = (statistics.median(item[place] for item in result) for place in (0, 1))
            least = min(item[0] for item in result)
            print(f"| {step} | {least:.3f} | {seconds:.3f} | {cpu_seconds:.3f} | {first:.1f} |", flush=True)


if __name__ == "__main__":
    main()
