"""Figures that release 0.1.0 printed wrongly, on small data made here: run it with both releases and compare.

.venv/bin/python benchmarks/corrections.py
PYTHONPATH=CHECKOUT_OF_0.1.0 .venv/bin/python benchmarks/corrections.py

Each row is one short walk through the command line. `--only NAME` makes some of the rows.
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
    """Write a CSV and return its path."""
    file.write_text("\n".join([header, *rows]) + "\n")
    return str(file)


def hours(count: int, cell: Callable[[int], str]) -> list[str]:
    """Return hourly rows; cell: what follows the time."""
    return [f"{START + timedelta(hours=row):%Y-%m-%d %H:%M},{cell(row)}" for row in range(count)]


def two_seasons(row: int, chance: random.Random) -> float:
    """Return a load with a daily cycle whose level is lower at the weekend, and noise."""
    week = 1.0 if row // 24 % 7 < 5 else 0.4
    return 40 + 25 * week * (1 + 0.5 * sin(2 * pi * row / 24)) + 8 * (chance.random() - 0.5)


def hourly(folder: Path, rows: int = 1200) -> str:
    """Write one hourly series with both seasons."""
    chance = random.Random(1)
    return write(folder / "load.csv", "time,load", hours(rows, lambda row: f"{two_seasons(row, chance):.2f}"))


def zeros(folder: Path) -> dict[str, object]:
    """Three shops that sell on one day in four."""
    chance = random.Random(2)
    sold = [
        f"{START + timedelta(days=day):%Y-%m-%d},{shop},{chance.choice((0, 0, 0, 1 + chance.randrange(3)))}"
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
    """A load with a daily and a weekly season."""
    lstm("prepare", hourly(folder), "run", "--target", "load", "--horizon", "24")
    lstm("train", "run", *LINEAR)
    scores = lstm("evaluate", "run")[0]
    naive = scores["baselines"]["seasonal_naive"]["mae"]
    return {
        "season of the baseline": scores.get("baseline_season", 24),
        "seasonal naive MAE": naive,
        "model MAE": scores["metrics"]["mae"],
        "lower by, %": 100 * (1 - scores["metrics"]["mae"] / naive),
    }


def few_windows(folder: Path) -> dict[str, object]:
    """Three validation windows: what is said of the model."""
    chance = random.Random(3)
    file = write(folder / "few.csv", "time,load", hours(120, lambda row: f"{10 + chance.random():.3f}"))
    lstm("prepare", file, "run", "--target", "load", "--horizon", "7", "--val", "9", "--test", "30")
    ends = (" error).", "series).", "(MASE).", "(MAE).")  # of the sentence of either release
    lines = text("train", "run", *TINY).splitlines()
    return {"said": " ".join(line for line in lines if line.endswith(ends))}


def future_gap(folder: Path) -> dict[str, object]:
    """A promotion without values in rows 300 to 329, and other values from row 330 on."""
    digests = []
    for name, late in (("clean", 0.0), ("garbage", 1000.0)):
        chance = random.Random(4)

        def cell(row: int, late: float = late, chance: random.Random = chance) -> str:
            promo = "" if 300 <= row < 330 else f"{row % 5 + (late if row >= 330 else 0)}"
            return f"{20 + 5 * sin(2 * pi * row / 24) + chance.random():.3f},{promo}"

        file = write(folder / f"{name}.csv", "time,load,promo", hours(400, cell))
        lstm("prepare", file, name, "--target", "load", "--future", "promo", "--horizon", "12")
        lstm("train", name, *TINY)
        digests.append(model_digests(folder / name))
    return {"model files that differ": sum(digests[0][file] != digests[1][file] for file in digests[0])}


def model_digests(run: Path) -> dict[str, str]:
    """Return the sha256 of each file of a run's model, but for those that describe the whole data."""
    files = sorted(run.glob("model/*/*"))
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.name not in ("schema.json", "series.json", "training.json", "scaler.json")
    }


def missing_targets(folder: Path) -> dict[str, object]:
    """Every 17th target is missing: `predict` cannot begin right after those."""
    chance = random.Random(5)
    rows = hours(1000, lambda row: "" if row % 17 == 5 else f"{10 + chance.random():.3f}")
    lstm("prepare", write(folder / "m.csv", "time,load", rows), "run", "--target", "load", "--horizon", "12")
    lstm("train", "run", *LINEAR)
    return {"origins scored": lstm("evaluate", "run")[0]["windows"]}


def closed(folder: Path) -> dict[str, object]:
    """Six shops, four of which closed in 2022."""
    chance, rows = random.Random(6), []
    for shop in range(6):
        first, days = (datetime(2021, 1, 1), 400) if shop < 4 else (datetime(2022, 1, 1), 760)
        rows += [
            f"{first + timedelta(days=day):%Y-%m-%d},S{shop},{10 + day % 7 + chance.random():.3f}"
            for day in range(days)
        ]
    file = write(folder / "shops.csv", "date,shop,sales", rows)
    lstm("prepare", file, "run", "--series", "shop", "--target", "sales", "--horizon", "14")
    lstm("train", "run", *LINEAR)
    lstm("predict", "run", "-o", "forecast.csv")
    with Path("forecast.csv").open(newline="") as forecast:
        days = [row["date"] for row in csv.DictReader(forecast)]
    return {
        "forecast from": min(days),
        "to": max(days),
        "days at which some shops were trained on and others tested": overlap(folder / "run"),
    }


def overlap(run: Path) -> int:
    """Return how many days are training rows of one series and test rows of another."""
    from lstm_cli.data.dataset.load import load_outline
    from lstm_cli.rundir import open_run

    with open_run(run) as opened:
        schema, table = load_outline(opened)
    trained: set[int] = set()
    tested: set[int] = set()
    for one in range(len(table.names)):
        times = schema.step.times(np.arange(table.count[one]), table.origin_us[one]).tolist()
        trained |= set(times[: int(table.train_end[one])])
        tested |= set(times[int(table.val_end[one]) :])
    return len(trained & tested)


def quantized(folder: Path) -> dict[str, object]:
    """`evaluate` after `quantize`."""
    lstm("prepare", hourly(folder), "run", "--target", "load", "--horizon", "6")
    lstm("train", "run", *TINY)
    lstm("evaluate", "run")
    lstm("quantize", "run", "--max-loss", "10")
    served = lstm("predict", "run", "-o", "forecast.csv")[0]["precision"]
    return {"evaluate scores": lstm("evaluate", "run")[0]["precision"], "predict serves": served}


def few_rows(folder: Path) -> dict[str, object]:
    """500 rows for a model that reads 1,008; the digits of a forecast."""
    file = hourly(folder, 2400)
    lstm("prepare", file, "run", "--target", "load", "--horizon", "6")
    trained = lstm("train", "run", *LINEAR)[0]
    lines = Path(file).read_text().splitlines()
    (folder / "new.csv").write_text("\n".join([lines[0], *lines[-500:]]) + "\n")
    forecast = lstm("predict", "run", "new.csv", "-o", "forecast.csv")[0]
    first = Path("forecast.csv").read_text().splitlines()[1].split(",")[1]
    return {
        "the model reads": trained.get("reads_rows", trained["lookback"]),
        "warnings": len(forecast["warnings"]),
        "first forecast": first,
    }


def correlation(folder: Path) -> dict[str, object]:
    """A weekly cycle that is strong in the middle of the file."""
    cycle = (3, 1, 0, -1, -2, 0, 2)
    rows = [
        f"{START + timedelta(days=day):%Y-%m-%d},{20 + max(0.3, 3 - abs(day - 15) / 7) * cycle[day % 7]:.3f}"
        for day in range(35)
    ]
    file = write(folder / "cycle.csv", "date,v", rows)
    report = lstm("prepare", file, "run", "--horizon", "2", "--val", "4", "--test", "4")[0]
    return {"season_reason": report["season_reason"]}


def text(*arguments: str) -> str:
    """Return what a person reads on stdout."""
    done = subprocess.run(
        [sys.executable, "-m", "lstm_cli", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"COLUMNS": "400"},
    )
    return done.stdout


ROWS = {
    row.__name__.replace("_", "-"): row
    for row in (
        *(zeros, season, few_windows, future_gap, missing_targets),
        *(closed, quantized, few_rows, correlation),
    )
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS))
    notebook = Notebook(None)
    notebook.head("row", "data", "what", "figure")
    home = Path.cwd()
    for name in parser.parse_args().only:
        with tempfile.TemporaryDirectory() as temporary, notebook.attempt(name):
            os.chdir(temporary)
            try:
                found = ROWS[name](Path(temporary))
            except subprocess.CalledProcessError as error:
                raise CommandFailed(error.stderr.splitlines()[-1]) from None
            finally:
                os.chdir(home)
            for what, figure in found.items():
                notebook.row(name, (ROWS[name].__doc__ or "").rstrip("."), what, figure)
    return int(notebook.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
