"""Tests of the light install in docs/start/install.md, in a new environment: `make test-light`.

The name of this file keeps pytest from collecting it, because it takes half a minute and installs packages.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUN = ROOT / "tests" / "rundir" / "golden" / "run"
SOURCE = ("lstm_cli", "pyproject.toml", "README.md", "LICENSE", "requirements-light.txt")
HEAVY = ("torch", "pandas", "scikit-learn", "pyarrow", "matplotlib", "onnx", "safetensors")
TIMEOUT = 300  # seconds


def light_lines() -> list[str]:
    """Return the pip commands of the light install, without those that make and activate an environment."""
    page = (ROOT / "docs" / "start" / "install.md").read_text()
    section = page.partition("\n## Light install\n")[2].partition("\n## ")[0]
    (commands,) = re.findall(r"^```sh\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    return [line for line in commands.splitlines() if line.startswith("pip ")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the source, a trained run, a CSV and, in bin/, the light install."""
    folder = tmp_path_factory.mktemp("light")
    source = folder / "source"
    source.mkdir()
    for name in SOURCE:  # a copy, because a build writes files into the source folder
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    shutil.copytree(RUN, folder / "run")
    rows = (ROOT / "sample_data" / "ETTh1.csv").read_text().splitlines()[:501]
    (folder / "load.csv").write_text("\n".join(rows) + "\n")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, timeout=TIMEOUT)
    environ = environment(folder) | {"PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
    lines = light_lines()
    assert len(lines) == 2
    for line in lines:
        subprocess.run(line, shell=True, cwd=source, env=environ, check=True, timeout=TIMEOUT)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """Return the environment variables with the new environment first on PATH, and without PYTHONPATH."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return kept | {"PATH": f"{folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def lstm(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run the installed `lstm` in the folder."""
    command = [folder / "venv" / "bin" / "lstm", *argv]
    return subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=TIMEOUT
    )


def test_heavy_packages_are_not_installed(folder: Path) -> None:
    listed = subprocess.run(
        ["pip", "list", "--format", "json"],
        env=environment(folder),
        capture_output=True,
        check=True,
        timeout=TIMEOUT,
    )
    installed = {package["name"] for package in json.loads(listed.stdout)}
    assert "lstm-cli" in installed
    assert not installed & set(HEAVY)


def test_a_file_is_checked_and_prepared(folder: Path) -> None:
    checked = lstm(folder, "check", "load.csv", "--target", "OT", "--json")
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["rows"] == 500
    made = lstm(folder, "prepare", "load.csv", "prepared", "--target", "OT", "--horizon", "6", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["windows"]["test"] > 0


def test_a_trained_run_gives_the_same_forecast(folder: Path) -> None:
    """Forecasts of the full install are the same, except for the last digits on another processor."""
    done = lstm(folder, "predict", "run", "--precision", "fp32", "--threads", "1")
    assert done.returncode == 0, done.stderr
    rows = [line.split(",") for line in done.stdout.splitlines()]
    expected = [line.split(",") for line in (RUN.parent / "forecast.csv").read_text().splitlines()]
    assert [row[:2] for row in rows] == [row[:2] for row in expected]
    for row, expected_row in zip(rows[1:], expected[1:], strict=True):
        assert [float(cell) for cell in row[2:]] == pytest.approx(
            [float(cell) for cell in expected_row[2:]], rel=1e-4
        )


@pytest.mark.parametrize(
    ("argv", "missing"),
    [
        (("train", "run", "--force"), ("onnx", "torch")),
        (("tune", "run", "--force"), ("scikit-learn", "torch")),
        (("evaluate", "run", "--force"), ("matplotlib",)),
        (("quantize", "run", "--force"), ("onnx",)),
        (("export", "run", "--to", "pt2"), ("torch",)),
        (("check", "load.csv", "--target", "OT", "--plot", "check.png"), ("matplotlib",)),
        (("predict", "run", "-o", "forecast.parquet"), ("pyarrow",)),
    ],
    ids=lambda value: value[0],
)
def test_the_error_names_missing_packages_and_the_pip_command(
    folder: Path, argv: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bounded = {line.partition(">=")[0]: line for line in project["dependencies"]}
    done = lstm(folder, *argv)
    assert (done.returncode, done.stdout) == (2, "")
    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith("error: ")
    assert hint.startswith("hint: pip install ")
    for name in missing:
        assert name in error
        assert f"'{bounded[name]}'" in hint
    assert "bug" not in done.stderr


def test_other_commands_succeed(folder: Path) -> None:
    for argv in (
        ("--help",),
        ("runs", "run"),
        ("verify", "run"),
        ("config", "run"),
        ("export", "run", "--to", "onnx"),
    ):
        done = lstm(folder, *argv)
        assert done.returncode == 0, done.stderr
