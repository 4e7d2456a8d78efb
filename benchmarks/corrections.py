"""Figures that release 0.1.0 printed wrongly, on small data that this script makes.

.venv/bin/python benchmarks/corrections.py
PYTHONPATH=CHECKOUT_OF_0.1.0 .venv/bin/python benchmarks/corrections.py

Run the script with both releases and compare. Each case runs a few commands. `--only NAME` selects cases.
"""

import argparse
import csv
import hashlib
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from math import pi, sin
from pathlib import Path

import numpy as np
from command import CommandFailed, Notebook, lstm

TINY = ("--epochs", "1", "--hidden", "4", "--threads", "1")
LINEAR = ("--parts", "linear", "--threads", "1")
START = datetime(2024, 1, 1)


def write(file: Path, header: str, rows: list[str]) -> str:
    """Write a CSV file and return its path.

    Args:
        file: path of the file.
        header: first line.
        rows: other lines.
    """
    file.write_text("\n".join([header, *rows]) + "\n")
    return str(file)


def hours(count: int, cell: Callable[[int], str]) -> list[str]:
    """Return hourly rows. `cell` returns the text after the time."""
    return [f"{START + timedelta(hours=row):%Y-%m-%d %H:%M},{cell(row)}" for row in range(count)]


def two_seasons(row: int, rng: random.Random) -> float:
    """Return a load with a daily cycle, a lower level at the weekend, and noise."""
    week = 1.0 if row // 24 % 7 < 5 else 0.4
    return 40 + 25 * week * (1 + 0.5 * sin(2 * pi * row / 24)) + 8 * (rng.random() - 0.5)


def hourly(folder: Path, rows: int = 1200) -> str:
    """Write one hourly series with both seasons."""
    rng = random.Random(1)
    return write(folder / "load.csv", "time,load", hours(rows, lambda row: f"{two_seasons(row, rng):.2f}"))


def zeros(folder: Path) -> dict[str, object]:
    """Return the coverage and sMAPE of shops that sell on one day in four."""
    rng = random.Random(2)
    sold = [
        f"{START + timedelta(days=day):%Y-%m-%d},{shop},{rng.choice((0, 0, 0, 1 + rng.randrange(3)))}"
        for shop in "ABC"
        for day in range(300)
    ]
    file = write(folder / "sold.csv", "date,shop,sold", sold)
    lstm("prepare", file, "run", "--series", "shop", "--target", "sold", "--horizon", "7", "--season", "none")
    lstm("train", "run", *LINEAR)
    scores = lstm("evaluate", "run")[0]
    return {
        "coverage of 80 %": scores["coverage"]["80"],
        "coverage of 95 %": scores["coverage"]["95"],
        "naive sMAPE": scores["baselines"]["naive"]["smape"],
    }


def season(folder: Path) -> dict[str, object]:
    """Return the seasonal naive baseline of a load with a daily and a weekly season."""
    lstm("prepare", hourly(folder), "run", "--target", "load", "--horizon", "24")
    lstm("train", "run", *LINEAR)
    scores = lstm("evaluate", "run")[0]
    naive = scores["baselines"]["seasonal_naive"]["mae"]
    return {
        "season of the seasonal naive baseline": scores.get("baseline_season", 24),
        "seasonal naive MAE": naive,
        "model MAE": scores["metrics"]["mae"],
        "error of the model lower by, %": 100 * (1 - scores["metrics"]["mae"] / naive),
    }


def few_windows(folder: Path) -> dict[str, object]:
    """Return the sentence that compares the model with baselines on three validation windows."""
    rng = random.Random(3)
    file = write(folder / "few.csv", "time,load", hours(120, lambda row: f"{10 + rng.random():.3f}"))
    lstm("prepare", file, "run", "--target", "load", "--horizon", "7", "--val", "9", "--test", "30")
    lines = text("train", "run", *TINY).splitlines()
    # It begins with "By MASE", or ends with the metric in release 0.1.0.
    found = (line for line in lines if line.startswith("By M") or line.endswith((" error).", "series).")))
    return {"sentence about the model": " ".join(found)}


def future_gap(folder: Path) -> dict[str, object]:
    """Return how many model files depend on future values of a covariate with a gap."""
    digests = []
    for name, late in (("clean", 0.0), ("garbage", 1000.0)):
        rng = random.Random(4)

        def cell(row: int, late: float = late, rng: random.Random = rng) -> str:
            promo = "" if 300 <= row < 330 else f"{row % 5 + (late if row >= 330 else 0)}"
            return f"{20 + 5 * sin(2 * pi * row / 24) + rng.random():.3f},{promo}"

        file = write(folder / f"{name}.csv", "time,load,promo", hours(400, cell))
        lstm("prepare", file, name, "--target", "load", "--future", "promo", "--horizon", "12")
        lstm("train", name, *TINY)
        digests.append(model_digests(folder / name))
    return {"model files that differ": sum(digests[0][file] != digests[1][file] for file in digests[0])}


def model_digests(run: Path) -> dict[str, str]:
    """Return the sha256 of each model file, without the files that describe the whole data."""
    files = sorted(run.glob("model/*/*"))
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.name not in ("schema.json", "series.json", "training.json", "scaler.json")
    }


def missing_targets(folder: Path) -> dict[str, object]:
    """Return the number of origins if every 17th target is missing."""
    rng = random.Random(5)
    rows = hours(1000, lambda row: "" if row % 17 == 5 else f"{10 + rng.random():.3f}")
    lstm("prepare", write(folder / "m.csv", "time,load", rows), "run", "--target", "load", "--horizon", "12")
    lstm("train", "run", *LINEAR)
    return {"origins scored": lstm("evaluate", "run")[0]["windows"]}


def closed(folder: Path) -> dict[str, object]:
    """Return the days of a forecast of six shops, four of which closed in 2022."""
    rng, rows = random.Random(6), []
    for shop in range(6):
        first, days = (datetime(2021, 1, 1), 400) if shop < 4 else (datetime(2022, 1, 1), 760)
        rows += [
            f"{first + timedelta(days=day):%Y-%m-%d},S{shop},{10 + day % 7 + rng.random():.3f}"
            for day in range(days)
        ]
    file = write(folder / "shops.csv", "date,shop,sales", rows)
    lstm("prepare", file, "run", "--series", "shop", "--target", "sales", "--horizon", "14")
    lstm("train", "run", *LINEAR)
    lstm("predict", "run", "-o", "forecast.csv")
    with Path("forecast.csv").open(newline="") as forecast:
        days = [row["date"] for row in csv.DictReader(forecast)]
    return {
        "first day of the forecast": min(days),
        "last day of the forecast": max(days),
        "days in the training rows of one shop and the test rows of another": overlap(folder / "run"),
    }


def overlap(run: Path) -> int:
    """Return the number of days in the training rows of one series and the test rows of another."""
    from lstm_cli.data.dataset.load import load_outline
    from lstm_cli.rundir import open_run

    with open_run(run) as opened:
        schema, table = load_outline(opened)
    trained: set[int] = set()
    tested: set[int] = set()
    for item in range(len(table.names)):
        times = schema.step.times(np.arange(table.count[item]), table.origin_us[item]).tolist()
        trained |= set(times[: int(table.train_end[item])])
        tested |= set(times[int(table.val_end[item]) :])
    return len(trained & tested)


def quantized(folder: Path) -> dict[str, object]:
    """Return the precision that `evaluate` and `predict` use after `quantize`."""
    lstm("prepare", hourly(folder), "run", "--target", "load", "--horizon", "6")
    lstm("train", "run", *TINY)
    lstm("evaluate", "run")
    lstm("quantize", "run", "--max-loss", "1000%")
    served = lstm("predict", "run", "-o", "forecast.csv")[0]["precision"]
    return {
        "precision that `evaluate` scores": lstm("evaluate", "run")[0]["precision"],
        "precision that `predict` uses": served,
    }


def few_rows(folder: Path) -> dict[str, object]:
    """Return the warnings and the forecast of a model that reads more than the 500 given rows."""
    file = hourly(folder, 2400)
    lstm("prepare", file, "run", "--target", "load", "--horizon", "6")
    trained = lstm("train", "run", *LINEAR)[0]
    lines = Path(file).read_text().splitlines()
    (folder / "new.csv").write_text("\n".join([lines[0], *lines[-500:]]) + "\n")
    forecast = lstm("predict", "run", "new.csv", "-o", "forecast.csv")[0]
    first = Path("forecast.csv").read_text().splitlines()[1].split(",")[1]
    return {
        "rows that the model reads": trained.get("reads_rows", trained["lookback"]),
        "number of warnings": len(forecast["warnings"]),
        "first forecast": first,
    }


def correlation(folder: Path) -> dict[str, object]:
    """Return the reason for the season of a weekly cycle that is strong in the middle of the file."""
    cycle = (3, 1, 0, -1, -2, 0, 2)
    rows = [
        f"{START + timedelta(days=day):%Y-%m-%d},{20 + max(0.3, 3 - abs(day - 15) / 7) * cycle[day % 7]:.3f}"
        for day in range(35)
    ]
    file = write(folder / "cycle.csv", "date,v", rows)
    report = lstm("prepare", file, "run", "--horizon", "2", "--val", "4", "--test", "4")[0]
    return {"season_reason": report["season_reason"]}


def text(*arguments: str) -> str:
    """Return the stdout of a command without --json."""
    done = subprocess.run(
        [sys.executable, "-m", "lstm_cli", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"COLUMNS": "400"},
    )
    return done.stdout


CASES: dict[str, tuple[str, Callable[[Path], dict[str, object]]]] = {
    "zeros": ("Three shops that sell on one day in four", zeros),
    "season": ("A load with a daily and a weekly season", season),
    "few-windows": ("Three validation windows", few_windows),
    "future-gap": (
        "A promotion with missing values in rows 300 to 329, and other values from row 330",
        future_gap,
    ),
    "missing-targets": (
        "Every 17th target is missing: `predict` cannot start right after them",
        missing_targets,
    ),
    "closed": ("Six shops, four of which closed in 2022", closed),
    "quantized": ("`evaluate` after `quantize`", quantized),
    "few-rows": ("500 rows for a model that reads more", few_rows),
    "correlation": ("A weekly cycle that is strong in the middle of the file", correlation),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), help="names of cases")
    notebook = Notebook(None)
    notebook.head("case", "data", "figure", "value")
    home = Path.cwd()
    for name in parser.parse_args().only:
        with tempfile.TemporaryDirectory() as temporary, notebook.attempt(name):
            os.chdir(temporary)
            try:
                label, measure = CASES[name]
                result = measure(Path(temporary))
            except subprocess.CalledProcessError as error:
                raise CommandFailed(error.stderr.splitlines()[-1]) from None
            finally:
                os.chdir(home)
            for what, figure in result.items():
                notebook.row(name, label, what, figure)
    return int(notebook.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
