"""Tests that run each command of docs/how-to/read-unusual-files.md on a file of its kind."""

import bz2
import re
import shlex
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fenced import DOCS

from lstm_cli.cli.main import run

PAGE = DOCS / "how-to" / "read-unusual-files.md"
COMMANDS = [cell.replace("\\|", "|") for cell in re.findall(r"`lstm (check .+?)` \|", PAGE.read_text())]
START = datetime(2024, 1, 1)
DAYS = [START + timedelta(days=day) for day in range(60)]
HOURS = [START + timedelta(hours=hour) for hour in range(240)]
OPENING = [hour for hour in HOURS + [hour + timedelta(days=10) for hour in HOURS] if 9 <= hour.hour < 17]


def value(index: int) -> str:
    """Return a value with a week of seven rows."""
    return f"{50 + 3 * (index % 7) + index % 4 / 10:.1f}"


def days(write: str = "%Y-%m-%d,{value}", *, header: str = "date,sales", count: int = 60) -> str:
    """Return a table of days; `write` has the codes of strptime for the day, and `{value}`."""
    rows = [day.strftime(write).replace("{value}", value(row)) for row, day in enumerate(DAYS[:count])]
    return "\n".join([*([header] if header else []), *rows]) + "\n"


def at(times: list[datetime]) -> str:
    """Return a table of these times."""
    rows = [f"{time:%Y-%m-%d %H:%M:%S},{value(row)}" for row, time in enumerate(times)]
    return "\n".join(["time,load", *rows]) + "\n"


def files() -> dict[str, str]:
    """Return the text of each file by its name."""
    autumn = [datetime(2024, 10, 20) + timedelta(hours=hour) for hour in range(300)]
    repeated = autumn.index(datetime(2024, 10, 27, 2))
    panel = [
        f"{day:%Y-%m-%d},{store},{dept},{value(row + dept)}"
        for store in (1, 2)
        for dept in (3, 7)
        for row, day in enumerate(DAYS)
    ]
    dates = ",".join(f"{day:%Y-%m-%d}" for day in DAYS)
    values = ",".join(value(row) for row in range(60))
    irregular = [
        START + timedelta(minutes=sum((7, 11, 13)[step % 3] for step in range(row))) for row in range(300)
    ]
    return {
        "plain.csv": days(),
        "latin.csv": days(header="date,verkäufe"),
        "pipe.csv": days("%Y-%m-%d|{value}", header="date|sales"),
        "blanks.txt": days("%Y-%m-%d   {value}", header="date   sales"),
        "no-header.csv": days(header=""),
        "title.csv": "Report\nof sales\n" + days(),
        "decimal.csv": re.sub(r";(\d\d)\.", r";\1,", days("%d.%m.%Y;{value}", header="date;sales")),
        "thousands.csv": re.sub(r",(\d\d)\.\d", r',"40,7\1"', days()),
        "german.csv": re.sub(r";(\d\d)\.(\d)", r";1.2\1,\2", days("%d.%m.%Y;{value}", header="date;sales")),
        "dollars.csv": re.sub(r",(\d\d)\.\d", r',"$1,2\1"', days()),
        "marks.csv": re.sub(r",53\.\d", ",?", days()),
        "sentinel.csv": re.sub(r",53\.\d", ",-200", days()),
        "short-year.csv": days("%d.%m.%y,{value}"),
        "ambiguous.csv": days("%m/%d/%Y,{value}", count=12),
        "two.csv": at(HOURS).replace("time,load", "date,time,load").replace(" ", ","),
        "parts.csv": days("%Y,%m,%d,{value}", header="year,month,day,sales"),
        "steps.csv": "step,sales\n" + "".join(f"{row * 5},{value(row)}\n" for row in range(60)),
        "autumn.csv": at([*autumn[: repeated + 1], *autumn[repeated:]]),
        "irregular.csv": at(irregular),
        "jitter.csv": at([hour + timedelta(seconds=hour.hour % 5) for hour in HOURS]),
        "hours.csv": at([hour for hour in OPENING if hour.weekday() < 5]),
        "twice.csv": days() + "2024-01-05,99\n",
        "columns.csv": days("%Y-%m-%d,{value},{value}", header="date,north,south"),
        "header.csv": f"country,{dates}\nFrance,{values}\nSpain,{values}\n",
        "panel.csv": "\n".join(["date,store,dept,sales", *panel]) + "\n",
        "sales/shop=Aachen/1.csv": days(),
        "sales/shop=Bonn/1.csv": days(),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all files of the page."""
    folder = tmp_path_factory.mktemp("unusual")
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("cp1252"))
    (folder / "plain.csv.bz2").write_bytes(bz2.compress(days().encode()))
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_reads_the_file(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    code = run([*shlex.split(command), "--horizon", "2"])
    assert code == 0, capsys.readouterr().err


def test_each_file_is_read_by_a_command() -> None:
    read = {shlex.split(command)[1] for command in COMMANDS}
    assert read == {name.partition("/")[0] for name in files()} | {"plain.csv.bz2"}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_are_needed(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without its options, an unusual file is refused or leads to a finding."""
    monkeypatch.chdir(folder)
    _, name, *_ = shlex.split(command)
    code = run(["check", name, "--horizon", "2"])
    printed = "".join(capsys.readouterr())
    assert name.startswith("plain.") or code == 3 or re.search(r"(warning|note)\[", printed)
