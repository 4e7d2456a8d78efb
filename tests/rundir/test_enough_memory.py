"""Tests that each step checks the available memory before it starts, and leaves no files if it is too small."""

import re
from pathlib import Path

import pytest
from golden_run import copy_golden_run, write_golden_data
from small_run import tree

from lstm_cli import system_memory
from lstm_cli.cli.main import run as lstm


@pytest.mark.parametrize(
    "argv",
    [
        ["prepare", "panel.csv", "run", "--series", "shop", "--target", "sales"],
        ["train", "run", "--seed", "1"],
        ["tune", "run", "--trials", "3", "--seed", "1"],
        ["evaluate", "run"],
        ["quantize", "run", "--to", "fp16"],
        ["predict", "run", "-o", "forecast.csv"],
    ],
    ids=lambda argv: argv[0],
)
def test_too_little_memory_is_exit_7_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], argv: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    copy_golden_run(tmp_path / "run")
    write_golden_data(tmp_path / "panel.csv")
    before = tree(tmp_path)
    monkeypatch.setattr(
        system_memory.require_memory, "__kwdefaults__", {"mapped": 0, "have": lambda **_: 1500}
    )
    assert lstm(argv) == 7
    error, hint = capfd.readouterr().err.splitlines()[-2:]
    assert re.fullmatch(r"error: .* needs about [\d.,]+ [KMG]B of memory, but only 1\.5 KB is free", error)
    assert hint.startswith("hint: ")
    assert tree(tmp_path) == before
