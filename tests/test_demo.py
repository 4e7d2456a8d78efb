"""Tests of `make demo`: it only installs the package, and its last line is a command that works."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TIMEOUT = 300  # seconds
# Replaces lstm: it records its arguments, also one word a line, and writes the files that the demo reads.
LSTM = """#!/bin/sh
echo "$*" >>calls.txt
printf '%s\\n' "$@" >>words.txt
for last; do :; done
case $1 in
evaluate) printf 'scores\\n* lowest error\\n\\nplot: runs/demo/forecasts.png\\n' ;;
predict) printf 'time,y\\n1,2\\n' >"$last" ;;
esac
"""


def commands(folder: Path, target: str) -> str:
    """Return the commands that make would run for the target in a new checkout."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    # Without the variables of `make test`.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "-n", target],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT,
    )
    return done.stdout


def test_the_demo_only_installs_the_package(tmp_path: Path) -> None:
    demo = commands(tmp_path, "demo")
    assert re.search(r"--constraint constraints\.txt .*--editable \.$", demo, flags=re.MULTILINE)
    assert "[dev]" not in demo


@pytest.mark.parametrize("target", ["test", "test-gpu", "test-light", "fuzz", "faults", "lint"])
def test_other_targets_install_the_developer_packages(tmp_path: Path, target: str) -> None:
    assert re.search(
        r"--constraint constraints\.txt .*--editable '\.\[dev\]'$", commands(tmp_path, target), re.M
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with the demo, and an environment in which lstm only records its arguments."""
    (tmp_path / "sample_data").mkdir()
    for script in (ROOT / "sample_data").glob("*.sh"):
        shutil.copy(script, tmp_path / "sample_data")
    bin = tmp_path / ".venv" / "bin"
    bin.mkdir(parents=True)
    (bin / "lstm").write_text(LSTM)
    (bin / "lstm").chmod(0o755)
    (bin / "activate").write_text(f"PATH='{bin}':$PATH\n")
    return tmp_path


def demo(checkout: Path, path: str, script: str = "demo.sh") -> list[str]:
    """Return the lines that the demo prints with this PATH."""
    done = subprocess.run(
        ["sh", f"sample_data/{script}"],
        cwd=checkout,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT,
    )
    return done.stdout.splitlines()


def test_the_last_line_of_the_demo_works_as_written(checkout: Path) -> None:
    lines = demo(checkout, f"{checkout / '.venv' / 'bin'}:{os.defpath}")
    label, command = lines[-1].split(maxsplit=1)
    assert label == "next"
    assert command == ". .venv/bin/activate && lstm check YOUR.csv"
    (checkout / "calls.txt").unlink()
    subprocess.run(["sh", "-c", command], cwd=checkout, env={"PATH": os.defpath}, check=True, timeout=TIMEOUT)
    assert (checkout / "calls.txt").read_text() == "check YOUR.csv\n"


def test_without_an_environment_the_last_line_is_only_the_command(checkout: Path) -> None:
    (checkout / ".venv" / "bin" / "activate").unlink()
    assert demo(checkout, f"{checkout / '.venv' / 'bin'}:{os.defpath}")[-1] == "next      lstm check YOUR.csv"


def test_a_second_demo_prints_the_scores(checkout: Path) -> None:
    """`evaluate` prints no table if it is up to date, so the demo uses --force. The demo prints all its commands."""
    lines = demo(checkout, f"{checkout / '.venv' / 'bin'}:{os.defpath}")
    calls = (checkout / "calls.txt").read_text().splitlines()
    assert "evaluate runs/demo --force" in calls
    assert [line.removeprefix("$ lstm ") for line in lines if line.startswith("$ lstm ")] == calls


@pytest.mark.parametrize("script", ["demo_classify.sh", "demo_text.sh"])
def test_the_other_demos_print_commands_that_can_be_typed(checkout: Path, script: str) -> None:
    lines = demo(checkout, f"{checkout / '.venv' / 'bin'}:{os.defpath}", script)
    words = (checkout / "words.txt").read_text()
    (checkout / "words.txt").unlink()
    for line in lines:
        if line.startswith("$ "):
            subprocess.run(
                ["sh", "-c", line.removeprefix("$ ").replace("lstm", ".venv/bin/lstm", 1)],
                cwd=checkout,
                check=True,
                timeout=TIMEOUT,
            )
    assert (checkout / "words.txt").read_text() == words


def test_the_quickstart_activates_the_environment_before_the_first_command() -> None:
    page = (ROOT / "docs" / "start" / "quickstart.md").read_text()
    section = page.partition("\n## The same commands by hand\n")[2]
    first, second = re.findall(r"^```sh\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)[:2]
    assert first == ". .venv/bin/activate\n"
    assert second.startswith("lstm check ")
