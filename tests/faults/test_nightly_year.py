"""Test that a nightly forecast for a year leaves no files and no open descriptors."""

import os
import tempfile
from pathlib import Path

import pytest
from faulty import copy_golden, trial_count

from lstm_cli.cli.main import run as lstm


def test_a_forecast_every_night(
    tmp_path: Path, panel: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run, temporary, out = copy_golden(tmp_path / "run"), tmp_path / "tmp", tmp_path / "forecast.csv"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    nights = trial_count(365, 14)

    def resources() -> tuple[int, list[str], int]:
        files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
        size = sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
        return len(os.listdir("/proc/self/fd")), files, size  # noqa: PTH208

    first = None
    for night in range(nights):
        new = [str(panel)] if night % 2 else []
        assert lstm(["predict", str(run), *new, "--threads", "1", "-o", str(out)]) == 0
        if night == 3:  # after all imports
            first = resources()
    assert first is not None
    descriptors, *files_and_size = resources()
    assert files_and_size == list(first[1:])
    # A leak would be one for each night. Threads of earlier tests may open or close one meanwhile.
    assert descriptors <= first[0] + 2
    assert list(temporary.iterdir()) == []
    print(f"{nights} nights")
