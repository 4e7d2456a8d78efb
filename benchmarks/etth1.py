"""Accuracy on ETTh1 through the command line, beside the published protocol: 8640/2880/2880 rows, 7 channels.

.venv/bin/python benchmarks/etth1.py --horizons 96 --seeds 0 1 2
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SAMPLE = Path(__file__).parents[1] / "sample_data" / "ETTh1.csv"
CHANNELS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")


def lstm(*arguments: str) -> tuple[dict, float]:
    """Runs one command; its --json report and its seconds as a whole process."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "lstm_cli", *arguments, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout), time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--horizons", type=int, nargs="+", default=[96])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--model", default="segment")
    options = parser.parse_args()
    targets = [word for channel in CHANNELS for word in ("--target", channel)]
    print("| horizon | seed | MSE | MAE | linear MSE | linear MAE | training loop, s | `lstm train`, s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for horizon in options.horizons:
        found = []
        with tempfile.TemporaryDirectory() as folder:
            run = str(Path(folder) / "run")
            splits = ["--end", "row:14400", "--val", "2880", "--test", "2880"]
            lstm("prepare", str(SAMPLE), run, *targets, "--horizon", str(horizon), *splits)
            for seed in options.seeds:
                trained, seconds = lstm("train", run, "--model", options.model, "--seed", str(seed))
                scores, _ = lstm("evaluate", run)
                own, linear = scores["metrics"], scores["baselines"]["linear"]
                found.append((own["mse_scaled"], own["mae_scaled"]))
                cells = (own["mse_scaled"], own["mae_scaled"], linear["mse_scaled"], linear["mae_scaled"])
                figures = " | ".join(f"{cell:.4f}" for cell in cells)
                print(
                    f"| {horizon} | {seed} | {figures} | {trained['seconds']:.1f} | {seconds:.1f} |",
                    flush=True,
                )
        medians = " | ".join(f"**{statistics.median(column):.4f}**" for column in zip(*found, strict=True))
        print(f"| {horizon} | median | {medians} | | | | |", flush=True)


if __name__ == "__main__":
    main()
