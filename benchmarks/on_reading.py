"""A large CSV through `lstm prepare`, beside pandas that reads the same file into float32 columns and does no more."""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import reach
from command import CommandFailed, Notebook
from reach import Row
from timing import Spent, in_turn, ratio, spent

COLUMNS = 8  # of numbers, beside the time or the name and the time
AT_ONCE = 200_000  # rows written
PANDAS = """
import sys, time
import numpy, pandas
path, *numbers = sys.argv[1:]
began = time.perf_counter()
pandas.read_csv(path, dtype=dict.fromkeys(numbers, numpy.float32))
print(time.perf_counter() - began)
"""
READER = """
import sys, tempfile, time
from pathlib import Path
from lstm_cli.data.reading.table import read_table
path, series, *numbers = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    began = time.perf_counter()
    read_table(path, targets=numbers[:1], past=numbers[1:], series=series or None, spill=lambda: Path(folder))
    print(time.perf_counter() - began)
"""


def run(notebook: Notebook, repetitions: int, rows: int, beside: str) -> None:
    """beside: the interpreter whose pandas is measured."""
    version = subprocess.run(
        [beside, "-c", "import pandas; print(pandas.__version__)"], capture_output=True, text=True, check=True
    ).stdout.strip()
    notebook.say(f"\n## A CSV of {rows:,} rows, beside pandas {version}\n")
    notebook.head(
        "what", "beside", "ratio", "reach", "", "seconds", "beside, s", "peak MiB", "MB of CSV", "written"
    )
    panel = max(1, rows // 500)
    for series in (0, panel):
        with tempfile.TemporaryDirectory() as folder, notebook.attempt(f"{series or 1:,} series"):
            compare(notebook, Path(folder), repetitions, beside, rows=rows, series=series)


def compare(
    notebook: Notebook, folder: Path, repetitions: int, beside: str, *, rows: int, series: int
) -> None:
    """One file. series: so many, row by row in turn; 0: one, without a column of names."""
    source, run_dir = folder / "large.csv", folder / "run"
    write_csv(source, rows=rows, series=series)
    numbers = names(series)
    columns = ["--target", numbers[0], *(word for name in numbers[1:] for word in ("--past", name))]
    of_panel = ["--series", "name"] if series else []
    prepare = [sys.executable, "-m", "lstm_cli", "prepare", str(source), str(run_dir), *columns, *of_panel]
    prepare += ["--horizon", "24", "--lookback", "48", "--season", "24", "--force"]
    taken: list[Spent] = []

    def whole() -> float:
        taken.append(spent(prepare))
        return taken[-1].wall

    sides = {
        "pandas": lambda: told([beside, "-c", PANDAS, str(source), *numbers]),
        "reading": lambda: told([sys.executable, "-c", READER, str(source), "name" * bool(series), *numbers]),
        "whole": whole,
    }
    found = in_turn(sides, repetitions)
    (data,) = (run_dir / "data").iterdir()
    written = sum(file.stat().st_size for file in data.iterdir()) / (4 * rows * len(numbers))
    several = f", {series:,} series in turn" if series else ""
    for side, row in (("reading", reach.READING), ("whole", reach.PANEL if series else reach.PREPARE)):
        if side == "reading" and series:
            row = Row(what=row.what, beside=row.beside)
        ratio_now = ratio(found[side], found["pandas"])
        own, other = (statistics.median(found[name]) for name in (side, "pandas"))
        peak = statistics.median(one.mib for one in taken) if side == "whole" else None
        notebook.row(
            row.what + several, row.beside, ratio_now, row.reach, reach.verdict(row, ratio_now), own, other, peak,
            source.stat().st_size / 1e6, written if side == "whole" else None,
        )  # fmt: skip
        notebook.keep(table="reading", what=row.what, series=series, ratio=ratio_now, own=own, peak=peak)


def told(command: list[str]) -> float:
    """The seconds that a process prints. Raises CommandFailed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandFailed(f"it ended with {done.returncode}: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout)


def names(series: int) -> list[str]:
    """The columns of numbers; a panel has one less, so that both files have nine columns."""
    return [f"load{number}" for number in range(COLUMNS - bool(series))]


def write_csv(path: Path, *, rows: int, series: int) -> None:
    """Hours of daily waves with noise, six digits a number."""
    chance = np.random.default_rng(0)
    each = max(1, series)
    numbers = names(series)
    for begin in range(0, rows, AT_ONCE):
        places = np.arange(begin, min(rows, begin + AT_ONCE))
        hours = places // each
        wave = 50 + 10 * np.sin(2 * np.pi * hours / 24)
        columns = {"time": (np.datetime64("1900-01-01T00", "h") + hours).astype("datetime64[s]")}
        if series:
            columns = {"name": np.char.add("s", (places % each).astype(str))} | columns
        columns |= {name: wave + chance.normal(size=len(places)) for name in numbers}
        table = pd.DataFrame(columns)
        table.to_csv(
            path,
            mode="a" if begin else "w",
            header=not begin,
            index=False,
            float_format="%.6f",
            date_format="%Y-%m-%d %H:%M:%S",
        )
