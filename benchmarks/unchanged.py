"""How long a step takes that finds nothing changed: fresh processes, on a CSV of so many MB and what was made of it.

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
    """One series with a daily season, in lines of some 30 bytes."""
    moment = datetime(1800, 1, 1)
    with path.open("w") as file:
        file.write("time,load\n")
        row = 0
        while file.tell() < megabytes * 1e6:
            lines = (
                f"{moment + timedelta(hours=one)},{50 + one % 24 + (one * 7919 % 1000) / 1000:.6f}\n"
                for one in range(row, row + 10_000)
            )
            file.write("".join(lines))
            row += 10_000


def timed(command: list[str]) -> tuple[float, float, str]:
    """Seconds on the clock, seconds of the processor, stderr."""
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    told = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command} ended with {child.returncode}: {told}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, told


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=float, default=50)
    parser.add_argument("--repetitions", type=int, default=15)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, run = Path(folder) / "load.csv", str(Path(folder) / "run")
        write_hourly(data, asked.megabytes)
        steps = {
            "prepare": [*LSTM, "prepare", str(data), run, *HORIZON],
            "train": [*LSTM, "train", run, *TRAIN],
        }
        print("| step | least seconds | median | of the processor | the first time |")
        print("| --- | --- | --- | --- | --- |")
        for step, command in steps.items():
            first = timed(command)[0]
            found = [timed(command) for _ in range(asked.repetitions)]
            if not all("up to date" in told for _, _, told in found):
                raise SystemExit(f"{step} was not up to date: {found[0][2]}")
            seconds, processor = (statistics.median(one[place] for one in found) for place in (0, 1))
            least = min(one[0] for one in found)
            print(f"| {step} | {least:.3f} | {seconds:.3f} | {processor:.3f} | {first:.1f} |", flush=True)


if __name__ == "__main__":
    main()
