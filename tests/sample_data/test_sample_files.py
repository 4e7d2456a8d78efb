"""Tests that the sample files match sample_data/README.md."""

import csv
import hashlib
import re
import subprocess
import sys
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
MADE = ("panel.csv", "monthly.csv", "business_days.csv")


def rows_of(name: str) -> list[dict[str, str]]:
    with (SAMPLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_gestures_are_made_byte_for_byte(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SAMPLES / "make_gestures.py", tmp_path], check=True)
    assert (tmp_path / "gestures.csv").read_bytes() == (SAMPLES / "gestures.csv").read_bytes()
    rows = rows_of("gestures.csv")
    lengths = {row["id"]: int(row["step"]) + 1 for row in rows}
    assert (len(lengths), min(lengths.values()), max(lengths.values())) == (180, 12, 40)
    assert {row["gesture"] for row in rows} == {"left", "right", "eight"}
    assert len({row["person"] for row in rows}) == 12


def shops() -> dict[str, list[dict[str, str]]]:
    by_shop: dict[str, list[dict[str, str]]] = {}
    for row in rows_of("panel.csv"):
        by_shop.setdefault(row["shop"], []).append(row)
    return by_shop


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    subprocess.run([sys.executable, SAMPLES / "make_panel.py", folder], check=True)
    return folder


@pytest.mark.parametrize("name", MADE)
def test_script_reproduces_file_byte_for_byte(made, name):
    assert (made / name).read_bytes() == (SAMPLES / name).read_bytes()


def test_files_of_others_are_unchanged_and_credited():
    reported = (SAMPLES / "README.md").read_text(encoding="utf-8")
    digests = [
        hashlib.sha256((SAMPLES / name).read_bytes()).hexdigest() for name in ("ETTh1.csv", "book.txt")
    ]
    assert re.findall(r"\b[0-9a-f]{64}\b", reported) == digests
    assert "https://github.com/zhouhaoyi/ETDataset" in reported
    assert "CC BY-ND 4.0" in reported


def test_every_sample_is_described():
    reported = (SAMPLES / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in SAMPLES.iterdir() if path.is_file() and path.name != "README.md"}
    assert files == set(re.findall(r"^\| `([^`]+)`", reported, flags=re.MULTILINE))


def test_panel_has_shops_of_different_lengths_and_beginnings():
    lengths = [sum(row["sales"] != "" for row in rows) for rows in shops().values()]
    assert len(lengths) == 6
    assert len(set(lengths)) == 6
    assert len({rows[0]["date"] for rows in shops().values()}) == 5
    assert min(lengths) == 160
    assert max(lengths) == 430


def test_all_shops_of_the_panel_are_open_to_the_same_day():
    ends = [max(row["date"] for row in rows if row["sales"]) for rows in shops().values()]
    assert set(ends) == {"2023-03-06"}


def test_panel_has_one_gap_of_five_days():
    holes = []
    for name, rows in shops().items():
        days = [date.fromisoformat(row["date"]) for row in rows]
        steps = [later - earlier for earlier, later in pairwise(days)]
        holes += [(name, step) for step in steps if step != timedelta(days=1)]
    assert holes == [("Bremen", timedelta(days=6))]


def test_promotions_are_known_fourteen_days_ahead():
    for rows in shops().values():
        last = max(place for place, row in enumerate(rows) if row["sales"])
        ahead = rows[last + 1 :]
        assert len(ahead) == 14
        assert all(row["price"] == "" for row in ahead)
        assert all(row["promo"] in {"0", "1"} for row in rows)


def test_panel_lacks_a_few_cells():
    missing = {"sales": 0, "price": 0}
    for rows in shops().values():
        for column in missing:
            missing[column] += sum(row[column] == "" for row in rows[:-14])
    assert missing == {"sales": 4, "price": 2}


def test_months_are_written_as_their_last_days():
    days = [date.fromisoformat(row["month"]) for row in rows_of("monthly.csv")]
    after = [day + timedelta(days=1) for day in days]
    assert len(days) == 144
    assert all(day.day == 1 for day in after)
    assert len({(day.year, day.month) for day in days}) == 144
    assert date(2012, 2, 29) in days
    assert date(2013, 2, 28) in days


def test_business_days_lack_twelve_holidays():
    days = [date.fromisoformat(row["date"]) for row in rows_of("business_days.csv")]
    whole = [days[0] + timedelta(days=offset) for offset in range((days[-1] - days[0]).days + 1)]
    business = [day for day in whole if day.weekday() < 5]
    assert len(business) == 600
    assert len(days) == 588
    assert set(days) < set(business)
