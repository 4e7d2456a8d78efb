"""Tests of docs/how-to/nightly.md: its nights, its exit codes, the cron line and the units of systemd."""

import re
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from fenced import DOCS, blocks, exit_codes
from nightly_page import COMMAND, PAGE, cron_lines, masked, outputs_of_a_new_process, with_outputs
from nightly_page import blocks as output_blocks

from lstm_cli.cli.main import run as lstm

HOME = "/home/ana/forecast"
NAME = "how-to/nightly.md"


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the text of each night by its name."""
    return outputs_of_a_new_process(tmp_path_factory.mktemp("nights"))


def test_the_outputs_are_those_of_the_program(nights: dict[str, str]) -> None:
    page = PAGE.read_text()
    assert masked(with_outputs(page, nights)) == masked(page), f"run: {COMMAND}"


def test_each_night_ends_as_the_page_says(nights: dict[str, str]) -> None:
    assert " replaces the champion: MASE" in nights["replaced"]
    assert "ALARM" in nights["bad"]
    assert nights["failed"].endswith("exit code 5\n")
    assert nights["broken"].endswith("exit code 3\n")
    assert nights["broken"].removesuffix("exit code 3\n") in nights["alert"]
    assert {name for name, _ in output_blocks(PAGE.read_text())} == nights.keys()


def test_a_good_night_of_cron_sends_no_mail(tmp_path: Path) -> None:
    """Run the line as cron runs it, with a program that ends well and one that fails."""
    variables = dict(line.split("=", 1) for line in blocks(NAME, "crontab")[0].splitlines()[:2])
    (line,) = cron_lines(PAGE.read_text())
    program = tmp_path / ".venv" / "bin" / "lstm"
    program.parent.mkdir(parents=True)
    for code, mail in ((0, ""), (5, "hint: last\n")):
        program.write_text(f"#!/bin/sh\necho \"$@\"; echo 'hint: last' >&2; exit {code}\n")
        program.chmod(0o755)
        done = subprocess.run(
            ["/bin/sh", "-c", line.replace(HOME, str(tmp_path))],
            env={"PATH": variables["PATH"].replace(HOME, str(tmp_path)), "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        assert done.stdout.endswith(mail)
        assert bool(done.stdout) == bool(mail)
    assert (tmp_path / "refresh.log").read_text().count("hint: last") == 2


def units() -> dict[str, str]:
    """Return the text of each unit by its name, which stands above it."""
    page = PAGE.read_text()
    return dict(re.findall(r"^`/etc/systemd/system/(\S+)`:\n\n```ini\n(.*?)^```", page, flags=re.M | re.S))


def test_the_lines_of_cron_and_systemd_are_valid_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a run, the exit code is 4: the options are valid, and the run is not found."""
    service = ConfigParser(interpolation=None)
    service.optionxform = str  # type: ignore[assignment,method-assign]  # systemd heeds case
    service.read_string(units()["refresh.service"])
    started = shlex.split(service["Service"]["ExecStart"])
    (line,) = cron_lines(PAGE.read_text())
    by_cron = shlex.split(re.findall(r"lstm (.*?) >>", line)[0])
    assert started[0] == f"{HOME}/.venv/bin/lstm"
    assert service["Service"]["WorkingDirectory"] == HOME
    monkeypatch.chdir(tmp_path)
    (tmp_path / "load.csv").touch()
    for argv in (started[1:], by_cron):
        assert lstm(argv) == 4
        assert "run directory not found: runs/load" in capsys.readouterr().err
        assert not (tmp_path / "forecast.csv").exists()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for name, text in units().items():
        (tmp_path / name).write_text(text.replace(f"{HOME}/.venv/bin/lstm", sys.executable))
    (tmp_path / "alert@.service").write_text("[Service]\nType=oneshot\nExecStart=/bin/true\n")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in units())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert units().keys() == {"refresh.service", "refresh.timer"}
    assert [line for line in done.stderr.splitlines() if "refresh." in line] == []


def test_the_exit_codes_are_those_of_the_reference() -> None:
    known, listed = (exit_codes(DOCS / name) for name in ("reference/exit-codes.md", NAME))
    assert listed
    assert listed <= known
