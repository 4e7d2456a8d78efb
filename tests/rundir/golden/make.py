"""Script that makes a golden run: `python tests/rundir/golden/make.py FOLDER`. See test_golden.py for its use.

It makes a minimal run of all steps, and a forecast of the run.
"""

import os
import shutil
import sys
from datetime import date, timedelta
from pathlib import Path

ROWS = 120


def data() -> str:
    """Return a panel of two shops with a weekly season, a price and a known-ahead promotion, without randomness."""
    lines = ["day,shop,sales,price,promo"]
    for shop, level in (("A", 50), ("B", 900)):
        for row in range(ROWS + 7):
            day = date(2024, 1, 1) + timedelta(days=row)
            promo = int(row % 9 == 0)
            wave = (0, 3, 5, 6, 5, 3, 1)[row % 7] + (row * 7919 % 13) / 6
            sales = f"{level * (1 + wave / 20 + promo / 5):.3f}" if row < ROWS else ""
            price = f"{5 + (row * 104729 % 11) / 20:.2f}" if row < ROWS else ""
            lines.append(f"{day},{shop},{sales},{price},{promo}")
    return "\n".join(lines) + "\n"


def lstm(*argv: str) -> None:
    from lstm_cli.cli.main import run

    code = run(argv)
    assert code == 0, (argv, code)


def make(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(folder)
    Path("panel.csv").write_text(data())
    columns = ("--series", "shop", "--target", "sales", "--past", "price", "--future", "promo")
    lstm("prepare", "panel.csv", "run", *columns, "--horizon", "7", "--lookback", "14", "--calendar")
    small = ("--hidden", "4", "--batch-size", "4", "--threads", "1")
    lstm("tune", "run", "--method", "grid", "--space", "loss=mae|huber", "--epochs", "1", *small)
    lstm("train", "run", "--epochs", "1", *small)
    lstm("quantize", "run", "--max-loss", "1000%")
    lstm("predict", "run", "--precision", "fp32", "--threads", "1", "-o", "forecast.csv")


if __name__ == "__main__":
    make(Path(sys.argv[1]).absolute())
