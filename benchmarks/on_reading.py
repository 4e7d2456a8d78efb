"""Speed of `lstm prepare` on a large CSV file, compared with pandas that only reads it into float32 columns."""

import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import goals
import numpy as np
import pandas as pd
from command import CommandFailed, Notebook
from timing import Spent, in_turn, ratio, spent

BEFORE = ", before"
COLUMNS = 8  # columns of numbers, one less in a panel
CHUNK = 200_000  # rows written at once
PANDAS = """
import sys, time
import numpy, pandas
path, *numbers = sys.argv[1:]
began = time.perf_counter()
pandas.read_csv(path, dtype=dict.fromkeys(numbers, numpy.float32))
print(time.perf_counter() - began)
"""
READER = """
import os, sys, tempfile, time
os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")  # as `lstm prepare` does
from pathlib import Path
from lstm_cli.data.reading.table import read_table
path, series, *numbers = sys.argv[1:]
series = (series,) if series else ()
with tempfile.TemporaryDirectory() as folder:
    began = time.perf_counter()
    read_table(path, targets=numbers[:1], past=numbers[1:], series=series, spill=lambda: Path(folder))
    print(time.perf_counter() - began)
"""


def run(
    notebook: Notebook, repetitions: int, rows: int, pandas_python: str, before: Path | None = None
) -> None:
    """Print the speed for one series and for a panel.

    Args:
        notebook: printer of the rows.
        repetitions: number of timed runs of each side.
        rows: rows of the CSV file.
        pandas_python: Python interpreter whose pandas is measured.
        before: tree of another version that is measured in the same run; None for none.
    """
    version = subprocess.run(
        [pandas_python, "-c", "import pandas; print(pandas.__version__)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    notebook.say(f"\n## A CSV of {rows:,} rows, compared with pandas {version}\n")
    notebook.head(
        "what",
        "compared with",
        "ratio",
        "goal",
        "result",
        "seconds",
        "its seconds",
        "peak MiB",
        "MB of CSV",
        "written",
    )
    panel = max(1, rows // 500)
    for series in (0, panel):
        with tempfile.TemporaryDirectory() as folder, notebook.attempt(f"{series or 1:,} series"):
            compare(
                notebook, Path(folder), repetitions, pandas_python, rows=rows, series=series, before=before
            )


def compare(
    notebook: Notebook,
    folder: Path,
    repetitions: int,
    pandas_python: str,
    *,
    rows: int,
    series: int,
    before: Path | None,
) -> None:
    """Print the rows of one file.

    Args:
        notebook: printer of the rows.
        folder: empty folder for data and run.
        repetitions: number of timed runs of each side.
        pandas_python: Python interpreter whose pandas is measured.
        rows: rows of the CSV file.
        series: number of series, whose rows alternate; 0: one series without a column of names.
        before: tree of another version; None for none.
    """
    source, run_dir = folder / "large.csv", folder / "run"
    write_csv(source, rows=rows, series=series)
    numbers = names(series)
    columns = ["--target", numbers[0], *(word for name in numbers[1:] for word in ("--past", name))]
    of_panel = ["--series", "name"] if series else []
    prepare = [sys.executable, "-m", "lstm_cli", "prepare", str(source), str(run_dir), *columns, *of_panel]
    prepare += ["--horizon", "24", "--lookback", "48", "--season", "24", "--force"]
    usages: dict[str, list[Spent]] = {"": [], BEFORE: []}
    reading = [sys.executable, "-c", READER, str(source), "name" if series else "", *numbers]

    def whole(version: str, tree: Path | None) -> float:
        usages[version].append(spent(with_tree(prepare, tree)))
        return usages[version][-1].wall

    sides = {"pandas": lambda: printed_seconds([pandas_python, "-c", PANDAS, str(source), *numbers])}
    for version, tree in {"": None, BEFORE: before}.items():
        if not version or tree:
            sides["reading" + version] = partial(printed_seconds, with_tree(reading, tree))
            sides["whole" + version] = partial(whole, version, tree)
    result = in_turn(sides, repetitions)
    (data,) = (run_dir / "data").iterdir()
    written = sum(file.stat().st_size for file in data.iterdir()) / (4 * rows * len(numbers))
    several = f", {series:,} series in turn" if series else ""
    rows_of = {
        "reading": goals.READING_PANEL if series else goals.READING,
        "whole": goals.PANEL if series else goals.PREPARE,
    }
    for version in (BEFORE, "") if before else ("",):
        for side, row in rows_of.items():
            ratio_now = ratio(result[side + version], result["pandas"])
            own, other = (statistics.median(result[name]) for name in (side + version, "pandas"))
            peak = statistics.median(item.mib for item in usages[version]) if side == "whole" else None
            notebook.row(
                row.what + several + version, row.reference, ratio_now, row.goal, goals.verdict(row, ratio_now), own,
                other, peak, source.stat().st_size / 1e6, written if side == "whole" else None,
            )  # fmt: skip
            notebook.keep(
                table="reading", what=row.what + version, series=series, ratio=ratio_now, own=own, peak=peak
            )


def with_tree(command: list[str], tree: Path | None) -> list[str]:
    """Return a command that imports the package from another tree; None: from this one."""
    return command if tree is None else ["env", "PYTHONSAFEPATH=1", f"PYTHONPATH={tree.resolve()}", *command]


def printed_seconds(command: list[str]) -> float:
    """Return the seconds that a process prints. Raise CommandFailed if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandFailed(f"exit {done.returncode}: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout)


def names(series: int) -> list[str]:
    """Return the columns of numbers. A panel has one less, so both files have nine columns."""
    return [f"load{number}" for number in range(COLUMNS - bool(series))]


def write_csv(path: Path, *, rows: int, series: int) -> None:
    """Write hourly rows with a daily season and noise, six decimals.

    Args:
        path: CSV file.
        rows: number of rows.
        series: number of series; 0: one series without a column of names.
    """
    rng = np.random.default_rng(0)
    count = max(1, series)
    numbers = names(series)
    for begin in range(0, rows, CHUNK):
        places = np.arange(begin, min(rows, begin + CHUNK))
        hours = places // count
        wave = 50 + 10 * np.sin(2 * np.pi * hours / 24)
        columns = {"time": (np.datetime64("1900-01-01T00", "h") + hours).astype("datetime64[s]")}
        if series:
            columns = {"name": np.char.add("s", (places % count).astype(str))} | columns
        columns |= {name: wave + rng.normal(size=len(places)) for name in numbers}
        table = pd.DataFrame(columns)
        table.to_csv(
            path,
            mode="a" if begin else "w",
            header=not begin,
            index=False,
            float_format="%.6f",
            date_format="%Y-%m-%d %H:%M:%S",
        )
