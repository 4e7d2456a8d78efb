"""Tests of the files of the ledger: names, removal by day, hostile headers, files of other people."""

import hashlib
import os
import zlib
from pathlib import Path

import numpy as np
import pytest

from lstm_cli.errors import ArtifactError, CorruptArtifact, ForeignFolder, OutputError
from lstm_cli.rundir import ledger
from lstm_cli.rundir.manifest import with_checksum

DAY = 24 * 3_600_000_000
CONTENT = ledger.LedgerFile(facts={"a": 1}, arrays={"x": np.arange(3, dtype="<f4")})


def write(run: Path, day: int, digest: str = "0" * 64, *, calendar: bool = True) -> str:
    """Write a forecast of a day after 1970-01-01, and return its name."""
    name = ledger.forecast_name(day * DAY if calendar else day, digest, calendar=calendar)
    ledger.write_ledger_file(run, name, ledger.FORECAST, CONTENT)
    return name


def test_names_sort_by_origin(tmp_path):
    days = (40_000, -3, 0, 19_723)
    names = [write(tmp_path, day) for day in days]
    assert ledger.forecast_names(tmp_path) == [names[index] for index in (1, 2, 3, 0)]
    assert names[3] == "20240101T000000-" + "0" * 16
    rows = [write(tmp_path / "rows", day, calendar=False) for day in (5, -5, 2**40)] if make(tmp_path) else []
    assert ledger.forecast_names(tmp_path / "rows") == [rows[1], rows[0], rows[2]]


def make(folder: Path) -> bool:
    (folder / "rows").mkdir()
    return True


def test_the_newest_days_are_kept(tmp_path):
    """Three forecasts of one day count as one day, and a day without a forecast does not count."""
    old = write(tmp_path, 1)
    kept = [write(tmp_path, 2, digest * 64) for digest in "012"] + [write(tmp_path, 90)]
    ledger.write_ledger_file(tmp_path, old, ledger.ACTUAL, CONTENT)
    assert ledger.remove_old_forecasts(tmp_path, keep_days=2) == 1
    assert ledger.forecast_names(tmp_path) == sorted(kept)
    assert len(list((tmp_path / "ledger").iterdir())) == 4


def test_a_wrong_date_removes_at_most_one_day(tmp_path):
    names = [write(tmp_path, day) for day in (1, 2, 3, 40_000)]
    ledger.remove_old_forecasts(tmp_path, keep_days=3)
    assert ledger.forecast_names(tmp_path) == names[1:]


def test_files_of_people_stay(tmp_path):
    name = write(tmp_path, 1)
    folder = tmp_path / "ledger"
    for other in ("notes.txt", "20240101.forecast", f"{name}.csv", "x.forecast"):
        (folder / other).write_text("mine")
    write(tmp_path, 2)
    ledger.remove_old_forecasts(tmp_path, keep_days=1)
    assert {path.name for path in folder.iterdir()} == {
        *("notes.txt", "20240101.forecast", f"{name}.csv", "x.forecast"),
        f"{ledger.forecast_names(tmp_path)[0]}.forecast",
    }


def test_a_temporary_file_of_a_killed_process_is_removed(tmp_path):
    write(tmp_path, 1)
    leftover = tmp_path / "ledger" / ".20240101T000000-0000000000000000.forecast.lstm-0.tmp"
    leftover.write_bytes(b"half")
    ledger.remove_old_forecasts(tmp_path, keep_days=1)
    assert not leftover.exists()


def test_there_is_no_ledger(tmp_path):
    assert ledger.forecast_names(tmp_path) == []
    assert ledger.verify_files(tmp_path) == (0, 0, [])
    assert ledger.read_ledger_file(tmp_path, "20240101T000000-" + "0" * 16, ledger.FORECAST) is None


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "ledger").symlink_to(tmp_path / "other")
    with pytest.raises(ForeignFolder):
        write(tmp_path, 1)
    with pytest.raises(ForeignFolder):
        ledger.forecast_names(tmp_path)


def test_a_linked_file_and_a_fifo_are_refused(tmp_path):
    name, other = write(tmp_path, 1), write(tmp_path, 2)
    folder = tmp_path / "ledger"
    (folder / f"{name}.forecast").rename(tmp_path / "elsewhere")
    (folder / f"{name}.forecast").symlink_to(tmp_path / "elsewhere")
    (folder / f"{other}.forecast").unlink()
    os.mkfifo(folder / f"{other}.forecast")
    for each in (name, other):
        with pytest.raises((OutputError, CorruptArtifact)):
            ledger.read_ledger_file(tmp_path, each, ledger.FORECAST)
    assert len(ledger.verify_files(tmp_path)[2]) == 2


def hostile(**header) -> bytes:
    """Return a file with valid checksums and an edited header."""
    payload = header.pop("payload", zlib.compress(bytes(12)))
    usual = {
        "format": ledger.FORMAT,
        "schema": ledger.SCHEMA,
        "facts": {},
        "arrays": {"x": ["<f4", [3]]},
        "size": len(payload),
        "sha256": hashlib.sha256(payload).hexdigest(),
    }
    return with_checksum({**usual, **header}, path="x") + payload


@pytest.mark.parametrize(
    "header",
    [
        {"format": "other"},
        {"schema": 0},
        {"schema": "1"},
        {"facts": []},
        {"arrays": {"x": ["|O", [3]]}},
        {"arrays": {"x": ["<f8", [3]]}},
        {"arrays": {"x": ["<f4", [2]]}},
        {"arrays": {"x": ["<f4", [4]]}},
        {"arrays": {"x": ["<f4", [-3]]}},
        {"arrays": {"x": ["<f4", [2**62, 2**62]]}},
        {"arrays": {"x": ["<f4", [True, 3]]}},
        {"arrays": {"x": 3}},
        {"arrays": [1]},
        {"size": 1},
        {"payload": b"not zlib"},
        {"payload": zlib.compress(bytes(12)) + b"more"},
        {"payload": zlib.compress(bytes(1 << 24))},
        {"payload": zlib.compress(bytes(12))[:-2]},
    ],
)
def test_a_hostile_header_is_refused(header):
    with pytest.raises(CorruptArtifact, match="is corrupt"):
        ledger.decode_ledger_file(hostile(**header), Path("x"))


def test_a_valid_header_is_accepted_and_a_newer_one_is_not():
    read = ledger.decode_ledger_file(hostile(), Path("x"))
    assert read.arrays["x"].tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(ArtifactError, match="newer release") as caught:
        ledger.decode_ledger_file(hostile(schema=2), Path("x"))
    assert not isinstance(caught.value, CorruptArtifact)


def test_a_corrupt_file_is_set_aside_once(tmp_path):
    name = write(tmp_path, 1)
    ledger.set_aside(tmp_path, name, ledger.FORECAST)
    ledger.set_aside(tmp_path, name, ledger.FORECAST)
    assert ledger.forecast_names(tmp_path) == []
    assert [path.name for path in (tmp_path / "ledger").iterdir()] == [f"{name}.forecast.corrupt"]
    write(tmp_path, 2)
    ledger.remove_old_forecasts(tmp_path, keep_days=1)
    assert len(list((tmp_path / "ledger").iterdir())) == 1
