"""How well the intervals hold, through the command line: ETTh1 (8640/2880/2880 rows, 7 channels) and M4 hourly.

.venv/bin/python benchmarks/coverage.py --horizons 96 336 720 --m4 FOLDER

FOLDER holds m4_hourly_train.csv and m4_hourly_test.csv of the M4 competition: a row a series, its name first, empty
cells after its end. The model is trained on the one (--val 48 --test 0), its forecast scored on the other.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

SAMPLE = Path(__file__).parents[1] / "sample_data" / "ETTh1.csv"
CHANNELS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
QUANTILES = {"lo95": 0.025, "lo80": 0.1, "": 0.5, "hi80": 0.9, "hi95": 0.975}


def lstm(*arguments: str) -> dict:
    """The --json report of one command."""
    command = [sys.executable, "-m", "lstm_cli", *arguments, "--json"]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def etth1(horizon: int, training: list[str]) -> dict:
    """evaluate's report on the test rows."""
    targets = [word for channel in CHANNELS for word in ("--target", channel)]
    with tempfile.TemporaryDirectory() as folder:
        run = str(Path(folder) / "run")
        splits = ["--end", "row:14400", "--val", "2880", "--test", "2880"]
        lstm("prepare", str(SAMPLE), run, *targets, "--horizon", str(horizon), *splits)
        lstm("train", run, *training)
        return lstm("evaluate", run)


def wide(path: Path) -> dict[str, list[str]]:
    """Each series' values of a file of M4."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    return {row[0]: [cell for cell in row[1:] if cell] for row in rows}


def m4(source: Path, training: list[str]) -> dict:
    """coverage, width and wql of the forecast on the competition's test values, as evaluate defines them."""
    train, test = (wide(source / f"m4_hourly_{part}.csv") for part in ("train", "test"))
    with tempfile.TemporaryDirectory() as folder:
        long, run, output = (Path(folder) / name for name in ("long.csv", "run", "forecast.csv"))
        with long.open("w") as file:
            file.write("time,series,value\n")
            for name, values in train.items():
                for row, value in enumerate(values):
                    file.write(f"{datetime(2000, 1, 1) + timedelta(hours=row)},{name},{value}\n")
        settings = [
            "--target",
            "value",
            "--series",
            "series",
            "--horizon",
            "48",
            "--val",
            "48",
            "--test",
            "0",
        ]
        lstm("prepare", str(long), str(run), *settings)
        lstm("train", str(run), *training)
        lstm("predict", str(run), "-o", str(output))
        forecast: dict[str, list[dict[str, str]]] = {}
        with output.open(newline="") as file:
            for line in csv.DictReader(file):
                forecast.setdefault(line["series"], []).append(line)
    inside, width, loss, size, count = {"80": 0, "95": 0}, {"80": 0.0, "95": 0.0}, 0.0, 0.0, 0
    for name, values in test.items():
        for line, truth in zip(forecast[name], map(float, values), strict=True):
            at = {key: float(line["value" + (f"_{key}" if key else "")]) for key in QUANTILES}
            for level in inside:
                inside[level] += at[f"lo{level}"] <= truth <= at[f"hi{level}"]
                width[level] += at[f"hi{level}"] - at[f"lo{level}"]
            misses = {key: truth - at[key] for key in QUANTILES}
            loss += 2 * sum(max(q * misses[key], (q - 1) * misses[key]) for key, q in QUANTILES.items()) / 5
            size, count = size + abs(truth), count + 1
    return {
        "coverage": {level: 100 * hits / count for level, hits in inside.items()},
        "width": {level: total / count for level, total in width.items()},
        "wql": loss / size,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--horizons", type=int, nargs="*", default=[96, 336, 720])
    parser.add_argument("--m4", type=Path, metavar="FOLDER")
    parser.add_argument("--seed", default="0")
    options = parser.parse_args()
    training = ["--seed", options.seed]
    print("| data | coverage 80 | coverage 95 | width 80 | width 95 | weighted quantile loss |")
    print("| --- | --- | --- | --- | --- | --- |")
    for horizon in options.horizons:
        show(f"ETTh1, {horizon} steps", etth1(horizon, training))
    if options.m4:
        show("M4 hourly, 48 steps", m4(options.m4, training))


def show(name: str, report: dict) -> None:
    coverage, width = report["coverage"], report["width"]
    shares = " | ".join(f"{coverage[level]:.1f}" for level in ("80", "95"))
    widths = " | ".join(f"{width[level]:.4g}" for level in ("80", "95"))
    print(f"| {name} | {shares} | {widths} | {report['wql']:.4f} |", flush=True)


if __name__ == "__main__":
    main()
