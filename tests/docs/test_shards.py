"""Tests of the lines of docs/how-to/predict.md that forecast a panel in shards."""

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fenced import blocks
from test_how_to import lstm_program

PAGE = "how-to/predict.md"
SHARDS = 3  # in place of 16


def lines(language: str, word: str) -> str:
    """Return the block of the page with this word, with fewer shards."""
    (text,) = (block for block in blocks(PAGE, language) if word in block)
    return text.replace("/16", f"/{SHARDS}").replace("seq 16", f"seq {SHARDS}").replace("1-16", f"1-{SHARDS}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `bin/lstm`, the run `runs/shops` and its forecast `whole.csv`."""
    folder, rng = tmp_path_factory.mktemp("shards"), np.random.default_rng(1)
    lstm_program(folder / "bin" / "lstm")
    rows = [
        f"{np.datetime64('2024-01-01') + day},{shop},{50 + 10 * (day % 7) + rng.normal():.2f}"
        for shop in "ABCDE"
        for day in range(80)
    ]
    (folder / "shops.csv").write_text("\n".join(["day,shop,sales", *rows]) + "\n")
    shell(
        folder, "lstm prepare shops.csv runs/shops --series shop --target sales --horizon 3 --lookback 7 -q"
    )
    shell(folder, "lstm train runs/shops -q")
    shell(folder, "lstm predict runs/shops --threads 1 -q -o whole.csv")
    return folder


def shell(folder: Path, text: str, **variables: str) -> None:
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    subprocess.run(["sh", "-ec", text], cwd=folder, env={"PATH": path, **variables}, check=True)


def joined(folder: Path) -> bytes:
    parts = [(folder / "parts" / f"{part}.csv").read_bytes() for part in range(1, SHARDS + 1)]
    return parts[0] + b"".join(part.split(b"\n", 1)[1] for part in parts[1:])


def test_xargs(folder: Path) -> None:
    shell(folder, lines("sh", "xargs"))
    assert (folder / "forecast.csv").read_bytes() == (folder / "whole.csv").read_bytes()


def test_slurm(folder: Path) -> None:
    """Run the command of sbatch for each task, as Slurm does."""
    words = shlex.split(lines("sh", "sbatch").replace("\\\n", ""))
    assert words[:-1] == ["sbatch", f"--array=1-{SHARDS}", "--wrap"]
    (folder / "parts").mkdir(exist_ok=True)
    for task in range(1, SHARDS + 1):
        shell(folder, words[-1], SLURM_ARRAY_TASK_ID=str(task))
    assert joined(folder) == (folder / "whole.csv").read_bytes()


def test_airflow(folder: Path) -> None:
    """Run the commands of the mapped tasks."""
    commands: list[str] = []

    class BashOperator:
        @staticmethod
        def partial(task_id: str) -> Any:
            return BashOperator

        @staticmethod
        def expand(bash_command: list[str]) -> None:
            commands.extend(bash_command)

    exec(lines("python", "BashOperator"), {"BashOperator": BashOperator})
    assert len(commands) == 16
    (folder / "parts").mkdir(exist_ok=True)
    for command in commands[:SHARDS]:
        shell(folder, command)
    assert joined(folder) == (folder / "whole.csv").read_bytes()
