"""Script that writes the golden runs of the installed release: `python tests/golden/golden_cases.py FOLDER`.

Each case is a small CSV file, a run of all verbs on it, and the `--json` output of the verbs. Later releases must give
the same numbers (`test_golden_numbers.py`). The folder of a release is written once and never changed.
"""

import math
import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

FP32 = ("--precision", "fp32", "--threads", "1")  # the same on all CPUs
TINY = ("--epochs", "1", "--batch-size", "8", *FP32)


@dataclass(frozen=True, kw_only=True)
class Case:
    """CSV file, and the command lines that make a run of it."""

    data: Callable[[], str]
    commands: dict[str, tuple[str, ...]]  # verb -> options; in order


def panel() -> str:
    """Return three shops over the same days, with a weekly season, a price and a known-ahead promotion."""
    lines, rng = ["day,shop,sales,price,promo"], random.Random(1)
    for shop, level in (("North", 50), ("South", 900), ("West", 12)):
        for row in range(160 + 7):
            promo = int(row % 9 == 0)
            wave = (0, 3, 5, 6, 5, 3, 1)[row % 7] + 2 * rng.random()
            sales = f"{level * (1 + wave / 20 + promo / 5):.3f}" if row < 160 else ""
            price = f"{5 + rng.random() / 2:.2f}" if row < 160 else ""
            day = f"{datetime(2024, 1, 1) + timedelta(days=row):%Y-%m-%d}"
            lines.append(f"{day},{shop},{sales},{price},{promo}")
    return "\n".join(lines) + "\n"


def ended() -> str:
    """Return the panel, but the last shop ends 30 days before the others."""
    header, *rows = panel().splitlines()
    last = f"{datetime(2024, 1, 1) + timedelta(days=160 - 30):%Y-%m-%d}"
    return "\n".join([header, *(row for row in rows if ",West," not in row or row < last)]) + "\n"


def hourly() -> str:
    """Return an hourly series of positive values with a daily and a weekly season."""
    lines, rng = ["time,load"], random.Random(2)
    for row in range(1200):
        hour = f"{datetime(2024, 1, 1) + timedelta(hours=row):%Y-%m-%d %H:%M}"
        day, week = math.sin(2 * math.pi * row / 24), (1.0 if row // 24 % 7 < 5 else 0.4)
        lines.append(f"{hour},{40 + 25 * week * (1 + 0.5 * day) + 8 * (rng.random() - 0.5):.2f}")
    return "\n".join(lines) + "\n"


def gaps() -> str:
    """Return two targets and a past covariate, daily, with missing values and missing rows."""
    lines, rng = ["date,supply,demand,price"], random.Random(3)
    for row in range(260):
        day = f"{datetime(2023, 3, 1) + timedelta(days=row):%Y-%m-%d}"
        week = 2 * math.pi * row / 7
        supply = f"{3 * math.sin(week) + 2 * (rng.random() - 0.5):.3f}"
        demand = f"{200 + 0.3 * row + 20 * math.cos(week) + 10 * rng.random():.3f}"
        price = f"{1.5 + rng.random():.2f}"
        if row not in (70, 71):
            lines.append(
                f"{day},{supply},{'' if row % 41 == 20 else demand},{'' if row % 53 == 9 else price}"
            )
    return "\n".join(lines) + "\n"


CASES = {
    "panel": Case(
        data=panel,
        commands={
            "prepare": (
                *("--series", "shop", "--target", "sales", "--past", "price", "--future", "promo"),
                *("--calendar", "--horizon", "7"),
            ),
            "tune": ("--method", "grid", "--space", "loss=mae|huber", "--hidden", "4", *TINY),
            "train": ("--no-tuned", "--hidden", "4", *TINY),
            "quantize": ("--max-loss", "1000%"),
            "evaluate": FP32,
            "predict": FP32,
        },
    ),
    "ended": Case(
        data=ended,
        commands={
            "prepare": ("--series", "shop", "--target", "sales", "--horizon", "7", "--lookback", "14"),
            "train": ("--model", "stacked", "--hidden", "4", "--epochs", "1", *FP32),
            "predict": FP32,
        },
    ),
    "hourly": Case(
        data=hourly,
        commands={
            "prepare": ("--target", "load", "--horizon", "6"),
            "train": ("--hidden", "4", *TINY),
            "evaluate": FP32,
            "predict": FP32,
        },
    ),
    "stacked": Case(
        data=gaps,
        commands={
            "prepare": (
                *("--target", "supply", "--target", "demand", "--past", "price"),
                *("--horizon", "4", "--lookback", "21", "--scaler", "minmax"),
            ),
            "train": ("--model", "stacked", "--hidden", "8,4", "--epochs", "2", *FP32),
            "quantize": ("--max-loss", "1000%"),
            "evaluate": FP32,
            "predict": ("--precision", "int8", "--threads", "1"),
        },
    ),
}


def command(verb: str, options: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command line of a verb on `data.csv` and `run`, for the folder of a case."""
    paths = ("data.csv", "run") if verb == "prepare" else ("run",)
    output = ("-o", "forecast.csv") if verb == "predict" else ()
    return (verb, *paths, *options, *output, "--json")


def make(folder: Path) -> None:
    """Run the commands of all cases. Each case has its own folder, and each command its own process."""
    import subprocess

    for name, case in CASES.items():
        case_folder = folder / name
        case_folder.mkdir(parents=True)
        (case_folder / "data.csv").write_text(case.data())
        for verb, options in case.commands.items():
            argv = [sys.executable, "-m", "lstm_cli", *command(verb, options)]
            done = subprocess.run(argv, cwd=case_folder, env=os.environ, stdout=subprocess.PIPE, check=True)
            (case_folder / f"{verb}.json").write_bytes(done.stdout)


if __name__ == "__main__":
    make(Path(sys.argv[1]).absolute())
