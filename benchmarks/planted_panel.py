"""Panel with planted effects: words for promotions, types of shops, and holidays of Germany.

    python benchmarks/planted_panel.py FILE    write the panel as a CSV file

An effect on one day depends on the type of the shop. No window shows it before the day, so only the covariates can
carry it. The seeds are fixed and all figures are rounded, so each run writes the same bytes. `word`, `kind`, `number`
hold nothing.
"""

import csv
import math
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np

DAY = timedelta(days=1)
FIRST, DAYS, AHEAD = date(2021, 1, 1), 548, 14
WEEK = (0.90, 0.85, 0.88, 0.95, 1.10, 1.30, 1.02)  # factors of sales, Monday first
PROMOTIONS = ("", "flyer", "half price")
CHANCES = (0.86, 0.08, 0.06)
# Factors of a flyer, of half price, of a holiday and of the day before, by type.
EFFECTS = {
    "mall": (1.15, 1.80, 0.20, 1.35),
    "station": (1.05, 1.20, 0.60, 1.10),
    "online": (1.50, 1.40, 1.40, 0.90),
}
HEADER = ["date", "shop", "type", "area", "sales", "promo", "word", "kind", "number"]


def easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar (anonymous algorithm, Nature 1876)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def holidays(year: int) -> set[date]:
    """Return the public holidays of all parts of Germany."""
    fixed = ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26))
    moving = (-2, 1, 39, 50)  # days after Easter Sunday
    return {date(year, *day) for day in fixed} | {easter(year) + more * DAY for more in moving}


def shop_rows(number: int, closed: set[date]) -> list[list[str]]:
    """Return the rows of a shop.

    Args:
        number: number of the shop, which is its seed.
        closed: holidays.
    """
    rng = np.random.default_rng(number)
    kind = tuple(EFFECTS)[number % len(EFFECTS)]
    flyer, half_price, holiday, before = EFFECTS[kind]
    level, area = 40 * (1 + number), 100 + 25 * number
    noise, rows = 0.0, []
    letters = (str(rng.choice(["x", "y", "z"])), f"{rng.normal():.3f}")
    for day in range(DAYS + AHEAD):
        when = FIRST + day * DAY
        promo = str(rng.choice(PROMOTIONS, p=CHANCES))
        noise = 0.5 * noise + rng.normal(0, 0.05)
        sales = (
            level * WEEK[when.weekday()] * (1 + 0.1 * math.sin(2 * math.pi * day / 365.25)) * math.exp(noise)
        )
        sales *= {"": 1, "flyer": flyer, "half price": half_price}[promo]
        sales *= holiday if when in closed else before if when + DAY in closed else 1
        word = str(rng.choice(["red", "green", "blue", "black"]))
        text = f"{sales:.1f}" if day < DAYS else ""
        rows.append([when.isoformat(), f"S{number}", kind, str(area), text, promo, word, *letters])
    return rows


def write_panel(path: Path, shops: int = 6) -> None:
    """Write the panel.

    Args:
        path: CSV file.
        shops: number of shops.
    """
    closed = set().union(*(holidays(FIRST.year + more) for more in range(5)))
    rows = [row for number in range(shops) for row in shop_rows(number, closed)]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])


if __name__ == "__main__":
    write_panel(Path(sys.argv[1]))
