"""Maker of the small data sets of tests and docs: panel.csv, monthly.csv and business_days.csv.

    python sample_data/make_panel.py [FOLDER]    (default: the folder of this script)

The seeds are fixed and all figures are rounded, so each run writes the same bytes. A test checks this.
"""

import csv
import math
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

DAY = timedelta(days=1)
AHEAD = 14  # days after the last sales with known promotions
WEEK = (0.86, 0.80, 0.84, 0.92, 1.12, 1.42, 1.04)  # factors of sales, Monday first
BUSINESS_WEEK = (1.18, 1.04, 0.97, 0.93, 0.88)


@dataclass(frozen=True, kw_only=True)
class Shop:
    """Settings of one series of the panel."""

    name: str
    first: date
    days: int  # rows with sales, including those in `closed`
    level: float  # pieces sold on a normal day
    growth: float  # share per year
    lift: float  # factor of a promotion
    price: float
    closed: range = range(0)  # days with missing rows, counted from 0
    no_sales: tuple[int, ...] = ()  # days with missing sales
    no_price: tuple[int, ...] = ()


SHOPS = (
    Shop(name="Aachen", first=date(2022, 1, 1), days=430, level=48, growth=0.10, lift=1.50, price=4.50),
    Shop(
        name="Bremen",
        first=date(2022, 1, 1),
        days=430,
        level=310,
        growth=-0.05,
        lift=1.35,
        price=2.20,
        closed=range(150, 155),  # the gap of the panel
    ),
    Shop(
        name="Celle",
        first=date(2022, 3, 14),
        days=358,
        level=9,
        growth=0.00,
        lift=1.90,
        price=18.0,
        no_sales=(40, 41, 203),
    ),
    Shop(name="Dresden", first=date(2022, 5, 2), days=309, level=1450, growth=0.20, lift=1.25, price=0.95),
    Shop(
        name="Essen",
        first=date(2022, 8, 20),
        days=199,
        level=95,
        growth=0.00,
        lift=1.60,
        price=6.00,
        no_sales=(77,),
        no_price=(30, 31),
    ),
    Shop(name="Fulda", first=date(2022, 9, 28), days=160, level=22, growth=0.00, lift=1.45, price=9.90),
)
# Weekdays between 2021-03-01 and 2023-06-16 without a row.
HOLIDAYS = (
    date(2021, 4, 2),
    date(2021, 4, 5),
    date(2021, 5, 13),
    date(2021, 12, 24),
    date(2021, 12, 31),
    date(2022, 4, 15),
    date(2022, 4, 18),
    date(2022, 5, 26),
    date(2022, 12, 26),
    date(2023, 4, 7),
    date(2023, 4, 10),
    date(2023, 5, 1),
)


def shop_rows(shop: Shop, rng: np.random.Generator) -> list[list[str]]:
    """Return the rows of a shop: date, shop, sales, price, promo. Missing values are empty."""
    days = shop.days + AHEAD
    promo = np.repeat(rng.random(days // 4 + 1) < 0.18, 4)[:days]  # promotions last four days
    price = np.round(shop.price * (1 + 0.04 * np.cumsum(rng.normal(0, 0.08, days))) * (1 - 0.1 * promo), 2)
    noise = np.zeros(days)
    for day in range(1, days):  # noise is correlated from day to day
        noise[day] = 0.6 * noise[day - 1] + rng.normal(0, 0.07)
    rows = []
    for day in range(days):
        if day in shop.closed:
            continue
        when = shop.first + day * DAY
        year = 1 + 0.12 * math.sin(2 * math.pi * (when.timetuple().tm_yday - 80) / 365.25)
        sales = shop.level * WEEK[when.weekday()] * year * (1 + shop.growth * day / 365)
        sales *= (shop.lift if promo[day] else 1) * math.exp(noise[day])
        past = day < shop.days
        rows.append(
            [
                when.isoformat(),
                shop.name,
                f"{sales:.1f}" if past and day not in shop.no_sales else "",
                f"{price[day]:.2f}" if past and day not in shop.no_price else "",
                str(int(promo[day])),
            ]
        )
    return rows


def monthly_rows(rng: np.random.Generator) -> list[list[str]]:
    """Return twelve years of months with trend and season, each month written as its last day."""
    rows = []
    for month in range(144):
        following = date(2012 + (month + 1) // 12, (month + 1) % 12 + 1, 1)
        season = 0.20 * math.sin(2 * math.pi * (month - 3) / 12) + 0.06 * math.cos(4 * math.pi * month / 12)
        visitors = 1200 * (1 + 0.004 * month) * (1 + season) * math.exp(rng.normal(0, 0.025))
        rows.append([(following - DAY).isoformat(), f"{visitors:.0f}"])
    return rows


def business_rows(rng: np.random.Generator) -> list[list[str]]:
    """Return 600 business days without the holidays: 588 rows."""
    rows: list[list[str]] = []
    when, level = date(2021, 3, 1), 0.0
    for day in range(600):
        level = 0.95 * level + rng.normal(0, 0.02)
        orders = (
            260 * BUSINESS_WEEK[when.weekday()] * (1 + 0.0003 * day) * math.exp(level + rng.normal(0, 0.03))
        )
        if when not in HOLIDAYS:
            rows.append([when.isoformat(), f"{orders:.0f}"])
        when += (3 if when.weekday() == 4 else 1) * DAY
    return rows


def write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    """Write a CSV file with the same line ends on each system.

    Args:
        path: CSV file.
        header: names of the columns.
        rows: cells of each row.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def make(folder: Path) -> None:
    """Write the three files into a folder. Each shop has its own seed, so a new shop changes no other."""
    panel = [row for seed, shop in enumerate(SHOPS) for row in shop_rows(shop, np.random.default_rng(seed))]
    write(folder / "panel.csv", ["date", "shop", "sales", "price", "promo"], panel)
    write(folder / "monthly.csv", ["month", "visitors"], monthly_rows(np.random.default_rng(100)))
    write(folder / "business_days.csv", ["date", "orders"], business_rows(np.random.default_rng(101)))


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
